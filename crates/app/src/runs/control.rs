//! Stopping a run and talking to it. CSRF tokens were redeemed by whoever calls.

use std::sync::Arc;

use bytes::Bytes;
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{RunId, RunState};
use webscripts_engine::runs::RunHandle;

use super::active::ActiveRun;
use super::start::by_whom;
use super::{RunAccessError, RunView};
use crate::{App, events};

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

/// How hard a run is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    Stop,
    Kill,
}

impl App {
    /// Asks a run and everything it started to end, and ends it after a grace time. One that waits
    /// leaves the queue. Doing it twice is no error; a run that is over stays as it is.
    ///
    /// # Errors
    ///
    /// When the caller may not.
    pub async fn stop_run(&self, caller: &Caller, id: RunId) -> Result<RunView, ControlError> {
        self.end_run(caller, id, Force::Stop).await
    }

    /// Ends a run and everything it started at once.
    ///
    /// # Errors
    ///
    /// When the caller may not.
    pub async fn kill_run(&self, caller: &Caller, id: RunId) -> Result<RunView, ControlError> {
        self.end_run(caller, id, Force::Kill).await
    }

    async fn end_run(
        &self,
        caller: &Caller,
        id: RunId,
        force: Force,
    ) -> Result<RunView, ControlError> {
        let seen = self.see(caller, id).await?;
        if !seen.rights.stop {
            return Err(ControlError::NotAllowed);
        }
        if let Some(active) = &seen.active {
            events::run_stopping(&seen.record, caller, force == Force::Kill);
            self.end_active(active, force, || format!("stopped by {}", by_whom(caller))).await;
        }
        Ok(self.run(caller, id).await?)
    }

    /// Ends a run that is not over, for a reason.
    pub(crate) async fn stop_active(&self, run: &ActiveRun, reason: impl FnOnce() -> String) {
        self.end_active(run, Force::Stop, reason).await;
    }

    async fn end_active(&self, run: &ActiveRun, force: Force, reason: impl FnOnce() -> String) {
        run.note_reason(reason);
        // Whoever takes the order of a waiting run decides what becomes of it.
        if let Some(order) = run.take_order() {
            self.runs.leave(run);
            let reason = run.reason().unwrap_or_default();
            self.end_unstarted(run, RunState::Stopped, reason).await;
            drop(order);
            return;
        }
        // A run whose process is just being started sees the reason when it is.
        if let Some(handle) = run.handle() {
            match force {
                Force::Stop => handle.stop(),
                Force::Kill => handle.kill(),
            }
        }
    }

    /// Writes to standard input of a run, exactly these bytes. Returns when they are on their way;
    /// waits while the script does not read.
    ///
    /// # Errors
    ///
    /// When the run takes no input, or the caller may not.
    pub async fn write_input(
        &self,
        caller: &Caller,
        id: RunId,
        bytes: &[u8],
    ) -> Result<RunView, ControlError> {
        if bytes.len() > MAX_INPUT_BYTES {
            return Err(ControlError::TooLong);
        }
        let (run, handle) = self.controlled(caller, id).await?;
        if !run.takes_input() {
            return Err(ControlError::NoInput);
        }
        handle
            .write_stdin(Bytes::copy_from_slice(bytes))
            .await
            .map_err(|_| ControlError::NoInput)?;
        Ok(self.run(caller, id).await?)
    }

    /// Closes standard input of a run; a terminal gets the end-of-file character.
    ///
    /// # Errors
    ///
    /// When the run takes no input, or the caller may not.
    pub async fn close_input(&self, caller: &Caller, id: RunId) -> Result<RunView, ControlError> {
        let (run, handle) = self.controlled(caller, id).await?;
        if !run.takes_input() {
            return Err(ControlError::NoInput);
        }
        run.close_input();
        handle.close_stdin();
        Ok(self.run(caller, id).await?)
    }

    /// Gives the terminal of a run another size.
    ///
    /// # Errors
    ///
    /// When it has none, or the caller may not.
    pub async fn resize_run(
        &self,
        caller: &Caller,
        id: RunId,
        size: TerminalSize,
    ) -> Result<RunView, ControlError> {
        let (run, handle) = self.controlled(caller, id).await?;
        let fits = (1..=1000).contains(&size.columns) && (1..=1000).contains(&size.rows);
        if run.screens.size().is_none() || !fits {
            return Err(ControlError::NoTerminal);
        }
        run.screens.resize(size);
        handle.resize(size);
        Ok(self.run(caller, id).await?)
    }

    /// A run that runs, for somebody who may control it.
    async fn controlled(
        &self,
        caller: &Caller,
        id: RunId,
    ) -> Result<(Arc<ActiveRun>, RunHandle), ControlError> {
        let seen = self.see(caller, id).await?;
        if !seen.rights.stop {
            return Err(ControlError::NotAllowed);
        }
        let run = seen.active.ok_or(ControlError::NotRunning)?;
        let handle = run.handle().ok_or(ControlError::NotRunning)?;
        Ok((run, handle))
    }
}
