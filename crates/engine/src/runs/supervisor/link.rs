//! The server, as a supervisor sees it: reports go there, commands come from there. It is never
//! waited for while a run goes on, and when it dies the next one is looked for.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::runs::protocol::{
    Hello, LONGEST_PACKET, Received, Report, State, VERSION, receive, send,
};
use crate::runs::rendezvous::ShortPath;

/// Shortest time between two reports on the progress of a run; what happens meanwhile is told
/// together.
const REPORT_PAUSE: Duration = Duration::from_millis(2);
/// When the first one comes at the earliest, after the start and after there is something to tell:
/// small programs are over by then, and their end says it all.
const FIRST_REPORT: Duration = Duration::from_millis(4);
const BEHIND_FIRST_NEWS: Duration = Duration::from_micros(500);
/// First and longest time between two attempts to find a server.
const FIRST_ATTEMPT: Duration = Duration::from_millis(250);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);
/// How long the last word may take when the server has much to do.
const LAST_WORD: Duration = Duration::from_secs(5);

/// The way to the server.
#[derive(Debug)]
pub(super) struct Link {
    socket: Option<OwnedFd>,
    room: Vec<u8>,
    /// Whether it is still the server that started this supervisor.
    is_first: bool,
}

/// What this supervisor says of itself to another server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) run: [u8; 16],
    pub(super) token: [u8; 32],
    pub(super) pid: u32,
    pub(super) rendezvous: &'a Path,
}

/// The way to the server during a run.
#[derive(Debug)]
pub(super) struct RunLink<'a> {
    link: &'a mut Link,
    identity: Identity<'a>,
    /// The last state that was told.
    told: State,
    /// When the next one may be told.
    tell_at: Instant,
    /// Whether there was nothing to tell yet.
    is_silent: bool,
    /// Whether the server had no room for it.
    is_full: bool,
    /// When the next attempt to find a server is due, and the pause behind it.
    attempt: (Instant, Duration),
}

impl Link {
    /// The way through this socket.
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket: Some(socket), room: vec![0; LONGEST_PACKET], is_first: true }
    }

    /// Waits for the next packet; `None` when the server is gone.
    pub(super) fn wait(&mut self) -> io::Result<Option<(&[u8], Option<OwnedFd>)>> {
        let Some(socket) = self.socket.as_ref().filter(|_| self.is_first) else { return Ok(None) };
        while poll(&mut [PollFd::new(socket, PollFlags::IN)], None) == Err(Errno::INTR) {}
        match receive(socket, &mut self.room) {
            Ok(Received::Packet(packet, file)) => Ok(Some((packet, file))),
            Ok(Received::Closed) => Ok(None),
            // It died before it had read everything.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the server is there now.
    pub(super) fn is_up(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let mut peer = [PollFd::new(socket, PollFlags::RDHUP)];
            let looked = poll(&mut peer, Some(&timespec(Duration::ZERO)));
            looked.is_ok() && peer.iter().all(|peer| peer.revents().is_empty())
        })
    }

    /// Tells the server, however long that takes within reason. Only for what must arrive.
    pub(super) fn tell(&self, report: &Report) {
        let Some(socket) = &self.socket else { return };
        let until = Instant::now() + LAST_WORD;
        while let Err(error) = send(socket, report) {
            let left = until.saturating_duration_since(Instant::now());
            if error.kind() != io::ErrorKind::WouldBlock || left.is_zero() {
                return;
            }
            let _ = poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&timespec(left)));
        }
    }
}

impl<'a> RunLink<'a> {
    /// The way during this run, which the server has been told of.
    pub(super) fn new(link: &'a mut Link, identity: Identity<'a>, told: State) -> Self {
        let now = Instant::now();
        let attempt = (now, FIRST_ATTEMPT);
        let tell_at = now + FIRST_REPORT;
        Self { link, identity, told, tell_at, is_silent: true, is_full: false, attempt }
    }

    /// What to wait for, if a server is there.
    pub(super) fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let flags = if self.is_full { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        Some((self.link.socket.as_ref()?.as_fd(), flags))
    }

    /// When [`RunLink::tend`] has something to do in this state.
    pub(super) fn due(&self, state: &State) -> Option<Instant> {
        match &self.link.socket {
            Some(_) if *state != self.told && !self.is_full => Some(self.tell_at),
            Some(_) => None,
            None => Some(self.attempt.0),
        }
    }

