//! Starting the program, once or as a server.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Finished {
    /// Itself, if it ended with exit status 0.
    ///
    /// # Errors
    ///
    /// Otherwise, with the status and everything it wrote.
    pub fn success(self) -> Result<Self> {
        if !self.status.success() {
            bail!("{}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr);
        }
        Ok(self)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests start the program under test, which is what the engine protects"
)]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs a command with an empty standard input and waits for its end.
pub(crate) fn run(command: Command) -> Result<Finished> {
    run_with_input(command, "")
}

/// Runs a command with this standard input and waits for its end.
pub(crate) fn run_with_input(mut command: Command, input: &str) -> Result<Finished> {
    let named = format!("cannot start {}", command.get_program().display());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().context(named)?;
    let stdin = child.stdin.take().context("no standard input")?;
    let output = thread::scope(|scope| {
        // A program that does not read its input is no failure here.
        scope.spawn(move || drop({ stdin }.write_all(input.as_bytes())));
        child.wait_with_output()
    })?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
