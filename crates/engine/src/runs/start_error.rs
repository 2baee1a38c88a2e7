//! Why runs do not start.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

/// A [`StartError`] on its way from a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    kind: Kind,
    /// Program or script.
    what: Vec<u8>,
    reason: String,
    /// The number of the cause, if it came from the system unchanged.
    errno: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    NotFound,
    NotExecutable,
    Unsafe,
    Sandbox,
    TooLarge,
    Exhausted,
    Failed,
}

impl From<&StartError> for Refusal {
    fn from(error: &StartError) -> Self {
        let (kind, what, source, reason) = match error {
            StartError::NotFound { program } => (Kind::NotFound, Some(program), None, None),
            StartError::NotExecutable { program, source } => {
                (Kind::NotExecutable, Some(program), Some(source), None)
            }
            StartError::Unsafe { script, reason } => {
                (Kind::Unsafe, Some(script), None, Some(reason))
            }
            StartError::Sandbox { program, reason } => {
                (Kind::Sandbox, Some(program), None, Some(reason))
            }
            StartError::TooLarge(source) => (Kind::TooLarge, None, Some(source), None),
            StartError::Exhausted(source) => (Kind::Exhausted, None, Some(source), None),
            StartError::Failed { program, source } => {
                (Kind::Failed, Some(program), Some(source), None)
            }
        };
        let errno = source.and_then(io::Error::raw_os_error);
        let reason = match (reason, source) {
            (Some(reason), _) => reason.clone(),
            (None, Some(source)) if errno.is_none() => source.to_string(),
            (None, _) => String::new(),
        };
        let what = what.map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default();
        Self { kind, what, reason, errno }
    }
}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        let Refusal { kind, what, reason, errno } = refusal;
        let program = PathBuf::from(OsString::from_vec(what));
        let source =
            |reason| errno.map_or_else(|| io::Error::other(reason), io::Error::from_raw_os_error);
        match kind {
            Kind::NotFound => Self::NotFound { program },
            Kind::NotExecutable => Self::NotExecutable { program, source: source(reason) },
            Kind::Unsafe => Self::Unsafe { script: program, reason },
            Kind::Sandbox => Self::Sandbox { program, reason },
            Kind::TooLarge => Self::TooLarge(source(reason)),
            Kind::Exhausted => Self::Exhausted(source(reason)),
            Kind::Failed => Self::Failed { program, source: source(reason) },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn an_error_reads_the_same_on_the_other_side() {
        let program = || PathBuf::from("/scripts/é.py");
        let errors = [
            StartError::NotFound { program: program() },
            StartError::NotExecutable { program: program(), source: io::Error::other("why") },
            StartError::Unsafe { script: program(), reason: "why".to_owned() },
            StartError::Sandbox { program: program(), reason: "why".to_owned() },
            StartError::TooLarge(io::Error::from_raw_os_error(7)),
            StartError::Exhausted(io::Error::from_raw_os_error(11)),
            StartError::Failed { program: program(), source: io::Error::from_raw_os_error(5) },
        ];
        for error in errors {
            let received = StartError::from(Refusal::from(&error));

            assert_eq!(std::mem::discriminant(&received), std::mem::discriminant(&error));
            assert_eq!(received.to_string(), error.to_string());
            let cause = |error: &StartError| error.source().map(ToString::to_string);
            assert_eq!(cause(&received), cause(&error));
        }
    }
}
