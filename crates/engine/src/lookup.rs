//! Finds the file of a program.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use webscripts_domain::invocation::Invocation;

use crate::StartError;

/// The path to execute, always with a `/`. A name alone is looked up in `PATH` of the environment
/// of the script; entries that are not absolute are skipped, because they would depend on the
/// working directory. A relative path is below the working directory of the script.
pub(crate) fn program(what: &Invocation) -> Result<PathBuf, StartError> {
    let name = what.program();
    if name.as_os_str().as_encoded_bytes().contains(&b'/') {
        return Ok(what.directory().join(name));
    }
    let mut forbidden = None;
    for directory in search_path(what) {
        let candidate = directory.join(name);
        match is_executable(&candidate) {
            Ok(true) => return Ok(candidate),
            Err(rustix::io::Errno::ACCESS) => forbidden = Some(candidate),
            Ok(false) | Err(_) => {}
        }
    }
    Err(match forbidden {
        Some(program) => {
            StartError::NotExecutable { program, source: rustix::io::Errno::ACCESS.into() }
        }
        None => StartError::NotFound { program: name.to_owned() },
    })
}

fn search_path(what: &Invocation) -> impl Iterator<Item = &Path> {
    what.environment()
        .iter()
        .find(|(name, _)| name == "PATH")
        .into_iter()
        .flat_map(|(_, path)| path.split(':'))
        .map(Path::new)
        .filter(|directory| directory.is_absolute())
}

fn is_executable(file: &Path) -> Result<bool, rustix::io::Errno> {
    accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS)?;
    // Directories are "executable" too.
    Ok(file.is_file())
}
