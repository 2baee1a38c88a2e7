//! What is known of one execution of a script.

use std::time::Duration;

use bytes::Bytes;

/// Identifier of a run: a UUIDv7, so identifiers sort by start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(uuid::Uuid);

impl RunId {
    /// Makes an identifier from the time and ten random bytes.
    pub fn new(now: crate::clock::Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Reads the hyphenated or plain form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// Which output of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output, in the order in which it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// Where it came from.
    pub stream: Stream,
    /// The bytes as written by the script.
    pub bytes: Bytes,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The script ended by itself with this status.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// Its time limit passed; everything it started was ended.
    TimedOut,
    /// Somebody stopped it; everything it started was ended.
    Cancelled,
}

impl Outcome {
    /// The number the reference API reports as `code`: the exit status, or the negated signal.
    ///
    /// A time-out is −9 whichever signal ended the script (scripts.md §8).
    pub fn code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => signal.saturating_neg(),
            Self::TimedOut => -9,
            Self::Cancelled => -15,
        }
    }

    /// The text the reference API reports as `error` (scripts.md §8).
    pub fn error(self) -> &'static str {
        match self {
            Self::TimedOut => "TimeoutError",
            Self::Exited(_) | Self::Signalled(_) | Self::Cancelled => "No errors",
        }
    }

    /// Whether the script itself reported success.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// What a run ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Bytes of output that were dropped because they exceeded the limit.
    pub dropped_bytes: u64,
}
