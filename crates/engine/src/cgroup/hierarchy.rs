//! Where groups can be made: the hierarchies that are mounted, and this process's place in them.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD, accessat};

use super::{Covered, PREFIX, write};

/// The group into which the server moves when its own is to hold groups: in version 2 a group
/// holds either processes or groups.
const SERVER_GROUP: &str = "webscripts-server";
/// Attributes with which systemd marks a group that its service may divide.
const DELEGATED: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// Most groups that are looked at when those of dead keepers are removed.
const MOST_GROUPS: usize = 10_000;

/// The interface of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A place where groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// The group in which ours are made.
    pub(super) base: PathBuf,
    /// The group of this process.
    pub(super) home: PathBuf,
}

/// The places for what is limited.
#[derive(Debug, Clone, Default)]
pub(super) struct Hierarchies {
    pub(super) memory: Option<Hierarchy>,
    pub(super) processes: Option<Hierarchy>,
}

impl Hierarchies {
    /// Looks at what is mounted and where this process is.
    pub(super) fn find() -> Self {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let places =
            Places { groups: text("/proc/self/cgroup"), mounts: text("/proc/self/mountinfo") };
        Self { memory: places.usable("memory"), processes: places.usable("pids") }
    }
}

/// What control groups can limit here.
pub fn available() -> Covered {
    let found = Hierarchies::find();
    Covered { memory: found.memory.is_some(), processes: found.processes.is_some() }
}

/// For a server that starts: makes its group one that can hold others, where that is its own to
/// divide, and removes the groups of keepers that are dead.
pub fn prepare_server() {
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    let places = Places { groups: text("/proc/self/cgroup"), mounts: text("/proc/self/mountinfo") };
    if let Some(own) = places.unified()
        && is_ours_to_divide(&own, places.unified_path() == Some("/"))
        && let Err(error) = divide(&own)
    {
        tracing::debug!(%error, group = %own.display(), "the control group cannot be divided");
    }
    let found = Hierarchies::find();
    for hierarchy in [found.memory, found.processes].into_iter().flatten() {
        sweep(&hierarchy.base);
    }
}

/// A group with a living process cannot be removed, so the others are those of dead keepers.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    let groups = entries.filter_map(Result::ok).take(MOST_GROUPS);
    for group in
        groups.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()))
    {
        let _ = std::fs::remove_dir(group.path());
    }
}

fn is_ours_to_divide(own: &Path, is_root: bool) -> bool {
    let is_marked = DELEGATED.iter().any(|name| {
        let mut value = [0u8; 4];
        rustix::fs::getxattr(own, *name, &mut value)
            .is_ok_and(|length| value.get(..length) == Some(b"1"))
    });
    let members = std::fs::read_to_string(own.join("cgroup.procs")).unwrap_or_default();
    let is_alone = members.trim() == std::process::id().to_string();
    is_alone && (is_marked || is_root) && enabled(own, "cgroup.controllers", "memory")
}

fn divide(own: &Path) -> io::Result<()> {
    let inner = own.join(SERVER_GROUP);
    std::fs::create_dir(&inner)?;
    write(&inner, "cgroup.procs", "0")
        .and_then(|()| write(own, "cgroup.subtree_control", "+memory +pids"))
        .inspect_err(|_| {
            let _ = write(own, "cgroup.procs", "0");
            let _ = std::fs::remove_dir(&inner);
        })
}

/// Whether a list of controllers in a file of a group has this one.
fn enabled(group: &Path, file: &str, controller: &str) -> bool {
    std::fs::read_to_string(group.join(file))
        .is_ok_and(|list| list.split_ascii_whitespace().any(|word| word == controller))
}

/// The texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
struct Places {
    groups: String,
    mounts: String,
}

impl Places {
    fn usable(&self, controller: &str) -> Option<Hierarchy> {
        let one = self.of_controller(controller).map(|home| Hierarchy {
            version: Version::One,
            base: home.clone(),
            home,
        });
        let two = self.unified().and_then(|home| {
            let is_inner = home.file_name().is_some_and(|name| name == SERVER_GROUP);
            let base = if is_inner { home.parent()?.to_owned() } else { home.clone() };
            let is_enabled = enabled(&base, "cgroup.subtree_control", controller);
            is_enabled.then_some(Hierarchy { version: Version::Two, base, home })
        });
        [one, two].into_iter().flatten().find(|hierarchy| is_writable(&hierarchy.base))
    }

    /// The group of this process in the hierarchy of version 1 with this controller.
    fn of_controller(&self, controller: &str) -> Option<PathBuf> {
        let path = self.groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|each| each == controller).then_some(path)
        })?;
        self.mounted(path, |kind, options| {
            kind == "cgroup" && options.split(',').any(|each| each == controller)
        })
    }

    /// The group of this process in the hierarchy of version 2.
    fn unified(&self) -> Option<PathBuf> {
        self.mounted(self.unified_path()?, |kind, _| kind == "cgroup2")
    }

    fn unified_path(&self) -> Option<&str> {
        self.groups.lines().find_map(|line| line.strip_prefix("0::"))
    }

    /// Where a group is seen below a mount that `is_it` recognises by file system and options
    /// (proc(5)): `36 35 98:0 /root /mount options … - type source options`.
    fn mounted(&self, group: &str, is_it: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
        self.mounts.lines().find_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            let mut mount = mount.split(' ').skip(3);
            let (root, point) = (mount.next()?, mount.next()?);
            let mut system = system.split(' ');
            let (kind, options) = (system.next()?, system.nth(1)?);
            let below = Path::new(group).strip_prefix(root).ok()?;
            is_it(kind, options).then(|| Path::new(point).join(below))
        })
    }
}

fn is_writable(group: &Path) -> bool {
    let may = Access::WRITE_OK | Access::EXEC_OK;
    accessat(CWD, group, may, rustix::fs::AtFlags::EACCESS).is_ok()
        && accessat(CWD, group.join("cgroup.procs"), Access::WRITE_OK, rustix::fs::AtFlags::EACCESS)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            groups: "9:name=systemd:/\n8:pids:/\n4:cpu,memory:/jobs/a\n0::/user/me\n".to_owned(),
            mounts: "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                     32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpu,memory\n\
                     33 31 0:30 /lxc /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n\
                     34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                .to_owned(),
        }
    }

    #[test]
    fn a_group_is_found_below_the_mount_of_its_controller() {
        let memory = Some(PathBuf::from("/sys/fs/cgroup/memory/jobs/a"));

        assert_eq!(places().of_controller("memory"), memory);
        assert_eq!(places().unified(), Some(PathBuf::from("/sys/fs/cgroup/unified/user/me")));
    }

    #[test]
    fn a_group_outside_of_what_is_mounted_is_not_found() {
        assert_eq!(places().of_controller("pids"), None);
        assert_eq!(places().of_controller("freezer"), None);
    }

    #[test]
    fn a_machine_without_control_groups_has_none() {
        let none = Places { groups: String::new(), mounts: String::new() };

        assert_eq!(none.of_controller("memory"), None);
        assert_eq!(none.unified(), None);
    }
}
