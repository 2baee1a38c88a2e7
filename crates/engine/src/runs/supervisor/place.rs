//! The directory of a run: what a supervisor makes, writes and removes there.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, fcntl_lock, mkdir, openat};
use rustix::io::Errno;
use serde::Serialize;

use crate::place::remove_place;
use crate::runs::outcome::Ended;
use crate::runs::record::{RECORD_FILE, Start};

/// For directories and files that only the account of the server may use.
const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The directory of a run that is kept.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    directory: OwnedFd,
    /// Locked as long as the supervisor keeps the run.
    record: OwnedFd,
}

impl Place {
    /// Makes the directory of a run, and its record, which is locked.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        make_directory(path)?;
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty())?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let record = openat(&directory, RECORD_FILE, flags | OFlags::APPEND, PRIVATE_FILE)?;
        fcntl_lock(&record, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path: path.to_owned(), directory, record })
    }

    /// The directory itself, to make files in it.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Writes down what a restarted server needs.
    pub(super) fn record_start(&self, start: &Start) -> io::Result<()> {
        self.append(start)
    }

    /// Writes down how the run ended.
    pub(super) fn record_end(&self, ended: &Ended) -> io::Result<()> {
        self.append(ended)
    }

    /// Removes everything, for a run that did not start.
    pub(super) fn remove(self) {
        let _ = remove_place(&self.path);
    }

    fn append(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let written = rustix::io::write(&self.record, rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Makes the directory and those above that are missing. It must be new.
fn make_directory(path: &Path) -> io::Result<()> {
    match mkdir(path, PRIVATE_DIRECTORY) {
        Err(Errno::NOENT) => {
            let above = path.parent().ok_or(Errno::NOENT)?;
            match make_directory(above) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other?,
            }
            Ok(mkdir(path, PRIVATE_DIRECTORY)?)
        }
        other => Ok(other?),
    }
}
