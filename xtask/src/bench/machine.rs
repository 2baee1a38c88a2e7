//! Where the figures come from: machine, date and commit.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::process::output_of;

/// What a reader needs to judge the figures.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Release of the kernel.
    pub kernel: String,
    /// The compiler.
    pub compiler: String,
    /// Load average of the last minute before the run: other work disturbs.
    pub load: String,
}

impl Machine {
    /// Looks at this machine; what it does not tell is `unknown` or zero.
    pub fn look() -> Self {
        let memory = field("/proc/meminfo", "MemTotal");
        let kibibytes = memory.and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: kibibytes.unwrap_or(0) / 1024,
            kernel: first_word("/proc/sys/kernel/osrelease"),
            compiler: output_of(Command::new("rustc").arg("--version")).unwrap_or_else(unknown),
            load: first_word("/proc/loadavg"),
        }
    }
}

/// Today in UTC, `YYYY-MM-DD`.
pub fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The commit of the working copy; a `+` says that files differ from it.
pub fn commit(root: &Path) -> String {
    let git = |words: &[&str]| output_of(Command::new("git").current_dir(root).args(words));
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return unknown() };
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let mark = if changes.is_empty() { "" } else { "+" };
    format!("{commit}{mark}")
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn first_word(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().map_or_else(unknown, str::to_owned)
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}
