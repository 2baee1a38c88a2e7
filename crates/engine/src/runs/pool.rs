//! Supervisors: how they are started, kept for the next run, and let go.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use webscripts_domain::sandbox::Protected;

use super::protocol::{LONGEST_REPORT, Packed, Received, Report, receive, send};
use super::strays;
use crate::descriptor::watch;
use crate::sandbox::CommonFilter;

/// Most supervisors that wait for a run. As many as run at the same time on a busy server: to start
/// one costs more than to start a small program.
const MOST_IDLE: usize = 64;
/// How many of them wait for long.
const FEW_IDLE: usize = 8;
/// How long these wait.
const LONG_TIME: Duration = Duration::from_secs(30);
/// How long the others wait.
const SHORT_TIME: Duration = Duration::from_secs(3);

/// The program of a supervisor: it must call [`supervise`](super::supervise) and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorProgram {
    /// Absolute path.
    pub program: PathBuf,
    /// Its words.
    pub arguments: Vec<OsString>,
}

impl SupervisorProgram {
    /// This very program, also when its file was replaced since it was started, with one word.
    pub fn this_program(word: &str) -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec![word.into()] }
    }

    /// Starts a supervisor. Blocks for about a millisecond.
    pub(super) fn start(&self) -> io::Result<Supervisor> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (own, its) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        #[expect(clippy::disallowed_methods, reason = "the one place that starts supervisors")]
        let mut command = Command::new(&self.program);
        command
            .arg0("webscripts-supervisor")
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::from(its))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let mut known = strays::supervisors();
        let child = command.spawn()?;
        known.insert(Pid::from_child(&child).as_raw_nonzero().get());
        drop(known);
        Supervisor::new(own, Keeper::Own(child))
    }
}

/// A supervisor and the way to it.
#[derive(Debug)]
pub(super) struct Supervisor {
    socket: AsyncFd<OwnedFd>,
    keeper: Keeper,
    /// What its last order protected.
    pub(super) protected: Option<Arc<Protected>>,
    /// What it has put on with its first run: it can only start others that have the same.
    pub(super) worn: Option<CommonFilter>,
}

/// The process of a supervisor.
#[derive(Debug)]
pub(super) enum Keeper {
    /// A child of this process.
    Own(Child),
    /// One that another server has started.
    Others(OwnedFd),
}

impl Supervisor {
    /// A supervisor behind this socket. Must be called in the context of the runtime.
    pub(super) fn new(socket: OwnedFd, keeper: Keeper) -> io::Result<Self> {
        let socket = watch(socket, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { socket, keeper, protected: None, worn: None })
    }

    /// Whether it can take another run.
    fn can_stay(&self) -> bool {
        matches!(self.keeper, Keeper::Own(_))
    }

    /// Sends an order; waits only if the socket is full.
    pub(super) async fn send_order(&self, order: &Packed) -> io::Result<()> {
        loop {
            let mut ready = self.socket.writable().await?;
            if let Ok(result) = ready.try_io(|socket| order.send(socket.get_ref())) {
                return result;
            }
        }
    }

    /// Sends a command without waiting.
    pub(super) fn send(&self, command: &impl Serialize) -> io::Result<()> {
        self.socket.try_io(Interest::WRITABLE, |socket| send(socket, command))
    }

    /// Waits until commands may be sent.
    pub(super) async fn has_room(&self) -> io::Result<()> {
        self.socket.writable().await.map(drop)
    }

    /// Waits for the next report; `None` when the supervisor is gone. Safe to cancel.
    pub(super) async fn report(&self) -> io::Result<Option<Report>> {
        loop {
            let mut ready = self.socket.readable().await?;
            if let Ok(report) = ready.try_io(|socket| receive_report(socket.get_ref())) {
                return report;
            }
        }
    }

    /// Ends a supervisor that does not answer any more, with everything that it kept. Blocks.
    pub(super) fn end_by_force(self) {
        match self.keeper {
            Keeper::Own(mut child) => {
                let _ = child.kill();
                note_end(child);
                strays::end_adopted();
            }
            Keeper::Others(process) => end_process(&process),
        }
    }

    /// Lets an idle supervisor go. Blocks until it has ended.
    fn release(self) {
        let Self { socket, keeper, .. } = self;
        drop(socket);
        if let Keeper::Own(child) = keeper {
            note_end(child);
        }
    }
}

fn receive_report(socket: &OwnedFd) -> io::Result<Option<Report>> {
    let mut room = [0; LONGEST_REPORT];
    match receive(socket, &mut room)? {
        Received::Packet(packet, _) => {
            postcard::from_bytes(packet).map(Some).map_err(io::Error::other)
        }
        Received::Closed => Ok(None),
    }
}

/// Ends a process and waits until it is gone.
pub(super) fn end_process(process: &OwnedFd) {
    let _ = pidfd_send_signal(process, Signal::KILL);
    let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], None);
}

/// Takes hold of a process.
pub(super) fn hold(process: Pid) -> io::Result<OwnedFd> {
    Ok(pidfd_open(process, PidfdFlags::empty())?)
}

fn note_end(mut child: Child) {
    let number = Pid::from_child(&child).as_raw_nonzero().get();
    if let Err(error) = child.wait() {
        tracing::error!(pid = number, %error, "a supervisor could not be waited for");
    }
    strays::supervisors().remove(&number);
}

/// Supervisors that wait for a run. The last that came is the first that goes: its memory is the
/// one that the processor still knows.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<(Supervisor, Instant)>>);

impl Pool {
    /// Takes one for runs with this filter, rather one that has put it on than a new one.
    pub(super) fn take(&self, common: Option<CommonFilter>) -> Option<Supervisor> {
        let mut idle = self.lock();
        let last = |worn| idle.iter().rposition(|(supervisor, _)| supervisor.worn == worn);
        let index = last(common).or_else(|| last(None))?;
        Some(idle.remove(index).0)
    }

    /// Puts one back. If there are enough it comes back, to be let go.
    pub(super) fn put(&self, supervisor: Supervisor) -> Option<Supervisor> {
        let mut idle = self.lock();
        if idle.len() >= MOST_IDLE || !supervisor.can_stay() {
            return Some(supervisor);
        }
        idle.push((supervisor, Instant::now()));
        None
    }

    /// Takes those that have waited too long, the ones that have waited longest first.
    pub(super) fn take_old(&self) -> Vec<Supervisor> {
        let now = Instant::now();
        let mut idle = self.lock();
        let mut many = idle.len().saturating_sub(FEW_IDLE);
        let is_old = |(_, since): &mut (Supervisor, Instant)| {
            let waited = now.saturating_duration_since(*since);
            let is_old = waited >= LONG_TIME || (many > 0 && waited >= SHORT_TIME);
            many -= usize::from(is_old && many > 0);
            is_old
        };
        idle.extract_if(.., is_old).map(|(supervisor, _)| supervisor).collect()
    }

    /// Takes all.
    pub(super) fn take_all(&self) -> Vec<Supervisor> {
        self.lock().drain(..).map(|(supervisor, _)| supervisor).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Supervisor, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets supervisors go. Blocks until they have ended.
pub(super) fn release(supervisors: Vec<Supervisor>) {
    supervisors.into_iter().for_each(Supervisor::release);
}
