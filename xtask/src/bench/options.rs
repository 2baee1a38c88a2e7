//! The words after `cargo xtask bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

const USAGE: &str = "\
usage: cargo xtask bench [--quick] [--json FILE] [--write] [--server PROGRAM]
  --quick           2 seconds per point instead of 5
  --json FILE       write the figures to FILE as well
  --write           put the table into docs/performance.md
  --server PROGRAM  measure this `webscripts` program instead of building it";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Shorter points: for trying out, not for publishing.
    pub quick: bool,
    /// Where the figures go as JSON.
    pub json: Option<PathBuf>,
    /// Whether docs/performance.md is brought up to date.
    pub write: bool,
    /// A server that is already built.
    pub server: Option<PathBuf>,
}

/// How long and how often is measured.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Not counted, before each point.
    pub warm_up: Duration,
    /// Counted, for each point.
    pub duration: Duration,
    /// Points per side; the sides take turns.
    pub rounds: usize,
    /// Requests per round where a single request is timed.
    pub single_requests: u64,
    /// Starts of the server whose median is taken.
    pub starts: usize,
}

impl Options {
    /// Reads the words; an unknown one is an error that shows the usage.
    pub fn parse(words: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut file = || {
                let path = words.next().map(PathBuf::from);
                path.with_context(|| format!("`{word}` needs a path\n{USAGE}"))
            };
            match word.as_str() {
                "--quick" => options.quick = true,
                "--write" => options.write = true,
                "--json" => options.json = Some(file()?),
                "--server" => options.server = Some(file()?),
                _ => bail!("unknown word `{word}`\n{USAGE}"),
            }
        }
        Ok(options)
    }

    /// The pace that was asked for.
    pub fn pace(&self) -> Pace {
        let (warm_up, duration, single_requests) =
            if self.quick { (500, 2_000, 20) } else { (1_000, 5_000, 60) };
        Pace {
            warm_up: Duration::from_millis(warm_up),
            duration: Duration::from_millis(duration),
            rounds: 3,
            single_requests,
            starts: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> anyhow::Result<Options> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_option_is_read() {
        let options = parse(&["--write", "--json", "a.json", "--quick", "--server", "b"]).unwrap();

        let expected = Options {
            quick: true,
            json: Some(PathBuf::from("a.json")),
            write: true,
            server: Some(PathBuf::from("b")),
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn an_unknown_word_shows_the_usage() {
        let error = parse(&["--fast"]).unwrap_err().to_string();

        assert_eq!(error, format!("unknown word `--fast`\n{USAGE}"));
    }

    #[test]
    fn a_missing_path_is_named() {
        let error = parse(&["--json"]).unwrap_err().to_string();

        assert_eq!(error, format!("`--json` needs a path\n{USAGE}"));
    }
}
