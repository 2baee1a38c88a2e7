//! Stopping a run and talking to it. CSRF tokens were redeemed by whoever calls.

use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::RunId;

use super::{RunAccessError, RunView};
use crate::App;

/// Most bytes written to standard input at once.
pub const MAX_INPUT_BYTES: usize = 64 * 1024;

/// Why a run does not do as it is told.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It cannot be seen.
    #[error(transparent)]
    Access(#[from] RunAccessError),
    /// The caller may see it, but not do this.
    #[error("you may look at this run, but not control it")]
    NotAllowed,
    /// It is over, or has not begun.
    #[error("the run does not run")]
    NotRunning,
    /// Its standard input is closed, or was never open.
    #[error("the run takes no input")]
    NoInput,
    /// It has no terminal, or the size is not between 1 and 1000.
    #[error("the run has no terminal of this size")]
    NoTerminal,
    /// More than [`MAX_INPUT_BYTES`].
    #[error("send at most 65536 bytes at a time")]
    TooLong,
}

impl App {
    /// Asks a run and everything it started to end, and ends it after a grace time. One that waits
    /// leaves the queue. Doing it twice is no error; a run that is over stays as it is.
    ///
    /// # Errors
    ///
    /// When the caller may not.
    pub async fn stop_run(&self, _caller: &Caller, _id: RunId) -> Result<RunView, ControlError> {
        Err(RunAccessError::NotFound.into())
    }

    /// Ends a run and everything it started at once.
    ///
    /// # Errors
    ///
    /// When the caller may not.
    pub async fn kill_run(&self, _caller: &Caller, _id: RunId) -> Result<RunView, ControlError> {
        Err(RunAccessError::NotFound.into())
    }

    /// Writes to standard input of a run, exactly these bytes. Returns when they are on their way;
    /// waits while the script does not read.
    ///
    /// # Errors
    ///
    /// When the run takes no input, or the caller may not.
    pub async fn write_input(
        &self,
        _caller: &Caller,
        _id: RunId,
        _bytes: &[u8],
    ) -> Result<RunView, ControlError> {
        Err(RunAccessError::NotFound.into())
    }

    /// Closes standard input of a run; a terminal gets the end-of-file character.
    ///
    /// # Errors
    ///
    /// When the run takes no input, or the caller may not.
    pub async fn close_input(&self, _caller: &Caller, _id: RunId) -> Result<RunView, ControlError> {
        Err(RunAccessError::NotFound.into())
    }

    /// Gives the terminal of a run another size.
    ///
    /// # Errors
    ///
    /// When it has none, or the caller may not.
    pub async fn resize_run(
        &self,
        _caller: &Caller,
        _id: RunId,
        _size: TerminalSize,
    ) -> Result<RunView, ControlError> {
        Err(RunAccessError::NotFound.into())
    }
}
