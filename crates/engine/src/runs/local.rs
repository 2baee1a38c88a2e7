//! Runs on this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, getpid, set_child_subreaper};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::random::Random;
use webscripts_domain::run::RunId;
use webscripts_domain::sandbox::{Network, Preset, Resources, Sandbox};

use super::accompany::{Accompanied, Orders, show};
use super::handle::RunHandle;
use super::order::Order;
use super::pool::{Pool, Supervisor, SupervisorProgram, end_process, hold, release};
use super::protocol::{Hello, LONGEST_INLINE_ORDER, Packed, Report, State};
use super::record::{self, Start};
use super::rendezvous::Rendezvous;
use super::{Lack, Recovered, Runner, StartError, strays};
use crate::cgroup;
use crate::descriptor::keep_from_children;
use crate::sandbox::{self, CommonFilter};

/// How often is looked for supervisors that have nothing to do.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// How long runs that were forced to end may take until nothing of them is left.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// How often is looked whether a run ended before its supervisor has got in touch.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How often another supervisor is tried when one is gone before it has said a word.
const MOST_ATTEMPTS: usize = 12;

/// What a runner needs.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// What supervisors are.
    pub supervisor: SupervisorProgram,
    /// The path of the socket for supervisors whose server is gone; one server at a time has it.
    /// Its directory is made if it is missing.
    pub rendezvous: PathBuf,
    /// Where the tokens come from by which supervisors are recognised.
    pub random: Arc<dyn Random>,
}

/// Starts runs on this machine. Each is kept by a process of its own: dropping the runner leaves
/// the runs to themselves, and the next runner with the same rendezvous finds them again.
/// [`LocalRunner::shutdown`] ends them.
#[derive(Debug)]
pub struct LocalRunner {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: LocalSettings,
    rendezvous: Rendezvous,
    pool: Pool,
    tasks: TaskTracker,
    orders: Orders,
}

impl LocalRunner {
    /// A runner. It makes this process the one that orphans of its runs are given to, marks the
    /// descriptors that this process has inherited, and listens at the rendezvous.
    ///
    /// Must be called in the context of the runtime.
    ///
    /// # Errors
    ///
    /// When the rendezvous cannot be made.
    pub fn new(settings: LocalSettings) -> io::Result<Self> {
        keep_from_children();
        set_child_subreaper(Some(getpid()))?;
        cgroup::prepare_server();
        let rendezvous = Rendezvous::listen(&settings.rendezvous)?;
        if let Some(runs) = settings.rendezvous.parent() {
            strays::sweep_scratch(runs);
        }
        let (stop, hurry, leave) = Default::default();
        let orders = Orders { stop, hurry, leave };
        let (pool, tasks) = Default::default();
        let shared = Arc::new(Shared { settings, rendezvous, pool, tasks, orders });
        shared.tasks.spawn(Arc::clone(&shared).receive());
        shared.tasks.spawn(Arc::clone(&shared).tidy());
        Ok(Self { shared })
    }

    /// Starts nothing more, stops every run and waits until all are over. Runs that are left after
    /// `grace` are killed.
    pub async fn shutdown(&self, grace: Duration) {
        let Shared { tasks, orders, pool, .. } = &*self.shared;
        orders.stop.cancel();
        tasks.close();
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            orders.hurry.cancel();
            if tokio::time::timeout(LAST_GRACE, tasks.wait()).await.is_err() {
                tracing::error!(runs = tasks.len(), "runs could not be ended");
            }
        }
        orders.leave.cancel();
        let idle = pool.take_all();
        let _ = tokio::task::spawn_blocking(move || release(idle)).await;
    }
}

impl Drop for LocalRunner {
    fn drop(&mut self) {
        self.shared.orders.stop.cancel();
        self.shared.orders.leave.cancel();
        drop(self.shared.pool.take_all());
    }
}

#[async_trait]
impl Runner for LocalRunner {
    /// The run starts also if the caller loses interest meanwhile.
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        let program = what.program().to_owned();
        let start = self.shared.tasks.spawn(Arc::clone(&self.shared).start(what));
        start.await.unwrap_or_else(|lost| Err(failed(program, lost.into())))
    }

    async fn recover(&self, run: RunId, place: &Path, patience: Duration) -> Recovered {
        let search = Arc::clone(&self.shared).recover(run, place.to_owned(), patience);
        self.shared.tasks.spawn(search).await.unwrap_or(Recovered::Lost)
    }

    fn lacks(&self) -> Vec<Lack> {
        let network = Some(Network::Ports(Vec::new()));
        let strictest = Sandbox { preset: Preset::Strict, network, ..Sandbox::default() };
        let (memory_bytes, processes) = (Some(u64::MAX), Some(u64::MAX));
        let all = Resources { memory_bytes, processes, ..Resources::default() };
        sandbox::lacks(&strictest, &all)
    }
}

