//! Keys about runs that the server and its scripts have in common. Those of the server are for
//! scripts that say nothing.

use super::Key;
use super::Kind::{Bytes, Rate, Text, Whole};

const fn key(name: &'static str, kind: super::Kind, meaning: &'static str) -> Key {
    Key::new(name, kind, None, meaning)
}

/// `run_output_bytes`, whatever its default.
pub const OUTPUT: super::Kind = Bytes { least: 1024, most: 1 << 40 };
/// Lengths of queues.
pub const QUEUE: super::Kind = Whole { least: 0, most: 1_000_000 };
/// Numbers of runs at the same time.
pub const RUNS: super::Kind = Whole { least: 1, most: 10_000 };

pub const RATE_LIMIT: Key = key(
    "rate_limit",
    Rate,
    "Runs that one user may start, such as `10/minute`; unset: any number.",
);
pub const MEMORY_LIMIT: Key = key(
    "memory_limit",
    Bytes { least: 1 << 20, most: 1 << 50 },
    "Memory of a run, in bytes; of each of its processes without control groups; unset: any.",
);
pub const CPU_LIMIT: Key = key(
    "cpu_limit",
    Whole { least: 1, most: 31_536_000 },
    "Seconds of processor time of each process of a run; unset: any.",
);
pub const PROCESS_LIMIT: Key = key(
    "process_limit",
    Whole { least: 1, most: 1_000_000 },
    "Processes and threads of a run at the same time; unset: any number.",
);
pub const OPEN_FILES_LIMIT: Key = key(
    "open_files_limit",
    Whole { least: 16, most: 1_048_576 },
    "Open files of each process of a run; unset: as many as the server may open.",
);
pub const FILE_SIZE_LIMIT: Key = key(
    "file_size_limit",
    Bytes { least: 0, most: 1 << 50 },
    "Largest file that a run may write, in bytes; unset: any. Its output does not count.",
);
/// The kind of `sandbox`: a preset or a section.
pub const SANDBOX: super::Kind = Text;
