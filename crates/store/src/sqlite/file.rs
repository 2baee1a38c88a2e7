//! The files of the database belong to one user alone.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::fs;

use crate::{FileProblem, StoreError};

/// What SQLite puts beside the database; it trusts their content as much as the database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates the file when absent, refuses one that others could have changed.
///
/// Answers the absolute path, which SQLite cannot mistake for a `file:` address. An existing file
/// is never opened here: closing it again would drop the locks that SQLite holds on it elsewhere in
/// this process (<https://www.sqlite.org/howtocorrupt.html> §2.2).
pub(super) async fn prepare(path: &Path) -> Result<PathBuf, StoreError> {
    let path = absolute(path).await.map_err(|source| failed(path, source))?;
    if !examine(&path).await? {
        create(&path).await?;
        examine(&path).await?;
    }
    examine_companions(&path).await?;
    Ok(path)
}

/// As [`prepare`], but creates nothing; `None`: there is no such file.
pub(super) async fn look_at(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let path = absolute(path).await.map_err(|source| failed(path, source))?;
    if !examine(&path).await? {
        return Ok(None);
    }
    examine_companions(&path).await?;
    Ok(Some(path))
}

async fn examine_companions(path: &Path) -> Result<(), StoreError> {
    for companion in COMPANIONS {
        let mut name = path.to_owned().into_os_string();
        name.push(companion);
        examine(Path::new(&name)).await?;
    }
    Ok(())
}

async fn absolute(path: &Path) -> Result<PathBuf, std::io::Error> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(fs::canonicalize(parent.unwrap_or(Path::new("."))).await?.join(name))
}

async fn create(path: &Path) -> Result<(), StoreError> {
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await;
    match created {
        Ok(_) => Ok(()),
        // Another process was faster; its file is examined like any other.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed(path, source)),
    }
}

/// Whether there is such a file; an error when it is not to be used.
async fn examine(path: &Path) -> Result<bool, StoreError> {
    let found = match fs::symlink_metadata(path).await {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(failed(path, source)),
    };
    let user = rustix::process::geteuid().as_raw();
    let mode = found.permissions().mode() & 0o7777;
    let problem = if found.is_symlink() {
        FileProblem::SymbolicLink
    } else if !found.is_file() {
        FileProblem::NotAFile
    } else if found.uid() != user {
        FileProblem::Owner { owner: found.uid(), user }
    } else if mode & 0o077 != 0 {
        FileProblem::Mode { mode }
    } else if mode & 0o200 == 0 {
        return Err(StoreError::ReadOnlyFile { path: path.to_owned() });
    } else {
        return Ok(true);
    };
    Err(StoreError::NotTrusted { path: path.to_owned(), problem })
}

fn failed(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), source }
}
