//! How a run ended, as it is told to a server and kept in the directory of the run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use webscripts_domain::run::{Outcome, Printed, RunEnd, Usage};

/// How a run ended. Written by supervisors that may be older than the server that reads it, so
/// fields are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    outcome: How,
    took_us: u64,
    cpu_us: u64,
    peak_memory_bytes: u64,
    stdout_bytes: u64,
    stderr_bytes: u64,
    dropped_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    Stopped,
}

impl From<RunEnd> for Ended {
    fn from(end: RunEnd) -> Self {
        Self {
            outcome: match end.outcome {
                Outcome::Exited(code) => How::Exited(code),
                Outcome::Signalled(signal) => How::Signalled(signal),
                Outcome::TimedOut => How::TimedOut,
                Outcome::Cancelled => How::Stopped,
            },
            took_us: microseconds(end.took),
            cpu_us: microseconds(end.usage.cpu),
            peak_memory_bytes: end.usage.peak_memory,
            stdout_bytes: end.printed.stdout,
            stderr_bytes: end.printed.stderr,
            dropped_bytes: end.printed.dropped,
        }
    }
}

impl From<Ended> for RunEnd {
    fn from(ended: Ended) -> Self {
        Self {
            outcome: match ended.outcome {
                How::Exited(code) => Outcome::Exited(code),
                How::Signalled(signal) => Outcome::Signalled(signal),
                How::TimedOut => Outcome::TimedOut,
                How::Stopped => Outcome::Cancelled,
            },
            took: Duration::from_micros(ended.took_us),
            usage: Usage {
                cpu: Duration::from_micros(ended.cpu_us),
                peak_memory: ended.peak_memory_bytes,
            },
            printed: Printed {
                stdout: ended.stdout_bytes,
                stderr: ended.stderr_bytes,
                dropped: ended.dropped_bytes,
            },
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_as_it_was_written() {
        let outcomes =
            [Outcome::Exited(3), Outcome::Signalled(9), Outcome::TimedOut, Outcome::Cancelled];
        for outcome in outcomes {
            let end = RunEnd {
                outcome,
                took: Duration::from_micros(1_234_567),
                usage: Usage { cpu: Duration::from_micros(3), peak_memory: 1 << 40 },
                printed: Printed { stdout: 1, stderr: 2, dropped: 3 },
            };

            let text = serde_json::to_string(&Ended::from(end)).unwrap();

            assert_eq!(RunEnd::from(serde_json::from_str::<Ended>(&text).unwrap()), end);
        }
    }
}
