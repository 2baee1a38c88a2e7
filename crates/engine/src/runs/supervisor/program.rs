//! Finds the file of a program.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::runs::StartError;
use crate::runs::order::Order;

/// The path to execute, always with a `/`. A name alone is looked up in `PATH` of the environment
/// of the script; entries that are not absolute are skipped, because they would depend on the
/// working directory. A relative path is below the working directory of the script.
pub(super) fn find(order: &Order<'_>) -> Result<PathBuf, StartError> {
    let name = order.program();
    if name.as_os_str().as_encoded_bytes().contains(&b'/') {
        return Ok(order.directory().join(name));
    }
    let mut forbidden = None;
    for directory in search_path(order) {
        let candidate = directory.join(name);
        match is_executable(&candidate) {
            Ok(true) => return Ok(candidate),
            Err(Errno::ACCESS) => forbidden = Some(candidate),
            Ok(false) | Err(_) => {}
        }
    }
    Err(match forbidden {
        Some(program) => StartError::NotExecutable { program, source: Errno::ACCESS.into() },
        None => StartError::NotFound { program: name.to_owned() },
    })
}

fn search_path<'a>(order: &Order<'a>) -> impl Iterator<Item = &'a Path> {
    order
        .environment
        .iter()
        .find(|(name, _)| *name == "PATH")
        .map(|(_, path)| *path)
        .into_iter()
        .flat_map(|path| path.split(':'))
        .map(Path::new)
        .filter(|directory| directory.is_absolute())
}

fn is_executable(file: &Path) -> Result<bool, Errno> {
    accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS)?;
    // Directories are "executable" too.
    Ok(file.is_file())
}
