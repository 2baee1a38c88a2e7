//! Running a script and waiting for its end, as existing clients do (scripts.md §8). What happens in
//! between stands in [`crate::runs`].

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::TaskTracker;
use webscripts_domain::access::{self, Denied};
use webscripts_domain::arguments::ValueError;
use webscripts_domain::catalogue::{Script, ScriptName};
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::{Invocation, Wishes};
use webscripts_domain::random::{self, NoRandomness};
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{RunEnd, RunId, StartedVia};
use webscripts_engine::runs::{Over, RunHandle, StartError, WholeOutput};

use crate::runs::active::ActiveRun;
use crate::runs::history::{collect, remove};
use crate::runs::life::end_of;
use crate::runs::queue::NoPlace;
use crate::runs::start::{Begun, StartRun};
use crate::{App, Configuration, events};

/// Why a script was not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such script, or it is the authentication script.
    #[error("there is no script of this name")]
    NoSuchScript,
    /// The caller may not run it.
    #[error("you may not run this script")]
    Denied(#[source] Denied),
    /// The CSRF token is missing, used or too old.
    #[error("the page is too old; load it again")]
    CsrfToken,
    /// Some values cannot be used.
    #[error("{} of the values cannot be used", .0.len())]
    Values(Vec<ValueError>),
    /// Too many runs wait.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// The user started too many runs in too short a time (`rate_limit`).
    #[error("you have started too many runs; try again in {} s", .0.as_secs().max(1))]
    RateLimited(std::time::Duration),
    /// The idempotency key is not 1 to 255 visible ASCII characters.
    #[error("an idempotency key has 1 to 255 visible ASCII characters")]
    InvalidKey,
    /// The idempotency key was used for another script or other arguments.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The server stops and starts nothing more.
    #[error("the server is stopping")]
    Stopping,
    /// The output of the run cannot be read.
    #[error("the output of the run cannot be read")]
    Output(#[source] std::io::Error),
    /// Saved state failed; nothing was started.
    #[error("saved state cannot be reached")]
    Store(#[from] webscripts_store::StoreError),
    /// It did not start.
    #[error("the script could not be started")]
    Start(#[from] StartError),
    /// No randomness for the number of the run.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The whole output of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Collected {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub end: RunEnd,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its number.
    pub run: RunId,
    /// The script.
    pub script: Arc<Script>,
    /// How it ended.
    pub end: RunEnd,
    /// Its directory.
    place: PathBuf,
    /// All it printed, if that was little.
    whole: Option<Arc<WholeOutput>>,
}

impl App {
    /// Finds a script and decides whether the caller may know and run it.
    ///
    /// # Errors
    ///
    /// [`RunError::NoSuchScript`] or [`RunError::Denied`].
    pub fn find_script(
        &self,
        configuration: &Configuration,
        caller: &Caller,
        name: &str,
    ) -> Result<Arc<Script>, RunError> {
        let name = ScriptName::parse(name).ok_or(RunError::NoSuchScript)?;
        if configuration.is_auth_script(&name) {
            return Err(RunError::NoSuchScript);
        }
        let script = configuration.catalogue.get(&name).ok_or(RunError::NoSuchScript)?;
        access::authorize(caller, script).map_err(|denied| {
            events::access_denied(caller, script);
            RunError::Denied(denied)
        })?;
        Ok(Arc::clone(script))
    }

    /// Runs a script and waits for its end. If the caller goes away the run goes on. Its output stays
    /// where it is kept: [`App::collect_ended`] reads little of it at once, [`App::read_output`]
    /// much of it piece by piece.
    ///
    /// # Errors
    ///
    /// Whatever speaks against it; nothing was started then.
    pub async fn run_script(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<Ended, RunError> {
        let (run, script) = self.start_script(caller, name, request, context).await?;
        run.over().await;
        let record = run.record();
        let end = end_of(record.end, record.ended, record.started);
        let (place, whole) = (run.place.clone(), run.whole_output());
        Ok(Ended { run: run.id, script, end, place, whole })
    }

    /// All that is kept of the output of a run that has ended, in memory.
    ///
    /// # Errors
    ///
    /// [`RunError::Output`].
    pub async fn collect_ended(&self, ended: &Ended) -> Result<Collected, RunError> {
        if let Some(whole) = &ended.whole {
            let WholeOutput { stdout, stderr } = WholeOutput::clone(whole);
            return Ok(Collected { stdout, stderr, end: ended.end });
        }
        collect(ended.place.clone(), ended.end).await.map_err(RunError::Output)
    }

    /// Starts a script as existing clients do, and waits until its process runs.
    pub(crate) async fn start_script(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<(Arc<ActiveRun>, Arc<Script>), RunError> {
        // The token is used up even if the script cannot be run: it has been seen.
        if !self.redeem_csrf_token(caller, request.csrf_token.as_deref()) {
            return Err(RunError::CsrfToken);
        }
        let script = self.find_script(&self.configuration(), caller, name)?;
        let order = StartRun {
            script: name,
            request,
            context,
            // Browsers send cookies, programs do not.
            via: if caller.needs_csrf_token() { StartedVia::Page } else { StartedVia::Api },
            idempotency_key: None,
            wishes: Wishes::default(),
        };
        match self.begin(caller, order).await? {
            Begun::New { run, started, .. } => {
                match started.await {
                    Ok(outcome) => outcome?,
                    // It was stopped while it waited, which its record says.
                    Err(_) if run.state().is_over() => {}
                    Err(_) => return Err(RunError::Stopping),
                }
                Ok((run, script))
            }
            // Without a key nothing is repeated.
            Begun::Repeated(_) => Err(RunError::KeyReused),
        }
    }

    /// The number of a new run.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn new_run_id(&self) -> Result<RunId, NoRandomness> {
        Ok(RunId::new(self.clock.now(), random::bytes(self.random.as_ref())?))
    }

    /// Runs something that leaves no trace: it is not recorded, and its directory is removed when
    /// its output has been read.
    pub(crate) async fn run_unrecorded(
        &self,
        what: Invocation,
    ) -> Result<Collected, UnrecordedError> {
        let place = what.place().to_owned();
        let leave_no_trace = RemoveWhenDropped::new(place.clone(), self.tasks.clone());
        let handle = self.runner.start(what).await?;
        let ending = StopWhenDropped(Some(handle.clone()));
        let over = handle.over().await;
        ending.disarm();
        let end = match over {
            Over::Ended(end) => end,
            Over::Lost => end_of(None, None, None),
        };
        let collected = collect(place, end).await;
        leave_no_trace.now().await;
        Ok(collected?)
    }
}

/// Why something that is not recorded has no result.
#[derive(Debug, thiserror::Error)]
pub enum UnrecordedError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its output cannot be read.
    #[error("its output cannot be read")]
    Output(#[from] std::io::Error),
}

/// Ends a run that nobody waits for any more.
struct StopWhenDropped(Option<RunHandle>);

impl StopWhenDropped {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.kill();
        }
    }
}

/// Removes a directory, also if whoever wanted its content goes away.
struct RemoveWhenDropped(Option<(PathBuf, TaskTracker)>);

impl RemoveWhenDropped {
    fn new(place: PathBuf, tasks: TaskTracker) -> Self {
        Self(Some((place, tasks)))
    }

    async fn now(mut self) {
        if let Some((place, _)) = self.0.take() {
            report(remove(place).await);
        }
    }
}

impl Drop for RemoveWhenDropped {
    fn drop(&mut self) {
        if let Some((place, tasks)) = self.0.take() {
            tasks.spawn(async move { report(remove(place).await) });
        }
    }
}

fn report(removed: std::io::Result<()>) {
    if let Err(error) = removed {
        tracing::error!(%error, "output that must not be kept could not be removed");
    }
}
