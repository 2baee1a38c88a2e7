//! A supervisor on its own, for tests of the engine: the server starts itself as one.

use std::process::ExitCode;

fn main() -> ExitCode {
    webscripts_engine::runs::supervise()
}
