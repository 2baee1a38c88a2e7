//! Why runs do not start.

use std::io;
use std::path::PathBuf;

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The launcher or the script is not there.
    #[error("`{program}` does not exist")]
    NotFound {
        /// The program.
        program: PathBuf,
    },
    /// It may not be executed.
    #[error(
        "`{program}` may not be executed: it needs execute permission and a launcher or a `#!` line"
    )]
    NotExecutable {
        /// The program.
        program: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file of the script is not what may be run.
    #[error("`{script}` is not run: {reason}")]
    Unsafe {
        /// The script.
        script: PathBuf,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// What the sandbox of the run asks for cannot be enforced or does not exist.
    #[error("the sandbox of `{program}` cannot be set up: {reason}")]
    Sandbox {
        /// The program.
        program: PathBuf,
        /// What is missing and what to do about it.
        reason: String,
    },
    /// Arguments and environment are larger than the system accepts.
    #[error("the arguments are larger than the system accepts")]
    TooLarge(#[source] io::Error),
    /// The system has no process or descriptor left.
    #[error("the system cannot start another process")]
    Exhausted(#[source] io::Error),
    /// Anything else.
    #[error("`{program}` could not be started")]
    Failed {
        /// The program.
        program: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
