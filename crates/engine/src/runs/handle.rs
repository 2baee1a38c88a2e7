//! The handle of a run: what its watchers see and what they can do to it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{RunEnd, RunId};

/// Pieces of input that wait to be handed over; a writer waits for room.
const WAITING_INPUTS: usize = 4;

/// A run that has been started. Cheap to clone; dropping it does not end the run.
#[derive(Debug, Clone)]
pub struct RunHandle {
    identity: Arc<Identity>,
    progress: watch::Receiver<Progress>,
    wishes: watch::Sender<Wishes>,
    input: mpsc::Sender<Input>,
}

#[derive(Debug)]
struct Identity {
    run: RunId,
    place: PathBuf,
    pid: u32,
    whole: Arc<OnceLock<Arc<WholeOutput>>>,
}

/// All that a run has printed, secrets masked, as it stands in its place: for those who wait for
/// little output and need not read it from there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WholeOutput {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// How far a run is. Output with a smaller sequence number or offset can be read from its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The pieces of output with the sequence numbers 0 to this, exclusive, exist.
    pub chunks: u64,
    /// Bytes of standard output so far.
    pub stdout: u64,
    /// Bytes of standard error so far.
    pub stderr: u64,
    /// Set last, when nothing of the run is left.
    pub over: Option<Over>,
}

/// How a run is over. Nothing of it is left running either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It ended.
    Ended(RunEnd),
    /// The process that kept it is gone: how it ended is unknown.
    Lost,
}

/// Standard input takes nothing more: it was closed, never open, or the run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("standard input of the run is closed")]
pub struct StdinClosed;

/// What the holders of handles want of a run, all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// It is asked to end, and forced after a while.
    pub stop: bool,
    /// It is forced to end.
    pub kill: bool,
    /// Its standard input ends.
    pub close_stdin: bool,
    /// The size of its terminal.
    pub size: Option<TerminalSize>,
}

/// Bytes for standard input.
#[derive(Debug)]
pub struct Input {
    /// The bytes.
    pub bytes: Bytes,
    /// Told when they were accepted; dropped without a word if they were not.
    pub accepted: oneshot::Sender<()>,
}

/// The other side of a [`RunHandle`], for the one who keeps the run: a runner, or a test in place
/// of one. Dropping it before [`Progress::over`] is set means that the run is lost.
#[derive(Debug)]
pub struct RunControl {
    /// Where the run is reported.
    pub progress: watch::Sender<Progress>,
    /// What is wanted.
    pub wishes: watch::Receiver<Wishes>,
    /// What is written to standard input.
    pub input: mpsc::Receiver<Input>,
    /// Set to all that the run has printed before [`Progress::over`] is, if that is little.
    pub whole: Arc<OnceLock<Arc<WholeOutput>>>,
}

impl RunHandle {
    /// A handle and its other side. `pid`: the number of the process of the script.
    pub fn new(run: RunId, place: PathBuf, pid: u32) -> (Self, RunControl) {
        let (report, progress) = watch::channel(Progress::default());
        let (wish, wishes) = watch::channel(Wishes::default());
        let (writer, input) = mpsc::channel(WAITING_INPUTS);
        let whole = Arc::new(OnceLock::new());
        let identity = Arc::new(Identity { run, place, pid, whole: Arc::clone(&whole) });
        let handle = Self { identity, progress, wishes: wish, input: writer };
        (handle, RunControl { progress: report, wishes, input, whole })
    }

    /// Which run it is.
    pub fn run(&self) -> RunId {
        self.identity.run
    }

    /// The directory that holds its output and its files.
    pub fn place(&self) -> &Path {
        &self.identity.place
    }

    /// The number of the process of the script, for logs.
    pub fn pid(&self) -> u32 {
        self.identity.pid
    }

    /// How far it is, from now on. The sender goes away when the run is over; if
    /// [`Progress::over`] is not set by then the run is lost.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until nothing of the run is left.
    pub async fn over(&self) -> Over {
        let mut progress = self.progress.clone();
        match progress.wait_for(|progress| progress.over.is_some()).await {
            Ok(progress) => progress.over.unwrap_or(Over::Lost),
            Err(_) => Over::Lost,
        }
    }

    /// All that it has printed; `None` before it is over, and when that is more than a few
    /// kilobytes.
    pub fn whole_output(&self) -> Option<Arc<WholeOutput>> {
        self.identity.whole.get().map(Arc::clone)
    }

    /// Asks everything of the run to end, and forces it to after the grace of its limits.
    pub fn stop(&self) {
        self.wish(|wishes| !std::mem::replace(&mut wishes.stop, true));
    }

    /// Forces everything of the run to end.
    pub fn kill(&self) {
        self.wish(|wishes| !std::mem::replace(&mut wishes.kill, true));
    }

    /// Writes to standard input. Waits while the script does not read what was written before;
    /// what was accepted is written before [`RunHandle::close_stdin`] takes effect.
    pub async fn write_stdin(&self, bytes: Bytes) -> Result<(), StdinClosed> {
        if self.wishes.borrow().close_stdin {
            return Err(StdinClosed);
        }
        let (accepted, answer) = oneshot::channel();
        self.input.send(Input { bytes, accepted }).await.map_err(|_| StdinClosed)?;
        answer.await.map_err(|_| StdinClosed)
    }

    /// Ends standard input; of a terminal, sends the character that means it.
    pub fn close_stdin(&self) {
        self.wish(|wishes| !std::mem::replace(&mut wishes.close_stdin, true));
    }

    /// Changes the size of the terminal. Nothing happens to a run without one.
    pub fn resize(&self, size: TerminalSize) {
        self.wish(|wishes| wishes.size.replace(size) != Some(size));
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes) -> bool) {
        self.wishes.send_if_modified(change);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use webscripts_domain::run::{Outcome, Printed, Usage};

    use super::*;

    fn run() -> (RunHandle, RunControl) {
        RunHandle::new(RunId::from_bytes([7; 16]), PathBuf::from("/runs/7"), 7)
    }

    #[tokio::test]
    async fn every_holder_of_a_handle_sees_the_end() {
        let (handle, control) = run();
        let end = RunEnd {
            outcome: Outcome::Exited(0),
            took: Duration::ZERO,
            usage: Usage::default(),
            printed: Printed::default(),
        };

        let watcher = handle.clone();
        control.progress.send_modify(|progress| progress.over = Some(Over::Ended(end)));
        drop(control);

        assert_eq!(handle.over().await, Over::Ended(end));
        assert_eq!(watcher.over().await, Over::Ended(end));
    }

    #[tokio::test]
    async fn a_run_whose_keeper_is_gone_is_lost() {
        let (handle, control) = run();

        drop(control);

        assert_eq!(handle.over().await, Over::Lost);
        assert_eq!(handle.write_stdin(Bytes::from_static(b"x")).await, Err(StdinClosed));
    }

    #[tokio::test]
    async fn wishes_are_remembered() {
        let (handle, control) = run();

        handle.stop();
        handle.stop();
        handle.close_stdin();
        handle.resize(TerminalSize { columns: 10, rows: 5 });

        let size = Some(TerminalSize { columns: 10, rows: 5 });
        let expected = Wishes { stop: true, kill: false, close_stdin: true, size };
        assert_eq!(*control.wishes.borrow(), expected);
        assert_eq!(handle.write_stdin(Bytes::from_static(b"x")).await, Err(StdinClosed));
    }
}
