//! Where supervisors that lost their server find the next one.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with,
};
use rustix::process::geteuid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use webscripts_domain::run::RunId;

use super::pool::{Keeper, Supervisor, hold};
use super::protocol::{Hello, Report, VERSION};
use crate::descriptor::watch;

/// Supervisors that wait until somebody asks for their run; more are sent away and come back.
const MOST_WAITING: usize = 1024;
/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 128;
/// How long the first word may take.
const FIRST_WORD: Duration = Duration::from_secs(5);

/// How long a supervisor waits until somebody asks for its run: longer than a server needs to ask
/// for all the runs that it knows.
const MOST_PATIENCE: Duration = Duration::from_mins(2);

/// A supervisor that has said whose run it keeps.
#[derive(Debug)]
struct Waiting {
    hello: Hello,
    supervisor: Supervisor,
    since: Instant,
}

/// The socket, and who came.
#[derive(Debug)]
pub(super) struct Rendezvous {
    socket: AsyncFd<OwnedFd>,
    waiting: Mutex<HashMap<RunId, Waiting>>,
    arrived: Notify,
}

impl Rendezvous {
    /// Listens at this path, in place of a server that is gone. The directory is made if it is
    /// missing. Must be called in the context of the runtime.
    pub(super) fn listen(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let short = ShortPath::of(path)?;
        bind(&socket, &SocketAddrUnix::new(&short.path)?)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        listen(&socket, BACKLOG)?;
        let socket = watch(socket, Interest::READABLE)?;
        Ok(Self { socket, waiting: Mutex::default(), arrived: Notify::new() })
    }

    /// Waits for the next connection of a process of the same account.
    pub(super) async fn accept(&self) -> io::Result<Supervisor> {
        loop {
            let mut ready = self.socket.readable().await?;
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let accepted = ready.try_io(|socket| Ok(accept_with(socket.get_ref(), flags)?));
            let Ok(accepted) = accepted else { continue };
            let connection = accepted?;
            let peer = socket_peercred(&connection)?;
            if peer.uid == geteuid() {
                return Supervisor::new(connection, Keeper::Others(hold(peer.pid)?));
            }
        }
    }

    /// Listens to the first word of a connection and remembers who it is.
    pub(super) async fn meet(&self, supervisor: Supervisor) {
        let word = tokio::time::timeout(FIRST_WORD, supervisor.report()).await;
        let Ok(Ok(Some(Report::Hello(hello)))) = word else { return };
        if hello.version != VERSION {
            tracing::warn!(version = hello.version, "a supervisor speaks another language");
            return;
        }
        let mut waiting = self.lock();
        if waiting.len() < MOST_WAITING {
            let run = RunId::from_bytes(hello.run);
            waiting.insert(run, Waiting { hello, supervisor, since: Instant::now() });
        }
        drop(waiting);
        self.arrived.notify_waiters();
    }

    /// The supervisor of a run, if it has come.
    pub(super) fn take(&self, run: RunId) -> Option<(Hello, Supervisor)> {
        let Waiting { hello, supervisor, .. } = self.lock().remove(&run)?;
        Some((hello, supervisor))
    }

    /// Takes the supervisors of runs for which nobody has asked: the server does not know them.
    pub(super) fn take_forgotten(&self) -> Vec<(RunId, Supervisor)> {
        let now = Instant::now();
        let is_forgotten = |_: &RunId, waiting: &mut Waiting| {
            now.saturating_duration_since(waiting.since) > MOST_PATIENCE
        };
        let mut waiting = self.lock();
        let forgotten = waiting.extract_if(is_forgotten);
        forgotten.map(|(run, waiting)| (run, waiting.supervisor)).collect()
    }

    /// Waits until some supervisor comes.
    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path to a socket that is short enough for an address, which has room for 107 bytes only.
#[derive(Debug)]
pub(super) struct ShortPath {
    /// The path, through an open descriptor.
    pub(super) path: PathBuf,
    _directory: OwnedFd,
}

impl ShortPath {
    /// The short form of a path whose directory exists.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory = open(directory, flags, Mode::empty())?;
        let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _directory: directory })
    }
}
