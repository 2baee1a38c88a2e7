//! Starts the process of a run.
//!
//! The standard library takes `posix_spawn`, which shares memory with the child until it executes
//! the program: its cost does not grow with the memory of the server. It does so only for a path
//! and as long as nothing of ours runs between `fork` and `exec`.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use webscripts_domain::invocation::{Invocation, Word};

use crate::{StartError, lookup};

/// Longest first line of a script that the kernel looks at (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;

/// Starts the program in a process group of its own, with exactly the environment of the order,
/// pipes for its outputs, and a pipe for its input if there is any.
pub(crate) fn spawn(what: &Invocation) -> Result<Child, StartError> {
    let program = lookup::program(what)?;
    #[expect(clippy::disallowed_methods, reason = "the one place that starts processes")]
    let mut command = Command::new(&program);
    command
        .args(what.arguments().iter().map(|word| match word {
            Word::Plain(word) => word.as_os_str(),
            Word::SecretFile(secret) => OsStr::from_bytes(secret.expose()),
        }))
        .env_clear()
        .envs(what.environment().iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
        .current_dir(what.directory())
        .process_group(0)
        .stdin(if what.stdin().is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| explain(error, program, what.directory()))
}

/// What a failure of the system means. The program and its surroundings are looked at again,
/// since the system names neither.
fn explain(error: io::Error, program: PathBuf, directory: &Path) -> StartError {
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NOTDIR) if !directory.is_dir() => StartError::Failed {
            program,
            source: because(&error, format!("no directory `{}` to run in", directory.display())),
        },
        Some(Errno::NOENT | Errno::NOTDIR) if !program.exists() => StartError::NotFound { program },
        Some(Errno::NOENT | Errno::NOTDIR) => {
            let source = because(&error, missing_interpreter(&program));
            StartError::NotExecutable { program, source }
        }
        Some(Errno::ACCESS | Errno::NOEXEC | Errno::ISDIR) => {
            StartError::NotExecutable { program, source: error }
        }
        Some(Errno::TOOBIG) => StartError::TooLarge(error),
        _ => unusable(program, error),
    }
}

/// What it means when the system could not give what a run needs.
pub(crate) fn unusable(program: PathBuf, source: io::Error) -> StartError {
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
        let explained = |error: Errno| explain(error.into(), "/bin/sh".into(), Path::new("/"));

        for error in [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            assert!(matches!(explained(error), StartError::Exhausted(_)));
        }
        assert!(matches!(explained(Errno::TOOBIG), StartError::TooLarge(_)));
        assert!(matches!(explained(Errno::IO), StartError::Failed { .. }));
    }
}
