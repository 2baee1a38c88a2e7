//! The Python of the machine.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::program;

/// The absolute path of the Python 3 interpreter itself, not of a wrapper that needs an environment.
///
/// # Errors
///
/// When there is no `python3` in the search path.
pub fn python() -> Result<PathBuf> {
    let mut command = program::command("python3");
    command.args(["-c", "import sys; print(sys.executable)"]);
    let output = command.output().context("python3 is not installed")?;
    ensure!(output.status.success(), "python3 does not work: {}", output.status);
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()))
}
