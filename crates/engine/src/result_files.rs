//! Files that a run left in its directory.
//!
//! A script may leave anything there: links to the files of others, pipes, devices, names that are
//! no text. Everything is opened beneath the directory and without following a link
//! (`openat2`), and only regular files that have this one name count.

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, statat,
};
use rustix::io::Errno;

use crate::place::descriptor_path;

/// The directory in the place of a run that holds its files.
pub const DIRECTORY: &str = "files";
/// Most files that are listed.
pub const MAX_FILES: usize = 10_000;
/// How deep a file may lie: a name has so many components at most.
pub const MAX_DEPTH: usize = 8;
/// Most directory entries that are looked at to find them.
const MAX_ENTRIES: usize = 100_000;
/// The longest path the system takes.
const MAX_PATH_BYTES: usize = 4096;

/// A file that a run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it lies below the directory of the run: components joined with `/`. Has no control
    /// characters. In names that have some or are not UTF-8, these bytes and percent signs are
    /// percent-encoded.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written to, as the script may have set it.
    pub modified: SystemTime,
}

/// What a run left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultFiles {
    /// In the order of their names.
    pub files: Vec<ResultFile>,
    /// Whether these are all: a script may leave more than [`MAX_FILES`], or deeper directories
    /// than [`MAX_DEPTH`] allows.
    pub is_complete: bool,
}

/// A file that is open for reading, at its beginning.
#[derive(Debug)]
pub struct OpenResultFile {
    /// What is known of it.
    pub about: ResultFile,
    /// The file.
    pub file: File,
}

/// The files that the run in this place left. None if it left no directory.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn list(place: &Path) -> io::Result<ResultFiles> {
    list_at_most(place, MAX_FILES, MAX_ENTRIES)
}

fn list_at_most(place: &Path, most_files: usize, most_entries: usize) -> io::Result<ResultFiles> {
    let Some(root) = open_root(place)? else {
        return Ok(ResultFiles { files: Vec::new(), is_complete: true });
    };
    let mut listing =
        Listing { files: Vec::new(), is_complete: true, entries: 0, most_files, most_entries };
    listing.add_directory(&root, &[], 1)?;
    let Listing { mut files, is_complete, .. } = listing;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(ResultFiles { files, is_complete })
}

/// Opens one of them by its name in the list. `None`: there is no such file.
///
/// # Errors
///
/// When the file is there and cannot be read.
pub fn open(place: &Path, name: &str) -> io::Result<Option<OpenResultFile>> {
    let Some(root) = open_root(place)? else { return Ok(None) };
    let as_it_is = name.as_bytes().to_vec();
    let candidates = [
        is_plain(&as_it_is).then_some(as_it_is),
        percent_decode(name).filter(|path| !is_plain(path)),
    ];
    for path in candidates.into_iter().flatten().filter(|path| is_below(path)) {
        if let Some((file, about)) = open_regular(&root, &path)? {
            let about = describe(name.to_owned(), &about);
            return Ok(Some(OpenResultFile { about, file }));
        }
    }
    Ok(None)
}

struct Listing {
    files: Vec<ResultFile>,
    is_complete: bool,
    entries: usize,
    most_files: usize,
    most_entries: usize,
}

impl Listing {
    /// `path`: where the directory lies, with a slash at the end unless it is the first.
    fn add_directory(&mut self, directory: &OwnedFd, path: &[u8], depth: usize) -> io::Result<()> {
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if self.entries >= self.most_entries || self.files.len() >= self.most_files {
                self.is_complete = false;
                break;
            }
            self.entries = self.entries.saturating_add(1);
            self.add(directory, path, name, depth)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        directory: &OwnedFd,
        path: &[u8],
        name: &CStr,
        depth: usize,
    ) -> io::Result<()> {
        let about = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            about => about?,
        };
        let path = [path, name.to_bytes()].concat();
        if is_result(&about) {
            self.files.push(describe(shown(&path), &about));
        } else if is_directory(&about) {
            match open_beneath(directory, name, OFlags::RDONLY | OFlags::DIRECTORY) {
                Ok(inner) if depth < MAX_DEPTH => {
                    self.add_directory(&inner, &[&path, b"/".as_slice()].concat(), depth + 1)?;
                }
                _ => self.is_complete = false,
            }
        }
        Ok(())
    }
}

fn open_root(place: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = openat(CWD, place, flags, Mode::empty());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    found(place.and_then(|place| open_beneath(place, DIRECTORY, flags)))
}

