//! Prints lines of 100 bytes: `flood [BYTES]`, 1,300,000 bytes when nothing is said.

use std::io::Write;

use anyhow::Context;

const DEFAULT_BYTES: usize = 1_300_000;
const LINE: usize = 100;
const LINES_PER_WRITE: usize = 655;

fn main() -> anyhow::Result<()> {
    let mut left = match std::env::args().nth(1) {
        Some(word) => word.parse().with_context(|| format!("`{word}` is not a number of bytes"))?,
        None => DEFAULT_BYTES,
    };
    let line = format!("{:x<1$}\n", "line ", LINE - 1);
    let block = line.repeat(LINES_PER_WRITE).into_bytes();
    // Not `println!`: that flushes at every line and would measure this program instead.
    let mut output = std::io::stdout().lock();
    while left > 0 {
        let part = block.get(..left).unwrap_or(&block);
        output.write_all(part).context("cannot print")?;
        left -= part.len();
    }
    output.flush().context("cannot print")
}
