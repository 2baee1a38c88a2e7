//! Which files a preset and its declarations open, as rules kept from run to run.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;
use webscripts_domain::sandbox::{Network, Preset, Protected, Sandbox};

use super::landlock::{Rights, Ruleset};
use super::tree::{Rules, Tree, Why};
use super::{PrepareError, Request, kernel_error, restricts_files};

/// After this time rules are made anew: what was mounted meanwhile changes no directory.
const FRESH: Duration = Duration::from_secs(5);
/// Most sets of rules kept: each keeps descriptors.
const KEPT: usize = 4;
/// Port of name servers, open to scripts that may use some ports.
const NAME_SERVICE: u16 = 53;

/// What strict scripts can read and execute.
pub(super) const STRICT_USE: [&str; 8] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"];
/// What strict scripts can read: not what tells of other processes.
pub(super) const STRICT_READ: [&str; 8] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
];
/// Devices that strict scripts can read and write.
pub(super) const STRICT_DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// Where name servers are written down.
const RESOLVER: &str = "/etc/resolv.conf";
/// What a strict script of root cannot read, as no other account could.
pub(super) const SECRETS: [&str; 10] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/security/opasswd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
];
/// Character devices below `/dev` through which root reaches disks, memory, the kernel or the
/// consoles of others; those that end with `*` stand for all that begin so, with `#` for all whose
/// rest is a number.
const DEVICES_OF_ROOT: [&str; 17] = [
    "bsg",
    "btrfs-control",
    "cpu",
    "fuse",
    "kmem",
    "kmsg",
    "loop-control",
    "mapper",
    "mem",
    "nvme*",
    "nvram",
    "port",
    "sg*",
    "tty#",
    "userfaultfd",
    "vcs*",
    "vfio",
];

/// Sets of rules kept from run to run.
#[derive(Debug, Default)]
pub(super) struct Plans(Vec<Plan>);

#[derive(Debug)]
struct Plan {
    key: Key,
    protected: Protected,
    tree: Tree,
    rules: Rules,
    made: Instant,
    /// The set of the last run, for the next one with the same files.
    last: Option<(Vec<Identity>, Arc<OwnedFd>)>,
}

/// Device and number of a file or directory; nothing else gets them while a rule is about it.
type Identity = (u64, u64);

/// Stands between lists of those; no file has these numbers.
const BETWEEN: Identity = (u64::MAX, u64::MAX);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    preset: Preset,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    network: Network,
    is_root: bool,
}

impl Key {
    fn new(sandbox: &Sandbox, is_root: bool) -> Self {
        Self {
            preset: sandbox.preset,
            read: sandbox.read.clone(),
            write: sandbox.write.clone(),
            network: sandbox.network(),
            is_root,
        }
    }

    fn fits(&self, sandbox: &Sandbox, is_root: bool) -> bool {
        self.preset == sandbox.preset
            && self.read == sandbox.read
            && self.write == sandbox.write
            && self.network == sandbox.network()
            && self.is_root == is_root
    }
}

impl Plans {
    /// The finished rule set of one run; `None` if nothing is restricted.
    pub(super) fn ruleset(
        &mut self,
        request: &Request<'_>,
        version: u32,
        is_root: bool,
    ) -> Result<Option<Arc<OwnedFd>>, PrepareError> {
        let sandbox = request.sandbox;
        if !restricts_files(sandbox) {
            if sandbox.network() == Network::Allowed {
                return Ok(None);
            }
            return Ok(Some(Arc::new(begin(sandbox, version)?.finish())));
        }
        let plan = self.plan(request, is_root);
        if let Some((last, ruleset)) = &plan.last
            && identities(request).is_some_and(|own| *last == own)
        {
            return Ok(Some(Arc::clone(ruleset)));
        }
        let ruleset = begin(sandbox, version)?;
        for rule in &plan.rules.list {
            rule.with(|path, is_directory, rights| ruleset.allow(path, is_directory, rights));
        }
        let own = allow_own(&ruleset, request)?;
        let ruleset = Arc::new(ruleset.finish());
        plan.last = Some((own, Arc::clone(&ruleset)));
        Ok(Some(ruleset))
    }

    fn plan(&mut self, request: &Request<'_>, is_root: bool) -> &mut Plan {
        let (sandbox, protected) = (request.sandbox, request.protected);
        let known = self
            .0
            .iter()
            .position(|plan| plan.key.fits(sandbox, is_root) && plan.protected == *protected);
        let current = known.map(|index| self.0.remove(index)).filter(Plan::is_current);
        let plan = current.unwrap_or_else(|| Plan::new(Key::new(sandbox, is_root), protected));
        self.0.truncate(KEPT - 1);
        self.0.insert(0, plan);
        #[expect(clippy::indexing_slicing, reason = "an element was inserted at the front")]
        &mut self.0[0]
    }
}

