//! The output of a run while it is printed, and afterwards in the same form.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::identity::Caller;
use webscripts_domain::run::{RunId, Stream};

use super::screen::{Screen, Span, TaskProgress};
use super::{RunAccessError, RunView};
use crate::App;

/// Most bytes of output in one batch of events.
pub const MAX_BATCH_BYTES: usize = 256 * 1024;

/// What a watcher wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Follow {
    /// The sequence number to begin with: one more than that of the last event that was seen, or 0.
    pub from: u64,
    /// Whether escape sequences are interpreted: events carry [`Span`]s, those of a terminal a
    /// [`Screen`] in place of output. Otherwise text is as printed, escape sequences included.
    pub rendered: bool,
}

/// Something that happened to a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// Where it stands: first of all, and whenever that changes.
    State(Box<RunView>),
    /// It printed something.
    Output {
        /// The text. Shared with other watchers.
        text: Arc<OutputText>,
        /// The same in its colours, if that was asked for.
        spans: Option<Vec<Span>>,
    },
    /// Output that is not kept.
    Cut(Cut),
    /// The script reported progress.
    Progress(TaskProgress),
    /// The terminal has changed.
    Screen(Box<Screen>),
    /// It is over; nothing follows.
    End(Box<RunView>),
}

/// A piece of output as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputText {
    /// Its number. Numbers of a run grow; some may be left out.
    pub sequence: u64,
    /// Where it came from.
    pub stream: Stream,
    /// Where its bytes begin in the stream.
    pub offset: u64,
    /// Milliseconds since the start of the run.
    pub time_ms: u32,
    /// The text: UTF-8, bytes that are none as in [`webscripts_domain::output::decode`]. A
    /// character is never split over two pieces.
    pub text: String,
}

/// Output that is not kept because there was too much of it, or because a later part was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The numbers that are missing.
    pub sequences: Range<u64>,
    /// The bytes of standard output that are missing.
    pub stdout: Range<u64>,
    /// The bytes of standard error that are missing.
    pub stderr: Range<u64>,
}

/// Somebody who watches a run. Dropping it ends nothing but the watching.
#[derive(Debug)]
pub struct Follower {
    next: u64,
}

impl Follower {
    /// The next events, at least one and at most [`MAX_BATCH_BYTES`] of output; waits for them.
    /// `None`: the run is over and all was given, or the caller may not watch it any more.
    ///
    /// Nothing is lost when the returned future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Vec<RunEvent>> {
        None
    }

    /// The sequence number to resume with after all events given up to now.
    pub fn position(&self) -> u64 {
        self.next
    }
}

/// One answer to somebody who asks again and again.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The run.
    pub view: RunView,
    /// What happened since. Empty: nothing.
    pub events: Vec<RunEvent>,
    /// The number to ask with next.
    pub next: u64,
}

impl App {
    /// Watches a run from a sequence number on.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn follow(
        self: &Arc<Self>,
        _caller: &Caller,
        _id: RunId,
        _how: Follow,
    ) -> Result<Follower, RunAccessError> {
        Err(RunAccessError::NotFound)
    }

    /// What happened since a sequence number; waits at most `wait` (20 s) for something to happen.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn poll(
        self: &Arc<Self>,
        _caller: &Caller,
        _id: RunId,
        _how: Follow,
        _wait: Duration,
    ) -> Result<Poll, RunAccessError> {
        Err(RunAccessError::NotFound)
    }
}