impl Shared {
    async fn start(self: Arc<Self>, what: Invocation) -> Result<RunHandle, StartError> {
        if self.orders.stop.is_cancelled() {
            return Err(failed(what.program(), io::Error::other("the server is stopping")));
        }
        let mut token = [0; 32];
        self.settings
            .random
            .fill(&mut token)
            .map_err(|error| failed(what.program(), io::Error::other(error)))?;
        let mut last = None;
        for _ in 0..MOST_ATTEMPTS {
            let (supervisor, is_new) = self.supervisor(&what).await?;
            match self.order(supervisor, &what, token).await {
                Ok(started) => return started,
                Err(error) if is_new => return Err(failed(what.program(), error)),
                // It ended while it was idle.
                Err(error) => last = Some(error),
            }
        }
        let error = last.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
        Err(failed(what.program(), error))
    }

    /// A supervisor, and whether it was started for this run.
    async fn supervisor(&self, what: &Invocation) -> Result<(Supervisor, bool), StartError> {
        if let Some(supervisor) = self.pool.take(CommonFilter::of(what.sandbox())) {
            return Ok((supervisor, false));
        }
        let program = self.settings.supervisor.clone();
        let started = tokio::task::spawn_blocking(move || program.start()).await;
        match started.unwrap_or_else(|lost| Err(lost.into())) {
            Ok(supervisor) => Ok((supervisor, true)),
            Err(error) => Err(exhausted_or_failed(what.program(), error)),
        }
    }

    /// Gives an order to a supervisor. An error means that the supervisor is gone.
    async fn order(
        self: &Arc<Self>,
        mut supervisor: Supervisor,
        what: &Invocation,
        token: [u8; 32],
    ) -> io::Result<Result<RunHandle, StartError>> {
        let packed = self.pack(&supervisor, what, token).await?;
        supervisor.protected = Some(Arc::clone(what.protected()));
        supervisor.worn = CommonFilter::of(what.sandbox()).or(supervisor.worn);
        let answer = match supervisor.send_order(&packed).await {
            Ok(()) => supervisor.report().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(Some(Report::Started(pid))) => {
                let place = what.place().to_owned();
                let state = State { input_open: what.keeps_stdin_open(), ..State::default() };
                Ok(Ok(self.accompany(supervisor, what.run(), place, pid, state)))
            }
            Ok(Some(Report::Refused(refusal))) => {
                self.put_back(supervisor);
                Ok(Err(refusal.into()))
            }
            other => {
                self.tasks.spawn_blocking(|| supervisor.end_by_force());
                match other {
                    Err(error) => Err(error),
                    Ok(_) => Err(io::Error::other("the supervisor of the run has died")),
                }
            }
        }
    }

    async fn pack(
        &self,
        supervisor: &Supervisor,
        what: &Invocation,
        token: [u8; 32],
    ) -> io::Result<Packed> {
        let known = supervisor.protected.as_ref();
        let is_known = known.is_some_and(|known| Arc::ptr_eq(known, what.protected()));
        let order = Order::new(what, token, &self.settings.rendezvous, is_known);
        let message = order.encode(what.stdin()).map_err(io::Error::other)?;
        if message.len() <= LONGEST_INLINE_ORDER {
            return Packed::new(&message);
        }
        let packed = tokio::task::spawn_blocking(move || Packed::new(&message)).await;
        packed.unwrap_or_else(|lost| Err(lost.into()))
    }

