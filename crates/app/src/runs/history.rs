//! Runs that were: one, many, and their output.

use std::sync::Arc;

use webscripts_domain::clock::Timestamp;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{RunId, RunState, Stream};

use super::start::StartedRun;
use super::{RunAccessError, RunView};
use crate::App;
use crate::run_script::{Collected, RunError};

/// Most runs of one page of a list.
pub const MAX_PAGE: u32 = 200;
/// Most bytes of one piece of output.
pub const MAX_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Which runs to list. All conditions have to be met.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// In one of these states; empty: in any.
    pub states: Vec<RunState>,
    /// Of the script of exactly this name.
    pub script: Option<String>,
    /// Of the user of exactly this name.
    pub user: Option<String>,
    /// Name of the script, name of the user or an argument holds this text.
    pub text: Option<String>,
    /// Asked for at this time or later.
    pub from: Option<Timestamp>,
    /// Asked for before this time.
    pub to: Option<Timestamp>,
    /// Only the caller's own.
    pub mine: bool,
    /// How many: 1 to [`MAX_PAGE`].
    pub limit: u32,
    /// Where the page before ended: [`RunPage::next`].
    pub cursor: Option<RunId>,
}

/// Runs, newest first.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunView>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<RunId>,
}

/// A piece of the output of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPiece {
    /// Where it begins. Larger than asked for when what was asked for is not kept.
    pub offset: u64,
    /// The bytes as printed, secrets masked. Empty: nothing is kept from there on up to now.
    pub bytes: Vec<u8>,
    /// Up to where the stream is kept without a gap from `offset` on.
    pub kept_until: u64,
    /// How much the stream printed up to now.
    pub total: u64,
    /// Whether the run is over: `total` is final.
    pub over: bool,
}

/// Why a run is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// It cannot be seen.
    #[error(transparent)]
    Access(#[from] RunAccessError),
    /// A value is not recorded: a secret, or too long.
    #[error("the value of `{argument}` was not recorded; start the script on its page")]
    NotRecorded {
        /// The first argument it is missing of.
        argument: String,
    },
    /// It could not be started.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a run is not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// It cannot be seen.
    #[error(transparent)]
    Access(#[from] RunAccessError),
    /// The caller may see it, but not delete it.
    #[error("only the owner of a run and administrators delete it")]
    NotAllowed,
    /// It is not over.
    #[error("the run is not over; stop it first")]
    NotOver,
}

impl App {
    /// One run.
    ///
    /// # Errors
    ///
    /// When there is none for the caller.
    pub async fn run(&self, _caller: &Caller, _id: RunId) -> Result<RunView, RunAccessError> {
        Err(RunAccessError::NotFound)
    }

    /// The runs the caller may see, newest first.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn list_runs(
        &self,
        _caller: &Caller,
        _query: &RunQuery,
    ) -> Result<RunPage, RunAccessError> {
        Ok(RunPage::default())
    }

    /// A piece of one stream, from `offset`, at most `length` bytes ([`MAX_PIECE_BYTES`]).
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller, or its output cannot be read.
    pub async fn read_output(
        &self,
        _caller: &Caller,
        _id: RunId,
        _stream: Stream,
        _offset: u64,
        _length: usize,
    ) -> Result<OutputPiece, RunAccessError> {
        Err(RunAccessError::NotFound)
    }

    /// All that is kept of the output of a run, with a line where something was cut out.
    ///
    /// # Errors
    ///
    /// As [`App::read_output`].
    pub async fn collect_output(
        &self,
        _caller: &Caller,
        _id: RunId,
    ) -> Result<Collected, RunAccessError> {
        Err(RunAccessError::NotFound)
    }

    /// Starts the script of a run with the same arguments, as the caller. The CSRF token was
    /// redeemed by whoever calls.
    ///
    /// # Errors
    ///
    /// When a value was not recorded, or the caller may not run the script.
    pub async fn run_again(
        self: &Arc<Self>,
        _caller: &Caller,
        _id: RunId,
        _context: &RequestContext,
    ) -> Result<StartedRun, AgainError> {
        Err(RunAccessError::NotFound.into())
    }

    /// Deletes a run with its output and files. The CSRF token was redeemed by whoever calls.
    ///
    /// # Errors
    ///
    /// When it is not over, or the caller may not.
    pub async fn delete_run(&self, _caller: &Caller, _id: RunId) -> Result<(), DeleteError> {
        Err(RunAccessError::NotFound.into())
    }
}