    /// Takes the next packet, if there is one.
    pub(super) fn receive(&mut self) -> Option<&[u8]> {
        let socket = self.link.socket.as_ref()?;
        let is_lost = match receive(socket, &mut self.link.room) {
            Ok(Received::Packet(packet, _)) => {
                let length = packet.len();
                return self.link.room.get(..length);
            }
            Ok(Received::Closed) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        if is_lost {
            self.lose();
        }
        None
    }

    /// Notes that the server has room again.
    pub(super) fn has_room(&mut self) {
        self.is_full = false;
    }

    /// Tells the state if it is time to, and looks for a server if there is none.
    pub(super) fn tend(&mut self, state: &State, now: Instant) {
        if self.is_silent && *state != self.told {
            self.is_silent = false;
            self.tell_at = self.tell_at.max(now + BEHIND_FIRST_NEWS);
        }
        match &self.link.socket {
            Some(socket) if *state != self.told && !self.is_full && now >= self.tell_at => {
                match send(socket, &Report::State(*state)) {
                    Ok(()) => {
                        self.told = *state;
                        self.tell_at = now + REPORT_PAUSE;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_full = true,
                    Err(_) => self.lose(),
                }
            }
            None if now >= self.attempt.0 => self.find_server(state, now),
            Some(_) | None => {}
        }
    }

    fn lose(&mut self) {
        // Whoever reads what the server printed must not wait for this process.
        if let Ok(nothing) = File::options().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stderr(nothing);
        }
        self.link.socket = None;
        self.link.is_first = false;
        self.is_full = false;
    }

    fn find_server(&mut self, state: &State, now: Instant) {
        let Identity { run, token, pid, rendezvous } = self.identity;
        let hello = Hello { version: VERSION, run, token, pid, state: *state };
        match meet(rendezvous).and_then(|socket| {
            send(&socket, &Report::Hello(hello))?;
            Ok(socket)
        }) {
            Ok(socket) => {
                self.link.socket = Some(socket);
                self.told = *state;
            }
            Err(_) => self.attempt.1 = LONGEST_ATTEMPT.min(self.attempt.1 * 2),
        }
        // Also behind a success: a server that does not know this run hangs up at once.
        self.attempt.0 = now + self.attempt.1;
    }
}

/// Connects to a server of the same account.
fn meet(rendezvous: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    let short = ShortPath::of(rendezvous)?;
    connect(&socket, &SocketAddrUnix::new(&short.path)?)?;
    if socket_peercred(&socket)?.uid != rustix::process::geteuid() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(socket)
}

/// A time as `poll` wants it.
pub(super) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::socketpair;

    use super::*;
    use crate::runs::protocol::Command;

    fn state(chunks: u64) -> State {
        State { chunks, ..State::default() }
    }

    fn reports(server: &OwnedFd) -> Vec<Report> {
        let mut room = vec![0; LONGEST_PACKET];
        let mut reports = Vec::new();
        while let Ok(Received::Packet(packet, _)) = receive(server, &mut room) {
            reports.push(postcard::from_bytes(packet).unwrap());
        }
        reports
    }

    #[test]
    fn a_server_that_does_not_listen_is_told_the_latest_later() {
        let (server, own) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .unwrap();
        while send(&own, &Report::Started(1)).is_ok() {}
        let mut link = Link::new(own);
        let identity =
            Identity { run: [0; 16], token: [0; 32], pid: 1, rendezvous: Path::new("/nowhere/x") };
        let mut link = RunLink::new(&mut link, identity, State::default());
        let soon = Instant::now() + FIRST_REPORT;
        let later = soon + Duration::from_secs(1);

        link.tend(&state(1), soon);
        assert_eq!(link.due(&state(1)), Some(soon + BEHIND_FIRST_NEWS));
        link.tend(&state(1), later);
        link.tend(&state(2), later);
        assert_eq!(link.due(&state(2)), None);
        assert!(link.interest().unwrap().1.contains(PollFlags::OUT));
        reports(&server);
        link.has_room();
        link.tend(&state(3), later);
        assert_eq!(reports(&server), [Report::State(state(3))]);

        send(&server, &Command::Stop).unwrap();
        let stop = link.receive().map(postcard::from_bytes::<Command<'_>>);
        assert_eq!(stop, Some(Ok(Command::Stop)));
    }
}
