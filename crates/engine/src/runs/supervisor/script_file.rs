//! The file of a script: what was checked is what runs.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, open, statat};
use rustix::io::Errno;
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use webscripts_domain::invocation::ScriptFile;

use crate::runs::StartError;

/// How many digests are remembered; the oldest is forgotten.
const REMEMBERED_DIGESTS: usize = 64;
/// What programs for the processor begin with.
const ELF: [u8; 4] = *b"\x7fELF";

/// Digests of files that have not changed since they were computed.
#[derive(Debug, Default)]
pub(super) struct Digests(Vec<(Version, [u8; 32])>);

/// A file as it was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that was checked and is kept open.
#[derive(Debug)]
pub(super) struct Pinned {
    path: PathBuf,
    file: OwnedFd,
    version: Version,
    is_binary: bool,
}

impl Pinned {
    /// Opens and checks the file of a script.
    pub(super) fn open(script: &ScriptFile, digests: &mut Digests) -> Result<Self, StartError> {
        let path = script.path.clone();
        let (file, is_readable) = open_either_way(&path).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => StartError::NotFound { program: path.clone() },
            other => StartError::Failed { program: path.clone(), source: other.into() },
        })?;
        let refuse = |reason: String| StartError::Unsafe { script: path.clone(), reason };
        let failed = |source| StartError::Failed { program: path.clone(), source };
        let stat = fstat(&file).map_err(|error| failed(error.into()))?;
        check_kind(&stat, script.must_be_safe).map_err(refuse)?;
        let version = Version::of(&stat);
        let file = File::from(file);
        if let Some(expected) = &script.sha256 {
            if !is_readable {
                return Err(refuse("its digest cannot be checked: it is not readable".to_owned()));
            }
            if digests.of(&file, version).map_err(failed)? != *expected {
                return Err(refuse(
                    "its content is not the recorded one; if the change is wanted, record the new \
                     digest in `sha256`"
                        .to_owned(),
                ));
            }
        }
        let is_binary = is_readable && begins_with_elf(&file);
        Ok(Self { path, file: file.into(), version, is_binary })
    }

    /// Whether it is a program for the processor: executed by handle it notices no difference.
    pub(super) fn is_binary(&self) -> bool {
        self.is_binary
    }

    /// The path it was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Whether the path still names the same unchanged file.
    pub(super) fn is_in_place(&self) -> bool {
        statat(CWD, &self.path, AtFlags::empty())
            .is_ok_and(|stat| Version::of(&stat) == self.version)
    }

    /// What it means when it is not.
    pub(super) fn replaced(&self) -> StartError {
        let reason = "it was changed while it was being started".to_owned();
        StartError::Unsafe { script: self.path.clone(), reason }
    }
}

impl Version {
    #[expect(clippy::useless_conversion, reason = "the types differ between architectures")]
    fn of(stat: &Stat) -> Self {
        let nanoseconds = |value| i64::try_from(value).unwrap_or(0);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime.into(), nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime.into(), nanoseconds(stat.st_ctime_nsec)),
        }
    }
}

impl Digests {
    fn of(&mut self, file: &File, version: Version) -> io::Result<[u8; 32]> {
        if let Some((_, digest)) = self.0.iter().find(|(known, _)| *known == version) {
            return Ok(*digest);
        }
        let mut hasher = Sha256::new();
        let mut block = vec![0; 64 * 1024];
        let mut reader = file;
        loop {
            match reader.read(&mut block) {
                Ok(0) => break,
                Ok(length) => hasher.update(block.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let digest = hasher.finalize().into();
        // A file that changed meanwhile has another version the next time.
        if Version::of(&fstat(file)?) == version {
            if self.0.len() == REMEMBERED_DIGESTS {
                self.0.remove(0);
            }
            self.0.push((version, digest));
        }
        Ok(digest)
    }
}

/// For reading if that is allowed, else only to hold it. A named pipe does not make it wait.
fn open_either_way(path: &Path) -> Result<(OwnedFd, bool), Errno> {
    let reading = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match open(path, reading, Mode::empty()) {
        Ok(file) => Ok((file, true)),
        Err(Errno::ACCESS) => {
            Ok((open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?, false))
        }
        Err(error) => Err(error),
    }
}

fn check_kind(stat: &Stat, must_be_safe: bool) -> Result<(), String> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("it is no regular file".to_owned());
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.intersects(Mode::SUID | Mode::SGID | Mode::SVTX) {
        return Err(
            "it has a setuid, setgid or sticky bit; remove them with `chmod u-s,g-s,-t`".to_owned()
        );
    }
    if !must_be_safe {
        return Ok(());
    }
    let server = geteuid().as_raw();
    if stat.st_uid != 0 && stat.st_uid != server {
        let owner = stat.st_uid;
        return Err(format!(
            "it belongs to the account {owner}, which could change it; it must belong to root or \
             to the account of the server ({server})"
        ));
    }
    if mode.intersects(Mode::WGRP | Mode::WOTH) {
        return Err("other accounts may change it; take that away with `chmod go-w`, or set \
             `force_file_permissions` to false"
            .to_owned());
    }
    Ok(())
}

fn begins_with_elf(file: &File) -> bool {
    let mut start = [0; ELF.len()];
    file.read_exact_at(&mut start, 0).is_ok() && start == ELF
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(directory: &Path, mode: u32) -> ScriptFile {
        let path = directory.join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        ScriptFile { path, sha256: None, must_be_safe: true }
    }

    fn refusal(script: &ScriptFile) -> String {
        Pinned::open(script, &mut Digests::default()).unwrap_err().to_string()
    }

    #[test]
    fn only_an_unchanged_file_is_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let script = script(directory.path(), 0o755);
        let pinned = Pinned::open(&script, &mut Digests::default()).unwrap();
        assert!(pinned.is_in_place());
        assert!(!pinned.is_binary());

        let other = directory.path().join("other");
        std::fs::write(&other, "#!/bin/sh\n").unwrap();
        std::fs::rename(&other, &script.path).unwrap();

        assert!(!pinned.is_in_place());
    }

    #[test]
    fn special_bits_and_strange_writers_are_refused() {
        let directory = tempfile::tempdir().unwrap();

        for mode in [0o4755, 0o2755, 0o1755] {
            assert!(refusal(&script(directory.path(), mode)).contains("chmod u-s,g-s,-t"));
        }
        for mode in [0o775, 0o757] {
            let mut script = script(directory.path(), mode);
            assert!(refusal(&script).contains("chmod go-w"));
            script.must_be_safe = false;
            assert!(Pinned::open(&script, &mut Digests::default()).is_ok());
        }
        let path = directory.path().to_owned();
        let not_a_file = ScriptFile { path, sha256: None, must_be_safe: false };
        assert!(refusal(&not_a_file).contains("no regular file"));
    }

    #[test]
    fn a_recorded_digest_must_be_that_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut digests = Digests::default();
        let mut script = script(directory.path(), 0o755);
        script.sha256 = Some(Sha256::digest(b"#!/bin/sh\n").into());

        assert!(Pinned::open(&script, &mut digests).is_ok());
        assert!(Pinned::open(&script, &mut digests).is_ok());
        assert_eq!(digests.0.len(), 1);

        std::fs::write(&script.path, "#!/bin/sh\necho changed\n").unwrap();
        let error = Pinned::open(&script, &mut digests).unwrap_err();
        assert!(error.to_string().contains("record the new digest"));
    }
}
