//! Refuses files that other accounts could change or read (security.md §10 and its `Do`).
//!
//! A configuration file is opened once; its descriptor is examined and read, so that nothing can
//! be exchanged in between. All directories above it are examined up to the root.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};

use crate::diagnostic::{Place, Report, Severity, Spot};

/// Largest configuration file, in bytes.
pub const MAX_BYTES: u64 = 8 << 20;

/// Whose settings a finding depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A configuration file of the server: if others may write it, nothing in it can be believed,
    /// `force_file_permissions` included.
    ServerConfiguration,
    /// A configuration file of scripts.
    ScriptConfiguration,
    /// A script; `executed` without a launcher.
    Script {
        /// Whether the file is executed itself.
        executed: bool,
    },
    /// A private key.
    PrivateKey,
    /// A program or a file that is shown to people; everybody may read it.
    Shared,
}

impl Role {
    fn weight(self) -> Weight {
        match self {
            Self::Shared => Weight::Warning,
            Self::ScriptConfiguration | Self::Script { .. } | Self::PrivateKey => Weight::Forced,
            Self::ServerConfiguration => Weight::Error,
        }
    }
}

/// When a finding is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Never.
    Warning,
    /// When `force_file_permissions` is true.
    Forced,
    /// Whatever `force_file_permissions` says.
    Error,
}

/// Who may do what with a file.
#[derive(Debug, Clone, Copy)]
pub struct Permissions {
    mode: u32,
    owner: u32,
}

impl Permissions {
    /// Whether this account may read the file (`right` 4) or execute it (1). A group is taken for
    /// one of its own.
    pub fn allow(self, user: u32, right: u32) -> bool {
        match user {
            0 => right == 4 || self.mode & 0o111 != 0,
            user if user == self.owner => self.mode & (right << 6) != 0,
            _ => self.mode & (right << 3 | right) != 0,
        }
    }
}

/// Something that other accounts could misuse.
#[derive(Debug)]
struct Finding {
    place: Place,
    section: Option<String>,
    key: Option<String>,
    message: String,
    help: String,
    weight: Weight,
}

/// Examines files and remembers what it found until `force_file_permissions` is known.
#[derive(Debug)]
pub struct Guard {
    process_user: u32,
    insecure: bool,
    directory: PathBuf,
    /// The directories that were examined, and for what at most.
    directories: HashMap<PathBuf, Weight>,
    findings: Vec<Finding>,
}

impl Guard {
    /// For the account with this number; `insecure`: nothing is examined.
    pub fn new(process_user: u32, insecure: bool, directory: &Path) -> Self {
        Self {
            process_user,
            insecure,
            directory: directory.to_owned(),
            directories: HashMap::new(),
            findings: Vec::new(),
        }
    }

