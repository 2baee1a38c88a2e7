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
    // A supervisor of runs is a small process: it is none of the commands.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == compose::SUPERVISE) && words.next().is_none() {
        return webscripts_engine::runs::supervise();
    }
    cli::run()
}
