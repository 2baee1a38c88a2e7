//! Prints one line: the smallest program worth running, so that the cost of starting it dominates.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(b"The tiny program ran.\n")
}
