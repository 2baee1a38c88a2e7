//! THE MAIN PATH: find, authorize, check, build, start, collect.

use std::sync::Arc;

use webscripts_domain::access::{self, Denied};
use webscripts_domain::arguments::{self, ValueError};
use webscripts_domain::catalogue::{Script, ScriptName};
use webscripts_domain::environment::{RequestContext, environment};
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::{Invocation, Wishes};
use webscripts_domain::random::{self, NoRandomness};
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{Outcome, Printed, RunEnd, RunId, Stream, Usage};
use webscripts_engine::{RunHandle, StartError};

use crate::places::{NoPlace, Place};
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

/// A run that has begun.
#[derive(Debug)]
pub struct Started {
    /// Its number.
    pub run: RunId,
    /// The script.
    pub script: Arc<Script>,
    /// Its output and its end.
    pub handle: RunHandle,
    /// Its place among the runs; held until the end.
    pub(crate) place: Place,
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
pub struct Finished {
    /// Its number.
    pub run: RunId,
    /// The script.
    pub script: Arc<Script>,
    /// What it printed and how it ended.
    pub collected: Collected,
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

    /// Starts a script for a caller.
    ///
    /// # Errors
    ///
    /// Whatever speaks against it; nothing was started then.
    pub async fn start_script(
        &self,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<Started, RunError> {
        let configuration = self.configuration();
        let found = self.find_script(&configuration, caller, name);
        // The token is used up even if the script cannot be run: it has been seen.
        if !self.redeem_csrf_token(caller, request.csrf_token.as_deref()) {
            return Err(RunError::CsrfToken);
        }
        let script = found?;
        let authorized = access::authorize(caller, &script).map_err(RunError::Denied)?;
        let checked = arguments::check(authorized, request).map_err(RunError::Values)?;
        let environment = environment(&configuration.environment, context, caller, &script);
        let run = self.new_run_id()?;
        let invocation = Invocation::new(
            run,
            &checked,
            environment,
            &configuration.surroundings(),
            Wishes::default(),
        );
        let place = self.places.take(caller.identity.id).await?;
        events::run_starting(run, caller, &script, &checked.shown_words());
        let handle = self.runner.start(invocation).await.inspect_err(|error| {
            events::run_not_started(run, caller, &script, error);
        })?;
        drop(checked);
        Ok(Started { run, script, handle, place })
    }

    /// Runs a script and waits for its end.
    ///
    /// # Errors
    ///
    /// As [`App::start_script`].
    pub async fn run_script(
        &self,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<Finished, RunError> {
        let started = self.start_script(caller, name, request, context).await?;
        Ok(self.finish(caller, started).await)
    }

    /// Waits for the end of a run and collects its output.
    pub async fn finish(&self, caller: &Caller, started: Started) -> Finished {
        let Started { run, script, handle, place } = started;
        let collected = Collected::from(handle).await;
        drop(place);
        events::run_finished(run, caller, &script, &collected.end);
        Finished { run, script, collected }
    }

    /// The number of a new run.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn new_run_id(&self) -> Result<RunId, NoRandomness> {
        Ok(RunId::new(self.clock.now(), random::bytes(self.random.as_ref())?))
    }
}

impl Collected {
    /// Waits for the end of a run.
    pub async fn from(mut handle: RunHandle) -> Self {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(chunk) = handle.output.recv().await {
            match chunk.stream {
                Stream::Stdout => stdout.extend_from_slice(&chunk.bytes),
                Stream::Stderr => stderr.extend_from_slice(&chunk.bytes),
            }
        }
        let end = handle.end.await.unwrap_or_else(|_| lost());
        Self { stdout, stderr, end }
    }
}

/// What is reported of a run whose supervisor went away: it was ended with it.
pub fn lost() -> RunEnd {
    RunEnd {
        outcome: Outcome::Cancelled,
        took: std::time::Duration::ZERO,
        usage: Usage::default(),
        printed: Printed::default(),
    }
}
