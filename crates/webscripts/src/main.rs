//! The program: command line to command.

mod cli;
mod compose;
mod crowd;
mod lifecycle;
mod listen;
mod logs;
mod samples;
mod tls;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
