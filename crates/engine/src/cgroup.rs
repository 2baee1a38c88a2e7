//! Control groups.

use webscripts_domain::sandbox::Resources;

/// Which limits a control group keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// `memory_limit`.
    pub memory: bool,
    /// `process_limit`.
    pub processes: bool,
}

impl Covered {
    /// Whether everything that is limited is covered.
    pub fn covers(self, resources: &Resources) -> bool {
        (self.memory || resources.memory_bytes.is_none())
            && (self.processes || resources.processes.is_none())
    }
}

/// What control groups can limit here.
pub fn available() -> Covered {
    Covered::default()
}
