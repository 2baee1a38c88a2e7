//! What is protected, as the directories on the way to it.
//!
//! Landlock has no rule that denies: a right granted to a directory holds for everything in it. So
//! on the way from a directory that may be used down to something protected, every *other* entry
//! of each directory gets a rule of its own, and the directories on the way get none. Nothing new
//! can therefore be made in them by a run, nor can they be listed if the server's files lie below.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat};

use super::landlock::Rights;

/// Most symbolic links on the way to one path, as the kernel has it.
const MOST_LINKS: u32 = 40;
/// Most entries of crowded directories that get a rule; what is beyond is out of reach.
const MOST_RULES: usize = 8192;
/// How many descriptors one set of rules keeps open; the others are opened for each run.
const MOST_HELD: usize = 150;
/// Files in these directories are programs of the system, also when a script is configured to be
/// one of them: every account can execute them anyway.
const SYSTEM_PROGRAMS: [&str; 6] =
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Why something is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It belongs to the server: not even its name can be listed.
    Server,
    /// It is a configured script: others may import what lies beside it, nobody may change that.
    Script,
    /// It belongs to the machine.
    System,
}

/// What a rule is about.
#[derive(Debug)]
enum Source {
    /// Kept open.
    Held(OwnedFd),
    /// Opened when it is needed.
    Named(Rc<OwnedFd>, CString),
}

/// A right to something.
#[derive(Debug)]
pub(super) struct Rule {
    source: Source,
    is_directory: bool,
    rights: Rights,
}

impl Rule {
    /// Calls back with an open descriptor; without one if it has gone.
    pub(super) fn with(&self, grant: impl FnOnce(std::os::fd::BorrowedFd<'_>, bool, Rights)) {
        match &self.source {
            Source::Held(held) => grant(held.as_fd(), self.is_directory, self.rights),
            Source::Named(directory, name) => {
                if let Ok(opened) = open_in(directory, name) {
                    grant(opened.as_fd(), self.is_directory, self.rights);
                }
            }
        }
    }
}

/// What tells whether a directory is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    number: u64,
    changed: (i64, i64),
}

impl Stamp {
    #[expect(clippy::useless_conversion, reason = "the widths differ between architectures")]
    fn of(stat: &rustix::fs::Stat) -> Self {
        #[expect(
            clippy::cast_possible_wrap,
            reason = "nanoseconds are less than a thousand million"
        )]
        let nanoseconds = stat.st_mtime_nsec as i64;
        let changed = (i64::from(stat.st_mtime), nanoseconds);
        Self { device: u64::from(stat.st_dev), number: u64::from(stat.st_ino), changed }
    }
}

/// A directory on the way to something protected.
#[derive(Debug)]
struct Node {
    handle: Rc<OwnedFd>,
    stamp: Stamp,
    /// Entries that get no rule here.
    inner: BTreeSet<OsString>,
    guards_server: bool,
    holds_scripts: bool,
}

/// The directories on the way to everything protected.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    leaves: BTreeSet<PathBuf>,
}

/// Rules on their way.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
    held: usize,
}

impl Rules {
    fn push(&mut self, directory: &Rc<OwnedFd>, name: &CString, opened: OwnedFd, rights: Rights) {
        if self.list.len() >= MOST_RULES {
            return;
        }
        let is_directory = is_directory(&opened);
        let source = if self.held < MOST_HELD {
            self.held += 1;
            Source::Held(opened)
        } else {
            Source::Named(Rc::clone(directory), name.clone())
        };
        self.list.push(Rule { source, is_directory, rights });
    }

    /// A right to what a path names now. Nothing if it is not there.
    fn push_path(&mut self, path: &Path, rights: Rights) {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        if let Ok(opened) = openat(CWD, path, flags, Mode::empty()) {
            let is_directory = is_directory(&opened);
            self.list.push(Rule { source: Source::Held(opened), is_directory, rights });
        }
    }
}

impl Tree {
    /// An empty one.
    pub(super) fn new() -> Self {
        let mut tree = Self::default();
        tree.enter(Path::new("/"));
        tree
    }

