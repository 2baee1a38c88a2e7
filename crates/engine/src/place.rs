//! The directory of a run as a whole: how much it takes, and its removal.
//!
//! Runs leave anything in there: links, directories that nobody may enter, more levels than a path
//! can name. Nothing outside is touched whatever is found.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, chmod, fstat, openat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;

/// Most levels of directories that are measured.
const MAX_MEASURED_DEPTH: usize = 64;
/// Most entries that are measured.
const MAX_MEASURED: usize = 1_000_000;
/// `st_blocks` counts in these, whatever the file system uses (stat(2)).
const BLOCK_BYTES: u64 = 512;
/// Names that are tried for a directory that is moved up.
const MAX_NAMES: u64 = 1 << 32;

/// Bytes on disk of everything in the directory of a run. What lies deeper than 64 levels or behind
/// a million entries is not counted. Zero if there is no such directory.
///
/// # Errors
///
/// When the directory cannot be read; what cannot be read in it is not counted.
pub fn size_of_place(place: &Path) -> io::Result<u64> {
    let Some(root) = open_directory(CWD, place)? else { return Ok(0) };
    let own = fstat(&root)?.st_blocks;
    let mut waiting = vec![Dir::new(root)?];
    let (mut blocks, mut seen) = (u64::try_from(own).unwrap_or(0), 0);
    loop {
        let depth = waiting.len();
        let Some(directory) = waiting.last_mut() else { break };
        let Some(Ok(entry)) = directory.next().filter(|_| seen < MAX_MEASURED) else {
            waiting.pop();
            continue;
        };
        let (name, handle) = (entry.file_name(), directory.fd()?);
        if is_dots(name) {
            continue;
        }
        seen += 1;
        let Ok(about) = statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        blocks = blocks.saturating_add(u64::try_from(about.st_blocks).unwrap_or(0));
        let is_directory = FileType::from_raw_mode(about.st_mode) == FileType::Directory;
        if is_directory
            && depth < MAX_MEASURED_DEPTH
            && let Ok(Some(inner)) = open_directory(handle, name)
        {
            waiting.push(Dir::new(inner)?);
        }
    }
    Ok(blocks.saturating_mul(BLOCK_BYTES))
}

/// Removes the directory of a run with everything in it. Done already if there is none.
///
/// # Errors
///
/// When something cannot be removed. Everything else may be gone by then; it can be tried again.
pub fn remove_place(place: &Path) -> io::Result<()> {
    let Some(root) = open_to_remove(CWD, place)? else { return Ok(()) };
    let mut remover = Remover { root: &root, next_name: 0 };
    while remover.empty_once()? {}
    match unlinkat(CWD, place, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes without recursion: directories within directories are moved up first, so that no number
/// of levels is too much.
struct Remover<'a> {
    root: &'a OwnedFd,
    next_name: u64,
}

impl Remover<'_> {
    /// Whether something was there.
    fn empty_once(&mut self) -> io::Result<bool> {
        let mut found = false;
        for entry in Dir::read_from(self.root)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_dots(name) {
                continue;
            }
            found = true;
            if let Some(directory) = remove_unless_directory(self.root, name)? {
                self.flatten(&directory)?;
                unlinkat(self.root, name, AtFlags::REMOVEDIR)?;
            }
        }
        Ok(found)
    }

    fn flatten(&mut self, directory: &OwnedFd) -> io::Result<()> {
        let mut found = true;
        while found {
            found = false;
            for entry in Dir::read_from(directory)? {
                let entry = entry?;
                let name = entry.file_name();
                if is_dots(name) {
                    continue;
                }
                found = true;
                if remove_unless_directory(directory, name)?.is_some() {
                    self.move_up(directory, name)?;
                }
            }
        }
        Ok(())
    }

    fn move_up(&mut self, directory: &OwnedFd, name: &CStr) -> io::Result<()> {
        while self.next_name < MAX_NAMES {
            let free = format!(".removed.{}", self.next_name);
            self.next_name += 1;
            match renameat_with(directory, name, self.root, free, RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                moved => return Ok(moved?),
            }
        }
        Err(Errno::EXIST.into())
    }
}