/// Looks first and opens then what was looked at: opening a pipe or a device may have effects.
fn open_regular(root: &OwnedFd, path: &[u8]) -> io::Result<Option<(File, Stat)>> {
    let handle = open_beneath(root, OsStr::from_bytes(path), OFlags::PATH);
    let Some(handle) = found(handle)? else { return Ok(None) };
    let about = fstat(&handle)?;
    if !is_result(&about) {
        return Ok(None);
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(CWD, descriptor_path(&handle), flags, Mode::empty())?;
    Ok(Some((File::from(file), about)))
}

/// Leaves neither the directory nor its file system, and follows no link.
fn open_beneath(
    directory: impl AsFd,
    path: impl rustix::path::Arg,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    openat2(directory, path, flags, Mode::empty(), resolve)
}

fn found<T>(opened: Result<T, Errno>) -> io::Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NAMETOOLONG) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A file with a second name may be a file of somebody else.
fn is_result(about: &Stat) -> bool {
    FileType::from_raw_mode(about.st_mode) == FileType::RegularFile && about.st_nlink == 1
}

fn is_directory(about: &Stat) -> bool {
    FileType::from_raw_mode(about.st_mode) == FileType::Directory
}

fn describe(name: String, about: &Stat) -> ResultFile {
    let since_1970 = u64::try_from(about.st_mtime).unwrap_or(0);
    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since_1970));
    ResultFile {
        name,
        size: u64::try_from(about.st_size).unwrap_or(0),
        modified: modified.unwrap_or(SystemTime::UNIX_EPOCH),
    }
}

/// Whether this is a path that goes down only, and not too deep.
fn is_below(path: &[u8]) -> bool {
    let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
    path.len() <= MAX_PATH_BYTES
        && path.split(|&byte| byte == b'/').count() <= MAX_DEPTH
        && path.split(|&byte| byte == b'/').all(is_name)
}

/// Whether a name can be shown as it is.
fn is_plain(path: &[u8]) -> bool {
    std::str::from_utf8(path).is_ok_and(|text| !text.chars().any(char::is_control))
}

