//! Prints lines that say when they were printed: `ticker [LINES] [PAUSE_MS]`.
//!
//! A line is `tick NUMBER NANOSECONDS`, the second the monotonic clock of the machine, which every
//! process shares. The first line comes after one pause, so that watchers can be there.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use webscripts_bench::watch::monotonic_nanoseconds;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut number = |name: &str, default: u64| match words.next() {
        Some(word) => word.parse().with_context(|| format!("`{word}` is no number of {name}")),
        None => Ok(default),
    };
    let (lines, pause) = (number("lines", 100)?, number("milliseconds", 10)?);
    let mut output = std::io::stdout().lock();
    for line in 0..lines {
        #[expect(clippy::disallowed_methods, reason = "a pause is what this program is for")]
        std::thread::sleep(Duration::from_millis(pause));
        // One write per line, as an unbuffered script does.
        let text = format!("tick {line} {}\n", monotonic_nanoseconds());
        output.write_all(text.as_bytes()).context("cannot print")?;
        output.flush().context("cannot print")?;
    }
    Ok(())
}
