//! The directories in which runs work: `files/` (`WEBSCRIPTS_RUN_DIR`) and `tmp/` (`TMPDIR`) of a
//! supervisor. A run finds both empty. What it leaves in `files/` is moved into its own directory.
//!
//! Most runs leave nothing, and the next one takes the same directories: to make and remove two
//! for every run costs more than to start a small program, because file systems avoid inodes that
//! were freed a short time ago.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Stat, Uid, chmod, chownat, mkdirat, openat, renameat, statat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::process::getpid;
use webscripts_domain::clock::{Clock, SignedDuration, SystemClock, Timestamp};

use crate::place::remove_place;
use crate::result_files::DIRECTORY as FILES;
use crate::runs::record::{SCRATCH, TEMPORARY};
use crate::sandbox::Account;

/// Modes of directories: for the account of the server alone, and so that others may pass.
const PRIVATE: Mode = Mode::RWXU;
const PASSABLE: Mode = PRIVATE.union(Mode::XGRP).union(Mode::XOTH);
/// A change of a directory shows in its times if it comes this long after the last one. The times
/// of files move in steps of up to 10 ms.
const STEP: SignedDuration = SignedDuration::from_millis(50);

/// The directories of one supervisor. Removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    directory: OwnedFd,
    files: Option<Clean>,
    temporary: Option<Clean>,
    /// Whether every change since the run started shows in the times of both.
    is_settled: bool,
    /// How many directories could not be removed.
    put_aside: u64,
}

/// An empty directory as it was when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clean {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    changed: (i64, i32),
}

impl Scratch {
    /// Makes the directories below that of all runs.
    pub(super) fn make(runs: &Path) -> io::Result<Self> {
        let path = runs.join(SCRATCH).join(getpid().as_raw_nonzero().to_string());
        // Of a process that had the same number once.
        remove_place(&path)?;
        DirBuilder::new().recursive(true).mode(PRIVATE.as_raw_mode()).create(&path)?;
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory = openat(CWD, &path, flags, Mode::empty())?;
        Ok(Self { path, directory, files: None, temporary: None, is_settled: false, put_aside: 0 })
    }

    /// Where a run may leave its files.
    pub(super) fn files(&self) -> PathBuf {
        self.path.join(FILES)
    }

    /// Where a run may write what is removed at its end.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join(TEMPORARY)
    }

    /// Makes both directories ready for a run of this account.
    pub(super) fn prepare(&mut self, account: Option<&Account>) -> io::Result<()> {
        let files = self.prepare_one(FILES, self.files, account)?;
        let temporary = self.prepare_one(TEMPORARY, self.temporary, account)?;
        (self.files, self.temporary) = (Some(files), Some(temporary));
        let now = SystemClock.now();
        self.is_settled = files.is_older(now) && temporary.is_older(now);
        if account.is_some() {
            // Its own, the one of all supervisors and the one of all runs.
            for above in self.path.ancestors().take(3) {
                chmod(above, PASSABLE)?;
            }
        }
        Ok(())
    }

    fn prepare_one(
        &self,
        name: &str,
        known: Option<Clean>,
        account: Option<&Account>,
    ) -> io::Result<Clean> {
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let owner = account.map_or(own, |account| (account.uid, account.gid));
        match known {
            Some(clean) if clean.owner == owner => return Ok(clean),
            Some(_) => {}
            None => mkdirat(&self.directory, name, PRIVATE)?,
        }
        let (user, group) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        chownat(&self.directory, name, Some(user), Some(group), flags)?;
        Ok(Clean::of(&statat(&self.directory, name, flags)?))
    }

    /// Takes away what a run has left: its files go into its directory.
    pub(super) fn clear(&mut self, place: &OwnedFd) {
        if !self.is_untouched(FILES, self.files) {
            self.files = None;
            if unlinkat(&self.directory, FILES, AtFlags::REMOVEDIR) == Err(Errno::NOTEMPTY) {
                let moved = renameat(&self.directory, FILES, place, FILES);
                self.remove_what_stayed(FILES, moved);
            }
        }
        if !self.is_untouched(TEMPORARY, self.temporary) {
            self.temporary = None;
            let removed = unlinkat(&self.directory, TEMPORARY, AtFlags::REMOVEDIR);
            self.remove_what_stayed(TEMPORARY, removed);
        }
    }

    /// What cannot be removed is put aside, for another attempt with the whole: the next run must
    /// not find it.
    fn remove_what_stayed(&mut self, name: &str, done: Result<(), Errno>) {
        if done.is_err() && remove_place(&self.path.join(name)).is_err() {
            self.put_aside += 1;
            let aside = format!("left-{}", self.put_aside);
            let _ = renameat(&self.directory, name, &self.directory, aside);
        }
    }

    fn is_untouched(&self, name: &str, known: Option<Clean>) -> bool {
        let Ok(stat) = statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return false;
        };
        let now = Clean::of(&stat);
        if known != Some(now) {
            return false;
        }
        let is_empty =
            || fs::read_dir(self.path.join(name)).is_ok_and(|mut entries| entries.next().is_none());
        self.is_settled || is_empty()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_place(&self.path);
    }
}

impl Clean {
    #[expect(clippy::useless_conversion, reason = "the types differ between architectures")]
    fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            changed: (stat.st_ctime.into(), i32::try_from(stat.st_ctime_nsec).unwrap_or(0)),
        }
    }

    fn is_older(self, now: Timestamp) -> bool {
        Timestamp::new(self.changed.0, self.changed.1)
            .is_ok_and(|changed| now.duration_since(changed) > STEP)
    }
}