    /// Reads a configuration file whole and examines it.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read, is no regular file or larger than [`MAX_BYTES`].
    pub fn read(&mut self, path: &Path, role: Role) -> io::Result<Vec<u8>> {
        let real = std::fs::canonicalize(path)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let descriptor = open(&real, flags | OFlags::NOCTTY, Mode::empty())?;
        let status = fstat(&descriptor)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        File::from(descriptor).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
        }
        let place = Place::File(path.into(), 0);
        self.examine(path, &real, &status, role, Spot::place(&place));
        Ok(bytes)
    }

    /// The account of the server.
    pub fn process_user(&self) -> u32 {
        self.process_user
    }

    /// Examines a file that something else opens.
    ///
    /// # Errors
    ///
    /// When there is no regular file.
    pub fn look_at(&mut self, path: &Path, role: Role, spot: Spot<'_>) -> io::Result<Permissions> {
        let status = stat(path)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        if !self.insecure {
            let real = std::fs::canonicalize(path)?;
            self.examine(path, &real, &status, role, spot);
        }
        Ok(Permissions { mode: status.st_mode & 0o7777, owner: status.st_uid })
    }

    fn examine(&mut self, path: &Path, real: &Path, status: &Stat, role: Role, spot: Spot<'_>) {
        if self.insecure {
            return;
        }
        let mode = status.st_mode & 0o7777;
        let wrong_owner = !self.may_own(status.st_uid);
        let faults = faults(mode, role, wrong_owner);
        let weight = match role {
            // It can be believed, only not kept secret.
            Role::ServerConfiguration if !wrong_owner && mode & 0o022 == 0 => Weight::Forced,
            other => other.weight(),
        };
        if !faults.is_empty() {
            let subject = match role {
                Role::ServerConfiguration | Role::ScriptConfiguration => String::new(),
                Role::Script { .. } | Role::PrivateKey | Role::Shared => {
                    format!("{}: ", self.shown(path).display())
                }
            };
            let faults = faults.join(", ");
            let message = format!("{subject}mode {mode:04o}, owner {}: {faults}", status.st_uid);
            let help = format!("run `{}`", self.repair(real, mode, role, wrong_owner));
            self.find(spot, message, help, weight);
        }
        self.examine_directories(path, role, spot);
        self.examine_directories(real, role, spot);
    }

    fn examine_directories(&mut self, file: &Path, role: Role, spot: Spot<'_>) {
        for directory in file.ancestors().skip(1) {
            let examined = self.directories.get(directory).copied();
            if examined >= Some(role.weight()) {
                break;
            }
            self.directories.insert(directory.to_owned(), role.weight());
            let Ok(status) = stat(directory) else { continue };
            let mode = status.st_mode & 0o7777;
            let wrong_owner = !self.may_own(status.st_uid);
            let writable = mode & 0o022 != 0 && mode & 0o1000 == 0;
            if !wrong_owner && !writable {
                continue;
            }
            let name = quoted(directory);
            let owner = if wrong_owner { format!("chown root {name}") } else { String::new() };
            let bits = if writable { format!("chmod go-w {name}") } else { String::new() };
            let commands: Vec<String> =
                [owner, bits].into_iter().filter(|command| !command.is_empty()).collect();
            let message = format!(
                "the directory {}: mode {mode:04o}, owner {}: other accounts may exchange what is in it",
                directory.display(),
                status.st_uid
            );
            let help = format!("run `{}`", commands.join(" && "));
            self.find(spot, message, help, role.weight());
        }
    }

    fn may_own(&self, user: u32) -> bool {
        user == 0 || user == self.process_user
    }

    fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.directory).unwrap_or(path)
    }

    fn repair(&self, path: &Path, mode: u32, role: Role, wrong_owner: bool) -> String {
        let name = quoted(path);
        let right = match role {
            Role::Script { executed: true } => "500",
            Role::Script { executed: false } if mode & 0o100 != 0 => "500",
            Role::Shared => "go-w",
            _ => "400",
        };
        let mut command = String::new();
        if wrong_owner {
            let _ = write!(command, "chown {} {name} && ", self.process_user);
        }
        let _ = write!(command, "chmod {right} {name}");
        command
    }

    fn find(&mut self, spot: Spot<'_>, message: String, help: String, weight: Weight) {
        let (place, section, key) = spot.into_parts();
        self.findings.push(Finding { place, section, key, message, help, weight });
    }

    /// Examines the directory of saved state: nobody else may enter it.
    pub fn look_at_data(&mut self, directory: &Path, spot: Spot<'_>) {
        let Ok(status) = stat(directory) else { return };
        let mode = status.st_mode & 0o7777;
        if mode & 0o077 != 0 && !self.insecure {
            let message = format!(
                "{}: mode {mode:04o}, owner {}: other accounts may see saved state",
                self.shown(directory).display(),
                status.st_uid
            );
            let help = format!("run `chmod 700 {}`", quoted(directory));
            self.find(spot, message, help, Weight::Warning);
        }
    }

    /// Reports what was found: as errors when `force`, else what can be tolerated as warnings.
    pub fn report(self, force: bool, report: &mut Report) {
        if self.insecure {
            let place = Place::BuiltIn;
            report.warning(
                Spot::place(&place),
                "file permissions are not checked",
                "leave out `--security` to check them",
            );
        }
        for finding in self.findings {
            let least = if force { Weight::Forced } else { Weight::Error };
            let is_error = finding.weight >= least;
            let severity = if is_error { Severity::Error } else { Severity::Warning };
            let spot =
                Spot::parts(&finding.place, finding.section.as_deref(), finding.key.as_deref());
            report.add(severity, spot, finding.message, finding.help);
        }
    }
}

/// What is wrong with a mode: the table of security.md §10.
fn faults(mode: u32, role: Role, wrong_owner: bool) -> Vec<&'static str> {
    let is_script = matches!(role, Role::Script { .. });
    let is_key = role == Role::PrivateKey;
    let is_shared = role == Role::Shared;
    let rules = [
        (wrong_owner, "it belongs to another account"),
        (mode & 0o022 != 0, "other accounts may write it"),
        (mode & 0o055 != 0 && !is_shared, "other accounts may read or execute it"),
        (mode & 0o7000 != 0 && !is_shared, "it has a setuid, setgid or sticky bit"),
        (mode & 0o200 != 0 && !is_key && !is_shared, "the server itself could write it"),
        (mode & 0o100 != 0 && !is_script && !is_shared, "it is executable"),
    ];
    rules.into_iter().filter(|(wrong, _)| *wrong).map(|(_, text)| text).collect()
}

/// The path as a word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