    /// Follows a run in a task of its own.
    fn accompany(
        self: &Arc<Self>,
        supervisor: Supervisor,
        run: RunId,
        place: PathBuf,
        pid: u32,
        state: State,
    ) -> RunHandle {
        let (handle, control) = RunHandle::new(run, place.clone(), pid);
        control.progress.send_modify(|progress| show(progress, &state));
        let orders = self.orders.clone();
        let run = Accompanied { supervisor, control, run, place, state, orders };
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Some(supervisor) = run.follow_to_the_end().await {
                shared.put_back(supervisor);
            }
        });
        handle
    }

    fn put_back(&self, supervisor: Supervisor) {
        if let Some(superfluous) = self.pool.put(supervisor) {
            self.tasks.spawn_blocking(|| release(vec![superfluous]));
        }
    }

    /// Listens to supervisors that look for a server.
    async fn receive(self: Arc<Self>) {
        let ended = self.orders.stop.clone();
        let listen = async {
            loop {
                match self.rendezvous.accept().await {
                    Ok(supervisor) => {
                        let shared = Arc::clone(&self);
                        self.tasks.spawn(async move { shared.rendezvous.meet(supervisor).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a supervisor could not be accepted");
                        tokio::time::sleep(LOOK_INTERVAL).await;
                    }
                }
            }
        };
        ended.run_until_cancelled(listen).await;
    }

    /// Lets supervisors go that have had nothing to do for a while.
    async fn tidy(self: Arc<Self>) {
        let ended = self.orders.stop.clone();
        let tidy = async {
            loop {
                tokio::time::sleep(TIDY_INTERVAL).await;
                for (run, supervisor) in self.rendezvous.take_forgotten() {
                    tracing::warn!(%run, "a run that nobody knows is ended");
                    self.tasks.spawn_blocking(move || {
                        supervisor.end_by_force();
                        strays::end_marked(run);
                    });
                }
                let old = self.pool.take_old();
                if !old.is_empty() {
                    self.tasks.spawn_blocking(|| release(old));
                }
            }
        };
        ended.run_until_cancelled(tidy).await;
    }

    async fn recover(self: Arc<Self>, run: RunId, place: PathBuf, patience: Duration) -> Recovered {
        let until = Instant::now() + patience;
        loop {
            if let Some((hello, supervisor)) = self.rendezvous.take(run)
                && let Some(handle) = self.attach(hello, supervisor, &place).await
            {
                return Recovered::Attached(handle);
            }
            match look(run, place.clone()).await {
                Found::Ended(recovered) => return recovered,
                Found::Kept(_) if Instant::now() < until => {}
                Found::Kept(keeper) => return give_up(keeper, run, place).await,
            }
            let pause = LOOK_INTERVAL.min(until - Instant::now());
            let _ = tokio::time::timeout(pause, self.rendezvous.arrival()).await;
        }
    }

    /// Goes on with a run whose supervisor has come; `None` if it cannot prove that it is the one.
    async fn attach(
        self: &Arc<Self>,
        hello: Hello,
        supervisor: Supervisor,
        place: &Path,
    ) -> Option<RunHandle> {
        let path = place.to_owned();
        let start = tokio::task::spawn_blocking(move || Start::read(&path)).await.ok()?.ok()?;
        if !start.is_token(&hello.token) {
            tracing::warn!(place = %place.display(), "a process gave itself out as a supervisor");
            return None;
        }
        let run = RunId::from_bytes(hello.run);
        Some(self.accompany(supervisor, run, place.to_owned(), hello.pid, hello.state))
    }
}

/// What the directory of a run says.
enum Found {
    /// It is over.
    Ended(Recovered),
    /// This supervisor keeps it.
    Kept(Pid),
}

async fn look(run: RunId, place: PathBuf) -> Found {
    let found = tokio::task::spawn_blocking(move || {
        if let Some(keeper) = record::keeper(&place) {
            return Found::Kept(keeper);
        }
        if let Some(ended) = record::read_end(&place) {
            return Found::Ended(Recovered::Ended(ended.into()));
        }
        strays::end_marked(run);
        Found::Ended(Recovered::Lost)
    });
    found.await.unwrap_or(Found::Ended(Recovered::Lost))
}

/// Ends a run whose supervisor does not get in touch.
async fn give_up(keeper: Pid, run: RunId, place: PathBuf) -> Recovered {
    let path = place.clone();
    let ended = tokio::task::spawn_blocking(move || {
        if let Ok(process) = hold(keeper)
            && record::keeper(&path) == Some(keeper)
        {
            end_process(&process);
        }
    });
    let _ = ended.await;
    match look(run, place).await {
        Found::Ended(recovered) => recovered,
        Found::Kept(_) => Recovered::Lost,
    }
}

fn failed(program: impl Into<PathBuf>, source: io::Error) -> StartError {
    StartError::Failed { program: program.into(), source }
}

/// What it means that there is no supervisor.
fn exhausted_or_failed(program: &Path, source: io::Error) -> StartError {
    match rustix::io::Errno::from_io_error(&source) {
        Some(
            rustix::io::Errno::AGAIN
            | rustix::io::Errno::MFILE
            | rustix::io::Errno::NFILE
            | rustix::io::Errno::NOMEM,
        ) => StartError::Exhausted(source),
        _ => failed(program, source),
    }
}
