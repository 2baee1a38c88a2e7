//! Capabilities: which of them a run keeps.

use webscripts_domain::sandbox::Preset;

use super::raw::{self, CapabilityHalf, Errno};

/// Those that a run of root keeps in the preset `default`: what belongs to files, accounts and
/// sockets. Everything that administers the machine is missing, also what later kernels add.
const OF_ROOT: [u32; 16] = [
    0,  // CHOWN
    1,  // DAC_OVERRIDE
    2,  // DAC_READ_SEARCH
    3,  // FOWNER
    4,  // FSETID
    5,  // KILL
    6,  // SETGID
    7,  // SETUID
    10, // NET_BIND_SERVICE
    11, // NET_BROADCAST
    13, // NET_RAW
    14, // IPC_LOCK
    15, // IPC_OWNER
    23, // SYS_NICE
    28, // LEASE
    29, // AUDIT_WRITE
];
/// Number of the right to change groups.
pub(super) const SETGID: u32 = 6;
/// Number of the right to change accounts.
pub(super) const SETUID: u32 = 7;

/// The capabilities this process can use now, a bit for each number.
pub(super) fn effective() -> u64 {
    raw::capabilities()
        .map_or(0, |[low, high]| u64::from(low.effective) | u64::from(high.effective) << 32)
}

/// What a run is left with, computed before its process exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept([CapabilityHalf; 2]);

impl Kept {
    /// What a run keeps of what this process has. `None`: everything, as it is.
    ///
    /// No new privileges can be had, so what is missing from the permitted set is gone for good,
    /// also for root, whose programs would have all of them otherwise.
    pub(super) fn new(preset: Preset, is_root: bool) -> Result<Option<Self>, Errno> {
        let kept = match (preset, is_root) {
            (Preset::None, true) => return Ok(None),
            (Preset::Default, true) => OF_ROOT.iter().fold(0u64, |kept, number| kept | 1 << number),
            (_, false) | (Preset::Strict, true) => 0,
        };
        let [low, high] = raw::capabilities()?;
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        let halves = [(low, kept as u32), (high, (kept >> 32) as u32)];
        Ok(Some(Self(halves.map(|(half, kept)| {
            let permitted = half.permitted & kept;
            CapabilityHalf { effective: permitted, permitted, inheritable: 0 }
        }))))
    }

    /// Gives up the others. Async-signal-safe.
    pub(super) fn apply(&self) -> Result<(), Errno> {
        raw::clear_ambient_capabilities()?;
        raw::set_capabilities(&self.0)
    }
}