/// Gives a directory, made accessible; anything else is removed.
fn remove_unless_directory(directory: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(None),
        // POSIX says EPERM, Linux EISDIR; which one of them is a directory shows when it is opened.
        Err(Errno::ISDIR | Errno::PERM) => open_to_remove(directory, name),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory and lets the owner do everything with it. `None`: it is gone.
fn open_to_remove(
    parent: impl AsFd,
    name: impl rustix::path::Arg + Copy,
) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match openat(&parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        handle => handle?,
    };
    let mode = Mode::from_raw_mode(fstat(&handle)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        chmod(descriptor_path(&handle), Mode::RWXU)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Some(openat(&handle, c".", flags, Mode::empty())?))
}

/// `None`: it is not there or something else.
fn open_directory(parent: impl AsFd, name: impl rustix::path::Arg) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A path that leads to what is open here and to nothing else.
pub(crate) fn descriptor_path(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use rustix::fs::mkdirat;
    use tempfile::TempDir;

    use super::*;

    /// A place beside something that must stay as it is.
    fn place() -> (TempDir, PathBuf) {
        let outside = tempfile::tempdir().unwrap();
        let place = outside.path().join("place");
        fs::create_dir_all(place.join("files")).unwrap();
        fs::create_dir(outside.path().join("kept")).unwrap();
        fs::write(outside.path().join("kept/file"), "kept").unwrap();
        fs::set_permissions(outside.path().join("kept"), fs::Permissions::from_mode(0o555))
            .unwrap();
        (outside, place)
    }

    #[track_caller]
    fn assert_removed(outside: &TempDir, place: &Path) {
        remove_place(place).unwrap();
        assert!(!place.exists());
        assert_eq!(fs::read_to_string(outside.path().join("kept/file")).unwrap(), "kept");
        let mode = fs::metadata(outside.path().join("kept")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o555);
        remove_place(place).unwrap();
    }

    #[test]
    fn a_place_is_removed_with_everything_in_it() {
        let (outside, place) = place();
        fs::write(place.join("order.0"), "x").unwrap();
        fs::create_dir_all(place.join("files/a/b/c")).unwrap();
        fs::write(place.join("files/a/b/c/d"), "x").unwrap();
        fs::create_dir(place.join(".removed.0")).unwrap();
        fs::write(place.join(".removed.1"), "x").unwrap();

        assert_removed(&outside, &place);
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let (outside, place) = place();
        symlink("../../kept", place.join("files/link")).unwrap();
        symlink(outside.path().join("kept"), place.join("link")).unwrap();
        symlink("nowhere", place.join("files/dangling")).unwrap();
        fs::hard_link(outside.path().join("kept/file"), place.join("hard")).unwrap();

        assert_removed(&outside, &place);

        symlink(outside.path().join("kept"), &place).unwrap();
        assert!(remove_place(&place).is_err());
        assert!(outside.path().join("kept/file").exists());
    }

    #[test]
    fn directories_that_nobody_may_enter_are_removed() {
        let (outside, place) = place();
        fs::create_dir_all(place.join("files/locked/inner")).unwrap();
        fs::write(place.join("files/locked/inner/file"), "x").unwrap();
        for path in ["files/locked/inner", "files/locked", "files"] {
            fs::set_permissions(place.join(path), fs::Permissions::from_mode(0o0)).unwrap();
        }

        assert_removed(&outside, &place);
    }

    #[test]
    fn more_levels_than_a_path_can_name_are_removed() {
        let (outside, place) = place();
        let mut directory = open_directory(CWD, &place).unwrap().unwrap();
        for _ in 0..300 {
            mkdirat(&directory, "one-level-deeper", Mode::RWXU).unwrap();
            directory = open_directory(&directory, "one-level-deeper").unwrap().unwrap();
        }
        drop(directory);

        assert!(size_of_place(&place).unwrap() > 0);
        assert_removed(&outside, &place);
    }

    #[test]
    fn the_size_of_a_place_is_what_it_takes_on_disk() {
        let (outside, place) = place();
        let empty = size_of_place(&place).unwrap();
        fs::write(place.join("files/file"), vec![1; 100_000]).unwrap();
        fs::write(outside.path().join("large"), vec![1; 1 << 20]).unwrap();
        symlink("../../large", place.join("files/link")).unwrap();
        symlink(outside.path(), place.join("files/directory")).unwrap();

        let added = size_of_place(&place).unwrap() - empty;

        assert!((100_000..200_000).contains(&added), "{added}");
        assert_eq!(size_of_place(&outside.path().join("none")).unwrap(), 0);
    }
}
