//! What a run may reach and use: the rules, without the means that enforce them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A named starting point (`sandbox` of a script or of the server).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Preset {
    /// The rights of the server's account, less what no run ever gets (new privileges, core dumps,
    /// descriptors of the server).
    None,
    /// Everything but the server itself: not its configuration, data and logs, not other scripts,
    /// not other runs; no system calls that administer the machine.
    #[default]
    Default,
    /// The system's programs and libraries to read, the directories of the run to write, nothing
    /// else; no network; the script is executed by handle.
    Strict,
}

impl Preset {
    /// Its word in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Default => "default",
            Self::Strict => "strict",
        }
    }

    /// Reads the word of configuration files.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Default, Self::Strict].into_iter().find(|preset| preset.name() == word)
    }
}

/// Which connections a run may make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Network {
    /// Any.
    #[default]
    Allowed,
    /// None at all, not even to this machine.
    None,
    /// TCP to these ports of any host (and to name servers on port 53 over TCP); nothing else.
    Ports(Vec<u16>),
}

/// What one script may reach.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sandbox {
    /// The starting point.
    pub preset: Preset,
    /// `read`: absolute files and directories it may read and execute besides.
    pub read: Vec<PathBuf>,
    /// `write`: absolute files and directories it may read and change besides.
    pub write: Vec<PathBuf>,
    /// `network`. `None`: what the preset says.
    pub network: Option<Network>,
    /// `user`: the account it runs as; needs a server that may change accounts.
    pub user: Option<String>,
    /// `group`: the group it runs as; without it that of `user`.
    pub group: Option<String>,
}

impl Sandbox {
    /// The connections that are allowed in effect.
    pub fn network(&self) -> Network {
        match (&self.network, self.preset) {
            (Some(network), _) => network.clone(),
            (None, Preset::Strict) => Network::None,
            (None, Preset::None | Preset::Default) => Network::Allowed,
        }
    }
}

/// What belongs to the server and is out of reach for a run unless its sandbox declares it.
/// Absolute paths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Protected {
    /// Directories and files of configuration, data (which holds the runs) and logs.
    pub server: Vec<PathBuf>,
    /// The files of all configured scripts; a run reaches its own.
    pub scripts: Vec<PathBuf>,
}

/// What one run may use up. `None`: no limit of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// `memory_limit`, bytes: of the whole run where a control group can be used, else address
    /// space of each process.
    pub memory_bytes: Option<u64>,
    /// `cpu_limit`, seconds of processor time of each process.
    pub cpu_s: Option<u64>,
    /// `process_limit`: processes and threads at the same time.
    pub processes: Option<u64>,
    /// `open_files_limit`: descriptors of each process.
    pub open_files: Option<u64>,
    /// `file_size_limit`, bytes of each file written.
    pub file_bytes: Option<u64>,
}

impl Resources {
    /// These limits, and those of `others` where there is none.
    pub fn or(self, others: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.or(others.memory_bytes),
            cpu_s: self.cpu_s.or(others.cpu_s),
            processes: self.processes.or(others.processes),
            open_files: self.open_files.or(others.open_files),
            file_bytes: self.file_bytes.or(others.file_bytes),
        }
    }
}
