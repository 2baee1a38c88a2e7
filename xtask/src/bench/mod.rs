//! `cargo xtask bench`: the server beside a bare loop that does the same work.

use anyhow::bail;

/// Runs the measurements.
pub fn run(_arguments: &[String]) -> anyhow::Result<()> {
    bail!("there are no measurements yet")
}
