//! The directory of a run: what a supervisor makes, writes and removes there.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Gid, Mode, OFlags, Uid, chmod, chownat, fcntl_lock, mkdir,
    mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use serde::Serialize;

use crate::runs::outcome::Ended;
use crate::runs::record::{END_FILE, FILES, START_FILE, Start, TEMPORARY};
use crate::sandbox::Account;

/// The name of the record of the end before it is complete.
const NEW_END_FILE: &str = "end.json.new";
/// For directories and files that only the account of the server may use.
const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
/// For directories that others may pass but not read.
const PASSABLE_DIRECTORY: Mode = PRIVATE_DIRECTORY.union(Mode::XGRP).union(Mode::XOTH);
/// The directory of a run, that of its day and that of all runs.
const PASSED_DIRECTORIES: usize = 3;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The directory of a run that is kept.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    directory: OwnedFd,
    /// Locked as long as the supervisor keeps the run.
    start: OwnedFd,
}

impl Place {
    /// Makes the directory of a run with what belongs into it, and locks the record of its start.
    /// With an account, what the run may use belongs to that.
    pub(super) fn make(path: &Path, account: Option<&Account>) -> io::Result<Self> {
        make_directory(path)?;
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty())?;
        mkdirat(&directory, FILES, PRIVATE_DIRECTORY)?;
        mkdirat(&directory, TEMPORARY, PRIVATE_DIRECTORY)?;
        if let Some(account) = account {
            give_to(account, path, &directory)?;
        }
        let start = create(&directory, START_FILE)?;
        fcntl_lock(&start, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path: path.to_owned(), directory, start })
    }

    /// The directory itself, to make files in it.
    pub(super) fn directory(&self) -> io::Result<OwnedFd> {
        self.directory.try_clone()
    }

    /// Where the run may leave its files.
    pub(super) fn files(&self) -> PathBuf {
        self.path.join(FILES)
    }

    /// Where the run may write what is removed at its end.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join(TEMPORARY)
    }

    /// Writes down what a restarted server needs.
    pub(super) fn record_start(&self, start: &Start) -> io::Result<()> {
        write_json(&self.start, start)
    }

    /// Writes down how the run ended: completely or not at all.
    pub(super) fn record_end(&self, ended: &Ended) -> io::Result<()> {
        let file = create(&self.directory, NEW_END_FILE)?;
        write_json(&file, ended)?;
        renameat(&self.directory, NEW_END_FILE, &self.directory, END_FILE)?;
        Ok(())
    }

    /// Removes what does not outlive the run.
    pub(super) fn tidy(&self) {
        if unlinkat(&self.directory, TEMPORARY, AtFlags::REMOVEDIR) == Err(Errno::NOTEMPTY) {
            // Follows no link on its way; what cannot be removed goes with the whole run later.
            let _ = std::fs::remove_dir_all(self.temporary());
        }
        let _ = unlinkat(&self.directory, FILES, AtFlags::REMOVEDIR);
    }

    /// Removes everything, for a run that did not start.
    pub(super) fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.path);
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

/// Gives the directories that a run uses to its account, which must be able to pass those above.
fn give_to(account: &Account, path: &Path, directory: &OwnedFd) -> io::Result<()> {
    let (owner, group) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    for name in [FILES, TEMPORARY] {
        chownat(directory, name, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    for above in path.ancestors().take(PASSED_DIRECTORIES) {
        chmod(above, PASSABLE_DIRECTORY)?;
    }
    Ok(())
}

fn create(directory: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, PRIVATE_FILE)?)
}

fn write_json(file: &OwnedFd, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    let mut rest = text.as_slice();
    while !rest.is_empty() {
        let written = rustix::io::write(file, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}