    /// Protects a path, what its symbolic links lead to, and the links. It need not exist.
    pub(super) fn protect(&mut self, path: &Path, why: Why) {
        let mut way: Vec<(PathBuf, OsString)> = Vec::new();
        let mut last_directories = Vec::new();
        let mut rest: Vec<OsString> = reversed(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        let mut leaf = None;
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            way.push((at.clone(), name));
            if rest.is_empty() {
                last_directories.push(at.clone());
            } else if self.nodes.contains_key(&next) {
                at = next;
                continue;
            }
            match std::fs::symlink_metadata(&next) {
                Ok(found) if found.is_symlink() && links < MOST_LINKS => {
                    let Ok(target) = std::fs::read_link(&next) else { break };
                    links += 1;
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    rest.extend(reversed(&target));
                }
                Ok(found) if found.is_dir() && !rest.is_empty() => at = next,
                Ok(_) => {
                    leaf = Some(next);
                    break;
                }
                Err(_) => break,
            }
        }
        if why == Why::Script && SYSTEM_PROGRAMS.iter().any(|directory| at == Path::new(directory))
        {
            return;
        }
        for (directory, name) in way {
            self.cover(&directory, name, why);
        }
        for directory in last_directories {
            if let Some(node) = self.nodes.get_mut(&directory) {
                node.holds_scripts |= why == Why::Script;
            }
        }
        self.leaves.extend(leaf);
    }

    fn cover(&mut self, directory: &Path, name: OsString, why: Why) {
        self.enter(directory);
        if let Some(node) = self.nodes.get_mut(directory) {
            node.inner.insert(name);
        }
        if why == Why::Server {
            for above in directory.ancestors() {
                if let Some(node) = self.nodes.get_mut(above) {
                    node.guards_server = true;
                }
            }
        }
    }

    fn enter(&mut self, directory: &Path) {
        if self.nodes.contains_key(directory) {
            return;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(handle) = openat(CWD, directory, flags, Mode::empty()) else { return };
        let Ok(stat) = fstat(&handle) else { return };
        let node = Node {
            handle: Rc::new(handle),
            stamp: Stamp::of(&stat),
            inner: BTreeSet::new(),
            guards_server: false,
            holds_scripts: false,
        };
        self.nodes.insert(directory.to_owned(), node);
    }

    /// Whether every directory on the way is as it was when the tree was made.
    pub(super) fn is_current(&self) -> bool {
        self.nodes.iter().all(|(path, node)| {
            statat(CWD, path, AtFlags::empty()).is_ok_and(|stat| Stamp::of(&stat) == node.stamp)
        })
    }

    /// Rights to a path and everything in it, less what is protected.
    ///
    /// `declared`: the configuration of the script names it. Then it opens something protected if
    /// it is that or lies in it; if it lies above, it may be listed.
    pub(super) fn grant(&self, path: &Path, rights: Rights, declared: bool, rules: &mut Rules) {
        let Ok(path) = path.canonicalize() else { return };
        let is_protected = path.ancestors().any(|above| self.leaves.contains(above));
        match self.nodes.get(&path) {
            _ if is_protected => {
                if declared {
                    rules.push_path(&path, rights);
                }
            }
            Some(node) if !node.inner.is_empty() || path == Path::new("/") => {
                self.expand(&path, node, rights, declared, rules);
            }
            _ => rules.push_path(&path, rights),
        }
    }

    fn expand(&self, path: &Path, node: &Node, all: Rights, declared: bool, rules: &mut Rules) {
        let is_code = node.holds_scripts && !declared;
        let rights = if is_code { all.and(Rights::USE) } else { all };
        if declared || !node.guards_server {
            rules.push_path(path, Rights::LIST);
        }
        for (name, kind) in entries(&node.handle) {
            let entry = OsStr::from_bytes(name.as_bytes());
            if node.inner.contains(entry) {
                let inner = path.join(entry);
                if let Some(next) = self.nodes.get(&inner)
                    && !self.leaves.contains(&inner)
                {
                    self.expand(&inner, next, all, declared, rules);
                }
            } else if kind != FileType::Symlink
                && let Ok(opened) = open_in(&node.handle, &name)
            {
                let rights = if is_kernel(path, entry) { rights.and(Rights::USE) } else { rights };
                rules.push(&node.handle, &name, opened, rights);
            }
        }
    }
}

/// Whether what is in there is not files: root changes the machine by writing to it, others change
/// processes of their account, the server among them.
fn is_kernel(directory: &Path, name: &OsStr) -> bool {
    directory == Path::new("/") && (name == "proc" || name == "sys")
}

/// The names of a path, the first one last.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// What a directory holds; nothing if it cannot be listed.
fn entries(directory: &OwnedFd) -> Vec<(CString, FileType)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(opened) = openat(directory, c".", flags, Mode::empty()) else { return Vec::new() };
    let Ok(entries) = Dir::new(opened) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| ![c".", c".."].contains(&entry.file_name()))
        .map(|entry| (entry.file_name().to_owned(), entry.file_type()))
        .collect()
}

fn open_in(directory: &OwnedFd, name: &CString) -> rustix::io::Result<OwnedFd> {
    openat(directory, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn is_directory(opened: &OwnedFd) -> bool {
    fstat(opened).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
}
