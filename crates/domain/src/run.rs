//! What is known of one execution of a script.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::identity::UserId;
use crate::invocation::TerminalSize;

/// Identifier of a run: a UUIDv7, so identifiers sort by start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(uuid::Uuid);

impl RunId {
    /// Makes an identifier from the time and ten random bytes.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Reads the hyphenated or plain form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }

    /// When it was made, to the millisecond.
    pub fn created(self) -> Timestamp {
        let (seconds, nanoseconds) = self.0.get_timestamp().map_or((0, 0), |time| time.to_unix());
        let milliseconds = seconds.saturating_mul(1000) + u64::from(nanoseconds / 1_000_000);
        i64::try_from(milliseconds)
            .ok()
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The 16 bytes, for storage.
    pub fn bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// From stored bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
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

impl Stream {
    /// Its word in addresses and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Stdout, Self::Stderr].into_iter().find(|stream| stream.name() == word)
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Waiting for its turn.
    Queued,
    /// Its processes run.
    Running,
    /// The script reported success.
    Succeeded,
    /// The script reported a failure, a signal ended it, or it could not be started.
    Failed,
    /// Its time limit passed.
    TimedOut,
    /// Somebody stopped it, or the server did when it stopped itself.
    Stopped,
    /// The server does not know how it ended; nothing of it is left running.
    Lost,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Stopped,
        Self::Lost,
    ];

    /// Its word in answers and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == word)
    }

    /// Whether nothing will change any more.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl From<Outcome> for RunState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Exited(0) => Self::Succeeded,
            Outcome::Exited(_) | Outcome::Signalled(_) => Self::Failed,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Cancelled => Self::Stopped,
        }
    }
}

/// How a run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartedVia {
    /// By a person on a page.
    Page,
    /// By a program.
    Api,
    /// As a repetition of this run.
    Again(RunId),
}

/// A value as it is stored: secrets only as a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedValue {
    /// A secret was given; what it was is not kept.
    Secret,
    /// The value, as JSON text of the request. Long ones (files) are cut, see
    /// [`RecordedArgument::cut`].
    Json(String),
}

/// An argument as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedArgument {
    /// Name as sent.
    pub name: String,
    /// The value or the marker.
    pub value: RecordedValue,
    /// Whether it went to standard input.
    pub input: bool,
    /// Whether the value was too long to be kept whole: the run cannot be repeated from here.
    pub cut: bool,
}

/// Everything known of a run but its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its identifier.
    pub id: RunId,
    /// Name of the script, which may not be configured any more.
    pub script: String,
    /// Arguments in the order of the request.
    pub arguments: Vec<RecordedArgument>,
    /// Who started it.
    pub user: UserId,
    /// The name of that user then.
    pub user_name: String,
    /// From where.
    pub address: std::net::IpAddr,
    /// How.
    pub via: StartedVia,
    /// The terminal it was started with; `None`: it has none.
    pub terminal: Option<TerminalSize>,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub created: Timestamp,
    /// When its process started.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// What it ended with; `None` for runs that never started or were lost.
    pub end: Option<RunEnd>,
    /// Why, in words, when somebody or something else than the script ended it or it did not start,
    /// such as `stopped by Admin` or `the server was stopped`.
    pub reason: Option<String>,
    /// Whether its output has been removed to make room; the record stays.
    pub output_expired: bool,
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
    /// What it used.
    pub usage: Usage,
    /// How much it printed.
    pub printed: Printed,
}

/// What all processes of a run used together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time, of user and system.
    pub cpu: Duration,
    /// Resident memory of the largest process at its peak, in bytes.
    pub peak_memory: u64,
}

/// How much a run printed, after secrets were masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Printed {
    /// Bytes of standard output, also those that are not kept.
    pub stdout: u64,
    /// Bytes of standard error, also those that are not kept.
    pub stderr: u64,
    /// Bytes of both that are not kept because they exceeded the limit.
    pub dropped: u64,
}
