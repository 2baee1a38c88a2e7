//! `cargo xtask soak`: a mixture of runs at full speed, and what the server holds meanwhile.
//!
//! After the first minute nothing may grow any more: resident memory, descriptors, processes,
//! temporary files. The command fails when something does, when a run does not end as it should, or
//! when anything of the server is left after it has stopped.

mod sample;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::bench::{Instance, Load, Programs, SoakPlan, root};
use sample::{Sample, judge};

const USAGE: &str = "\
usage: cargo xtask soak [--minutes N] [--workers N] [--server PROGRAM]
  --minutes N       how long; 10 when nothing is said
  --workers N       runs at the same time; 8 when nothing is said
  --server PROGRAM  use this `webscripts` program instead of building it";
/// Between two looks at the server.
const PAUSE: Duration = Duration::from_secs(5);
/// What is not judged: caches fill and pools grow.
const WARM_UP: Duration = Duration::from_mins(1);

/// Runs the command with the words that follow `soak`.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(arguments)?;
    let programs = Programs::build(&root()?, options.server.as_deref().map(Path::new))?;
    let load = Load { program: programs.load.clone() };
    let instance = Instance::with_scripts(&programs, 5)?;
    let server = instance.start()?;
    let token = instance.sign_in(&server, &load)?;
    let plan = SoakPlan {
        address: server.address.clone(),
        headers: vec![
            ("api-token".to_owned(), token),
            ("origin".to_owned(), format!("http://{}", server.address)),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        workers: options.workers,
        seconds: options.minutes * 60,
    };
    let (sender, finished) = mpsc::sync_channel(1);
    let worker = std::thread::spawn(move || {
        // The receiver is gone only when this program ends with an error.
        let _ = sender.send(load.soak(&plan));
    });
    let mut samples = Vec::new();
    println!("{}", Sample::HEAD);
    let report = loop {
        match finished.recv_timeout(PAUSE) {
            Ok(report) => break report?,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let sample = Sample::take(&server.process, &instance.directory())?;
                println!("{sample}");
                samples.push(sample);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the load generator was lost"),
        }
    };
    ensure!(worker.join().is_ok(), "the thread of the load generator failed");
    for (kind, runs) in &report.runs {
        println!("{runs:>9} runs: {kind}");
    }
    let warm = usize::try_from(WARM_UP.as_secs() / PAUSE.as_secs())?;
    judge(samples.get(warm..).context("the soak was shorter than its warm-up")?)?;
    let left = Sample::take(&server.process, &instance.directory())?;
    server.process.stop()?;
    ensure!(sample::processes_of(&instance.directory())?.is_empty(), "processes were left behind");
    println!("after the last run: {left}");
    println!("nothing grew after the first minute; nothing was left behind");
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    minutes: u64,
    workers: usize,
    server: Option<String>,
}

impl Options {
    fn parse(words: &[String]) -> anyhow::Result<Self> {
        let mut options = Self { minutes: 10, workers: 8, server: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("`{word}` needs a value\n{USAGE}"))?;
            let number =
                || value.parse::<u16>().with_context(|| format!("`{value}` is no number\n{USAGE}"));
            match word.as_str() {
                "--minutes" => options.minutes = u64::from(number()?),
                "--workers" => options.workers = usize::from(number()?),
                "--server" => options.server = Some(value.clone()),
                _ => bail!("unknown word `{word}`\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        let words = ["--minutes", "2", "--workers", "4"].map(str::to_owned);

        let expected = Options { minutes: 2, workers: 4, server: None };
        assert_eq!(Options::parse(&words).unwrap(), expected);
        assert!(Options::parse(&["--fast".to_owned()]).is_err());
    }
}
