//! From a request to a run that waits or runs.

use std::sync::Arc;

use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::Wishes;
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{RunId, StartedVia};

use super::{RunAccessError, RunView};
use crate::App;
use crate::run_script::RunError;

/// Most characters of an idempotency key; all of them visible ASCII.
pub const MAX_KEY_LENGTH: usize = 255;

/// What somebody asks for who starts a run.
#[derive(Debug, Clone, Copy)]
pub struct StartRun<'a> {
    /// Name of the script.
    pub script: &'a str,
    /// Arguments and CSRF token.
    pub request: &'a RunRequest,
    /// The request, for the environment of the script.
    pub context: &'a RequestContext,
    /// How it is started.
    pub via: StartedVia,
    /// A name the client chose: the same name again answers the same run.
    pub idempotency_key: Option<&'a str>,
    /// What the client chooses.
    pub wishes: Wishes,
}

/// A run that waits or runs.
#[derive(Debug, Clone)]
pub struct StartedRun {
    /// The run.
    pub view: RunView,
    /// Whether an earlier request with the same idempotency key started it.
    pub repeated: bool,
}

impl App {
    /// Starts a script, or puts it in the queue, and answers at once.
    ///
    /// # Errors
    ///
    /// Whatever speaks against it; nothing was started then. A script that could not be executed
    /// is [`RunError::Start`]; its run is recorded as failed.
    pub async fn start_run(
        self: &Arc<Self>,
        _caller: &Caller,
        _order: StartRun<'_>,
    ) -> Result<StartedRun, RunError> {
        Err(RunError::NoSuchScript)
    }

    /// Waits until a run is over. If the caller goes away the run goes on.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn wait_for_run(
        &self,
        _caller: &Caller,
        _id: RunId,
    ) -> Result<RunView, RunAccessError> {
        Err(RunAccessError::NotFound)
    }
}
