//! What a server costs, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::server::Server;

/// Ticks of `/proc/<pid>/stat` in a second (`USER_HZ` of Linux, the same on every machine).
const TICKS_PER_SECOND: u64 = 100;

impl Server {
    /// The most memory the server has held so far (`VmHWM`), in bytes.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn peak_memory_bytes(&self) -> Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .and_then(|number| number.trim().parse().ok())
            .with_context(|| format!("no VmHWM in: {status}"))?;
        Ok(kib * 1024)
    }

    /// Processor time the server has used so far, in steps of 10 ms. Other than the time on the
    /// clock it does not depend on what else the machine does.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = self.proc_file("stat")?;
        // The name of the process stands in parentheses and may hold blanks; fields 14 and 15 of
        // proc_pid_stat(5) are the 12th and 13th behind it.
        let behind = stat.rsplit_once(')').map(|(_, behind)| behind).unwrap_or_default();
        let fields: Vec<u64> =
            behind.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
        let [user, system] = fields[..] else {
            anyhow::bail!("no processor time in: {stat}");
        };
        Ok(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.pid().as_raw_nonzero());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }
}
