//! Commands that must end within a time.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};

/// Runs a command to its end and returns what it printed; `input` is its standard input.
///
/// It is ended and the call fails when it takes longer than `within`, or exits with an error.
pub fn output_of(mut command: Command, input: &str, within: Duration) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Ended(command.spawn().with_context(|| format!("cannot start {name}"))?);
    let mut stdin = child.0.stdin.take().context("no standard input")?;
    let mut stdout = child.0.stdout.take().context("no standard output")?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // Nobody waits any longer once the time is over.
        let _ = sender.send(read);
    });
    // A program that reads nothing may close its input before it is written.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let text = receiver
        .recv_timeout(within)
        .map_err(|_| anyhow!("{name} did not end within {within:?}"))?
        .with_context(|| format!("cannot read the output of {name}"))?;
    let status = child.0.wait().with_context(|| format!("cannot wait for {name}"))?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(text)
}

/// A child that does not outlive its owner.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
