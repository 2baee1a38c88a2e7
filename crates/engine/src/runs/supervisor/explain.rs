//! What failures to start mean.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::child::Step;
use crate::runs::StartError;

/// Longest first line of a script that the kernel looks at (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;

/// What it means that a child failed at a step. The program and its surroundings are looked at
/// again, since the system names neither.
pub(super) fn explain(step: Step, cause: Errno, program: PathBuf, directory: &Path) -> StartError {
    let source = io::Error::from(cause);
    match step {
        Step::Execute => explain_execution(cause, program),
        Step::Directory if matches!(cause, Errno::NOENT | Errno::NOTDIR) => StartError::Failed {
            program,
            source: because(&source, format!("no directory `{}` to run in", directory.display())),
        },
        Step::Directory => StartError::Failed {
            program,
            source: because(
                &source,
                format!("the directory `{}` cannot be entered: {source}", directory.display()),
            ),
        },
        Step::Sandbox(step) => StartError::Sandbox {
            program,
            reason: format!("the system could not {}: {source}", step.text()),
        },
        Step::Clone => unusable(program, source),
        Step::Session | Step::Streams | Step::Terminal | Step::Bond | Step::Signals => {
            let text = format!("the process could not be prepared ({step:?}): {source}");
            unusable(program, because(&source, text))
        }
    }
}

fn explain_execution(cause: Errno, program: PathBuf) -> StartError {
    let source = io::Error::from(cause);
    match cause {
        Errno::NOENT | Errno::NOTDIR if !program.exists() => StartError::NotFound { program },
        Errno::NOENT | Errno::NOTDIR => {
            let source = because(&source, missing_interpreter(&program));
            StartError::NotExecutable { program, source }
        }
        Errno::ACCESS | Errno::NOEXEC | Errno::ISDIR => {
            StartError::NotExecutable { program, source }
        }
        Errno::TOOBIG => StartError::TooLarge(source),
        _ => unusable(program, source),
    }
}

/// What it means when the system could not give what a run needs.
pub(super) fn unusable(program: PathBuf, source: io::Error) -> StartError {
    match Errno::from_io_error(&source) {
        Some(Errno::AGAIN | Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOSPC) => {
            StartError::Exhausted(source)
        }
        _ => StartError::Failed { program, source },
    }
}

fn because(error: &io::Error, text: String) -> io::Error {
    io::Error::new(error.kind(), text)
}

fn missing_interpreter(program: &Path) -> String {
    match interpreter(program) {
        Some(interpreter) => format!("its `#!` line names `{interpreter}`, which does not exist"),
        None => "its loader does not exist: it was built for another system".to_owned(),
    }
}

/// The program that the `#!` line of a file names, with what is invisible shown: the usual cause
/// is a carriage return.
fn interpreter(program: &Path) -> Option<String> {
    let mut start = Vec::new();
    std::fs::File::open(program).ok()?.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let name = line.split(is_blank).find(|word| !word.is_empty())?;
    Some(String::from_utf8_lossy(name).escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_room_is_exhausted() {
        let explained = |step, cause| explain(step, cause, "/bin/sh".into(), Path::new("/"));

        for cause in [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            assert!(matches!(explained(Step::Clone, cause), StartError::Exhausted(_)));
            assert!(matches!(explained(Step::Execute, cause), StartError::Exhausted(_)));
        }
        assert!(matches!(explained(Step::Execute, Errno::TOOBIG), StartError::TooLarge(_)));
        assert!(matches!(explained(Step::Execute, Errno::IO), StartError::Failed { .. }));
    }
}