impl Plan {
    fn new(key: Key, protected: &Protected) -> Self {
        let mut tree = Tree::new();
        for path in &protected.server {
            tree.protect(path, Why::Server);
        }
        for path in &protected.scripts {
            tree.protect(path, Why::Script);
        }
        if key.is_root && key.preset == Preset::Default {
            for path in devices_of_root() {
                tree.protect(&path, Why::System);
            }
        }
        if key.is_root && key.preset == Preset::Strict {
            for path in SECRETS {
                tree.protect(Path::new(path), Why::System);
            }
        }
        let rules = rules(&key, &tree);
        Self { key, protected: protected.clone(), tree, rules, made: Instant::now(), last: None }
    }

    fn is_current(&self) -> bool {
        self.made.elapsed() < FRESH && self.tree.is_current()
    }
}

fn rules(key: &Key, tree: &Tree) -> Rules {
    let mut rules = Rules::default();
    let mut grant = |path: &Path, rights, declared| tree.grant(path, rights, declared, &mut rules);
    if key.preset == Preset::Strict {
        for path in STRICT_USE {
            grant(Path::new(path), Rights::USE, false);
        }
        for path in STRICT_READ {
            grant(Path::new(path), Rights::READ, false);
        }
        for path in STRICT_DEVICES {
            grant(Path::new(path), Rights::DEVICE, false);
        }
        if key.network != Network::None {
            grant(Path::new(RESOLVER), Rights::READ, false);
        }
    } else {
        grant(Path::new("/"), Rights::ALL, false);
    }
    for path in &key.read {
        grant(path, Rights::USE, true);
    }
    for path in &key.write {
        grant(path, Rights::ALL, true);
    }
    rules
}

/// Disks, and what else of `/dev` reaches them or memory.
fn devices_of_root() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let entries = entries.filter_map(Result::ok).filter(|entry| {
        let is_disk = entry.file_type().is_ok_and(|kind| kind.is_block_device());
        let name = entry.file_name();
        is_disk || DEVICES_OF_ROOT.iter().any(|pattern| is_named(name.as_encoded_bytes(), pattern))
    });
    entries.map(|entry| entry.path()).collect()
}

fn is_named(name: &[u8], pattern: &str) -> bool {
    let rest = |beginning: &str| name.strip_prefix(beginning.as_bytes());
    if let Some(beginning) = pattern.strip_suffix('*') {
        rest(beginning).is_some()
    } else if let Some(beginning) = pattern.strip_suffix('#') {
        rest(beginning).is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
    } else {
        name == pattern.as_bytes()
    }
}

/// A rule set with what it says about the network.
fn begin(sandbox: &Sandbox, version: u32) -> Result<Ruleset, PrepareError> {
    let network = sandbox.network();
    let ruleset = Ruleset::new(version, restricts_files(sandbox), network != Network::Allowed)
        .map_err(|errno| kernel_error("a rule set of Landlock", errno))?;
    if let Network::Ports(ports) = &network
        && version >= 4
    {
        for port in ports.iter().chain([&NAME_SERVICE]) {
            ruleset
                .allow_connecting(*port)
                .map_err(|errno| kernel_error("a rule for a port", errno))?;
        }
    }
    Ok(ruleset)
}

/// Which files and directories belong to the run, as far as they can be told apart now.
fn identities(request: &Request<'_>) -> Option<Vec<Identity>> {
    let mut identities = Vec::with_capacity(8);
    if let Some(script) = request.script {
        identities.push(identity(&fstat(script).ok()?));
    }
    for paths in [request.readable, request.writable] {
        identities.push(BETWEEN);
        for path in paths {
            identities.push(identity(&statat(CWD, *path, AtFlags::empty()).ok()?));
        }
    }
    Some(identities)
}

#[expect(clippy::useless_conversion, reason = "the widths differ between architectures")]
fn identity(stat: &Stat) -> Identity {
    (u64::from(stat.st_dev), u64::from(stat.st_ino))
}

/// Opens what belongs to the run alone, and says which files and directories that were.
fn allow_own(ruleset: &Ruleset, request: &Request<'_>) -> Result<Vec<Identity>, PrepareError> {
    let mut identities = Vec::with_capacity(8);
    if let Some(script) = request.script {
        let stat = fstat(script)
            .map_err(|errno| kernel_error("a look at the script", errno.raw_os_error()))?;
        ruleset.allow(script.as_fd(), false, Rights::USE);
        identities.push(identity(&stat));
    }
    let change = match request.sandbox.preset {
        Preset::Strict => Rights::KEEP,
        Preset::None | Preset::Default => Rights::ALL,
    };
    for (paths, rights) in [(request.readable, Rights::USE), (request.writable, change)] {
        identities.push(BETWEEN);
        for path in paths {
            let unopened = |errno: Errno| PrepareError::Path {
                path: path.to_path_buf(),
                source: errno.into(),
            };
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let opened = openat(CWD, *path, flags, Mode::empty()).map_err(unopened)?;
            let stat = fstat(&opened).map_err(unopened)?;
            let is_directory = FileType::from_raw_mode(stat.st_mode).is_dir();
            ruleset.allow(opened.as_fd(), is_directory, rights);
            identities.push(identity(&stat));
        }
    }
    Ok(identities)
}