fn shown(path: &[u8]) -> String {
    let mut name = String::with_capacity(path.len());
    let whole = is_plain(path);
    for part in path.utf8_chunks() {
        for character in part.valid().chars() {
            if !whole && (character == '%' || character.is_control()) {
                percent_encode(&mut name, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                name.push(character);
            }
        }
        percent_encode(&mut name, part.invalid());
    }
    name
}

fn percent_encode(name: &mut String, bytes: &[u8]) {
    name.extend(bytes.iter().map(|byte| format!("%{byte:02X}")));
}

/// `None` if a percent sign begins nothing.
fn percent_decode(name: &str) -> Option<Vec<u8>> {
    let mut parts = name.split('%');
    let mut path = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        path.push(u8::from_str_radix(digits, 16).ok()?);
        path.extend_from_slice(rest.as_bytes());
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::mknodat;
    use tempfile::TempDir;

    use super::*;

    /// The place of a run, and something beside its files that is nobody's business.
    fn place() -> TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("files")).unwrap();
        fs::write(place.path().join("secret"), "outside").unwrap();
        place
    }

    fn leave(place: &TempDir, name: impl AsRef<OsStr>) {
        let path = place.path().join("files").join(Path::new(name.as_ref()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.file_name().unwrap().as_bytes()).unwrap();
    }

    fn names(place: &TempDir) -> Vec<String> {
        list(place.path()).unwrap().files.into_iter().map(|file| file.name).collect()
    }

    fn content(place: &TempDir, name: &str) -> Option<Vec<u8>> {
        let mut opened = open(place.path(), name).unwrap()?;
        assert_eq!(opened.about.name, name);
        let mut bytes = Vec::new();
        opened.file.read_to_end(&mut bytes).unwrap();
        assert_eq!(opened.about.size, bytes.len() as u64);
        Some(bytes)
    }

    #[test]
    fn regular_files_are_listed_and_opened() {
        let place = place();
        for name in ["b.txt", "a b.csv", "deep/er/file", "100%.txt", "\u{fc}.txt"] {
            leave(&place, name);
        }

        let expected = ["100%.txt", "a b.csv", "b.txt", "deep/er/file", "\u{fc}.txt"];
        assert_eq!(names(&place), expected);
        assert!(list(place.path()).unwrap().is_complete);
        for name in expected {
            let bytes = name.rsplit('/').next().unwrap().as_bytes().to_vec();
            assert_eq!(content(&place, name), Some(bytes));
        }
        let b = place.path().join("files/b.txt");
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        fs::File::options().write(true).open(b).unwrap().set_modified(modified).unwrap();
        let about = open(place.path(), "b.txt").unwrap().unwrap().about;
        assert_eq!(about, ResultFile { name: "b.txt".into(), size: 5, modified });
    }

    #[test]
    fn a_run_that_left_no_directory_left_no_files() {
        let place = tempfile::tempdir().unwrap();

        assert_eq!(
            list(place.path()).unwrap(),
            ResultFiles { files: Vec::new(), is_complete: true }
        );
        assert!(open(place.path(), "a").unwrap().is_none());
        assert!(open(&place.path().join("gone"), "a").unwrap().is_none());
    }

    #[test]
    fn links_are_not_followed_wherever_they_are() {
        let place = place();
        let files = place.path().join("files");
        leave(&place, "real/inner");
        symlink("../secret", files.join("link")).unwrap();
        symlink(place.path(), files.join("up")).unwrap();
        symlink("real", files.join("inside")).unwrap();
        symlink("/proc/self/environ", files.join("environ")).unwrap();
        fs::hard_link(place.path().join("secret"), files.join("hard")).unwrap();

        assert_eq!(names(&place), ["real/inner"]);
        for name in ["link", "up/secret", "inside/inner", "environ", "hard"] {
            assert_eq!(content(&place, name), None, "{name}");
        }

        fs::remove_dir_all(&files).unwrap();
        symlink("/etc", &files).unwrap();
        assert_eq!(names(&place), [""; 0]);
        assert_eq!(content(&place, "passwd"), None);
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let place = place();
        let files = place.path().join("files");
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, files.join("pipe"), FileType::Fifo, mode, 0).unwrap();
        fs::create_dir(files.join("directory")).unwrap();
        let _socket = UnixListener::bind(files.join("socket")).unwrap();

        assert_eq!(names(&place), [""; 0]);
        for name in ["pipe", "directory", "socket"] {
            assert_eq!(content(&place, name), None, "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_found() {
        let place = place();
        leave(&place, "a");
        leave(&place, "b/c");
        leave(&place, "1/2/3/4/5/6/7/8/9");
        let elsewhere = [
            "",
            ".",
            "..",
            "../secret",
            "b/../a",
            "b/../../secret",
            "./a",
            "a/",
            "/a",
            "b//c",
            "/etc/passwd",
            "a\0",
            "%2e%2e/secret",
            "..%2Fsecret%00",
            "%2Fetc%2Fpasswd",
            "b%2Fc",
            "%61",
            "a%",
            "a%0",
            "a%+1",
            "..\\secret",
            "1/2/3/4/5/6/7/8/9",
            "b\n",
        ];

        for name in elsewhere.into_iter().chain([&*"x".repeat(300), &*"x/".repeat(3000)]) {
            assert_eq!(content(&place, name), None, "{name:?}");
        }
        assert_eq!(names(&place), ["a", "b/c"]);
        assert!(!list(place.path()).unwrap().is_complete);
    }

    #[test]
    fn names_that_are_no_text_are_encoded() {
        let place = place();
        let odd: [&[u8]; 4] = [b"caf\xe9 100%", b"two\nlines", b"\xff/\xfe", b"a%FF"];
        for name in odd {
            leave(&place, OsStr::from_bytes(name));
        }

        let expected = ["%FF/%FE", "a%FF", "caf%E9 100%25", "two%0Alines"];
        assert_eq!(names(&place), expected);
        assert_eq!(content(&place, "%FF/%FE"), Some(b"\xfe".to_vec()));
        assert_eq!(content(&place, "a%FF"), Some(b"a%FF".to_vec()));
        assert_eq!(content(&place, "caf%E9 100%25"), Some(b"caf\xe9 100%".to_vec()));
        assert_eq!(content(&place, "two%0Alines"), Some(b"two\nlines".to_vec()));
    }

    #[test]
    fn the_list_is_bounded() {
        let place = place();
        for number in 0..30 {
            leave(&place, format!("{number}"));
        }
        let list = |most_files, most_entries| {
            let listed = list_at_most(place.path(), most_files, most_entries).unwrap();
            let names: BTreeSet<String> = listed.files.into_iter().map(|file| file.name).collect();
            (names.len(), listed.is_complete)
        };

        assert_eq!(list(30, 30), (30, true));
        assert_eq!(list(29, 30), (29, false));
        assert_eq!(list(30, 29), (29, false));
        assert_eq!(list(0, 0), (0, false));
    }
}
