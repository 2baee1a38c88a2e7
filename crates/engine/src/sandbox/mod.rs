//! The sandbox of a run: made ready before its process exists, put on by the process itself.
//!
//! A [`Cache`] lives as long as the process that starts runs. [`Cache::prepare`] does everything
//! that may allocate, look up or fail; [`Prepared::apply`] is for the new process between its
//! clone and its program and does system calls only. Rules: `domain::sandbox`; what they mean to a
//! script, with the test that proves each: `docs/sandbox.md`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use webscripts_domain::sandbox::{Preset, Protected, Resources, Sandbox};

use crate::cgroup::Covered;

mod account;
mod bpf;
mod capabilities;
mod describe;
mod landlock;
mod plan;
mod probe;
mod raw;
mod resources;
mod seccomp;
mod tree;

pub use account::Account;
pub use describe::describe;
pub use probe::{Lack, lacks};
pub use seccomp::CommonFilter;

/// What runs may not give to others: neither their group nor everybody can do anything with the
/// files they make.
const UMASK: u32 = 0o077;

/// What one run asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What it may reach.
    pub sandbox: &'a Sandbox,
    /// What is out of reach unless the sandbox declares it.
    pub protected: &'a Protected,
    /// What it may use up.
    pub resources: &'a Resources,
    /// Which of that its control group limits ([`crate::cgroup::Group::limit`]).
    pub covered: Covered,
    /// `sandbox_required`: what cannot be enforced prevents the run.
    pub required: bool,
    /// The file of the script itself, opened in any way (`O_PATH` is enough). It can be read and
    /// executed.
    pub script: Option<BorrowedFd<'a>>,
    /// Files of this run besides, such as secrets: they can be read. Also the program that
    /// executes the script, where it is known: in the preset `strict` it could not be executed if
    /// it is not one of the system's.
    pub readable: &'a [&'a Path],
    /// The directories of this run, `files/` and `tmp/`: they can be changed.
    pub writable: &'a [&'a Path],
}

/// Why a sandbox could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// `sandbox_required` is set and this machine cannot enforce everything.
    #[error("`sandbox_required` is set and this machine cannot enforce the sandbox: {}", texts(.0))]
    Lacking(Vec<Lack>),
    /// The account does not exist.
    #[error("there is no {kind} `{name}` on this machine")]
    UnknownAccount {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name in the configuration.
        name: String,
    },
    /// The account could not be looked up.
    #[error("the account `{name}` could not be looked up")]
    Account {
        /// Its name in the configuration.
        name: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The account is another one than that of the server.
    #[error(
        "the script is to run as another account, which the server may not become: run the server \
         as root or with CAP_SETUID and CAP_SETGID"
    )]
    MayNotChangeAccount,
    /// A file or directory of the run could not be opened.
    #[error("`{path}` could not be opened for the sandbox")]
    Path {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// This process has put on the filter of other runs.
    #[error("the process that starts the run restricts it more than its sandbox says")]
    OtherFilter,
    /// The kernel refused a part of the sandbox.
    #[error("the kernel refused {what}")]
    Kernel {
        /// What was asked for.
        what: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

fn texts(lacks: &[Lack]) -> String {
    let texts: Vec<&str> = lacks.iter().map(|lack| lack.text).collect();
    texts.join("; ")
}

/// A step of [`Prepared::apply`]. The number can be sent from the new process to the one that
/// made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Limits of the process.
    Limits = 1,
    /// Supplementary groups.
    Groups,
    /// Group.
    Group,
    /// User.
    User,
    /// Capabilities.
    Capabilities,
    /// No new privileges.
    NoNewPrivileges,
    /// Rules of Landlock.
    Landlock,
    /// Filter of system calls.
    Filter,
}

impl Step {
    /// What it does, to follow "could not".
    pub fn text(self) -> &'static str {
        match self {
            Self::Limits => "set the limits of the script",
            Self::Groups => "set the groups of the script",
            Self::Group => "set the group of the script",
            Self::User => "set the user of the script",
            Self::Capabilities => "give up capabilities",
            Self::NoNewPrivileges => "give up new privileges",
            Self::Landlock => "restrict the files of the script",
            Self::Filter => "restrict the system calls of the script",
        }
    }

    /// The step with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Limits,
            Self::Groups,
            Self::Group,
            Self::User,
            Self::Capabilities,
            Self::NoNewPrivileges,
            Self::Landlock,
            Self::Filter,
        ]
        .into_iter()
        .find(|step| *step as u8 == number)
    }
}

/// What is kept from run to run: compiled filters, opened files, looked-up accounts. Bounded.
#[derive(Debug, Default)]
pub struct Cache {
    accounts: account::Accounts,
    filters: seccomp::Filters,
    plans: plan::Plans,
    /// Whether this process puts on what its runs have in common.
    wears_common: bool,
    worn: Option<CommonFilter>,
}

impl Cache {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one of a process that starts runs and does nothing else: with the first run that
    /// has a [`CommonFilter`] it puts that on itself, and can start no others afterwards.
    pub fn of_starter() -> Self {
        Self { wears_common: true, ..Self::default() }
    }

    /// The account that a run gets; `None`: that of this process. Its directories must belong to
    /// it.
    pub fn account(&mut self, sandbox: &Sandbox) -> Result<Option<Account>, PrepareError> {
        let Some(account) = self.accounts.of(sandbox)? else { return Ok(None) };
        let own = account.uid == rustix::process::geteuid().as_raw()
            && account.gid == rustix::process::getegid().as_raw();
        match (own, account::may_change(capabilities::effective())) {
            (_, true) => Ok(Some(account)),
            (true, false) => Ok(None),
            (false, false) => Err(PrepareError::MayNotChangeAccount),
        }
    }

    /// Makes everything ready for one run. Declared paths that do not exist are ignored.
    pub fn prepare(&mut self, request: &Request<'_>) -> Result<Prepared, PrepareError> {
        let kernel = probe::kernel();
        if request.required {
            let may_change = account::may_change(capabilities::effective());
            let lacks = probe::lacks_of(request.sandbox, kernel, may_change);
            if !lacks.is_empty() {
                return Err(PrepareError::Lacking(lacks));
            }
        }
        let account = self.account(request.sandbox)?;
        let uid = account
            .as_ref()
            .map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid);
        let preset = request.sandbox.preset;
        let capabilities = capabilities::Kept::new(preset, uid == 0)
            .map_err(|errno| kernel_error("to tell its capabilities", errno))?;
        let ruleset = if kernel.landlock == 0 {
            None
        } else {
            self.plans.ruleset(request, kernel.landlock, uid == 0)?
        };
        Ok(Prepared {
            limits: resources::Limits::new(request.resources, request.covered, uid),
            ended_first: request.covered.memory,
            account,
            capabilities,
            ruleset,
            filter: if kernel.seccomp { self.filter(request.sandbox)? } else { None },
        })
    }
}

impl Cache {
    /// The filter that a run puts on itself.
    fn filter(&mut self, sandbox: &Sandbox) -> Result<Option<Arc<seccomp::Filter>>, PrepareError> {
        let common = CommonFilter::of(sandbox).filter(|_| self.wears_common);
        match (self.worn, common) {
            (None, None) => return Ok(self.filters.of(sandbox)),
            (Some(worn), Some(common)) if worn == common => {}
            (None, Some(common)) => {
                self.put_on(common)?;
                self.worn = Some(common);
            }
            (Some(_), _) => return Err(PrepareError::OtherFilter),
        }
        Ok(self.filters.beyond_common(sandbox))
    }

    fn put_on(&mut self, common: CommonFilter) -> Result<(), PrepareError> {
        let Some(filter) = self.filters.common(common) else { return Ok(()) };
        raw::no_new_privileges()
            .map_err(|errno| kernel_error("to give up new privileges", errno))?;
        raw::filter_calls(filter.instructions())
            .map_err(|errno| kernel_error("a filter of system calls", errno))
    }
}

fn kernel_error(what: &'static str, errno: raw::Errno) -> PrepareError {
    PrepareError::Kernel { what, source: std::io::Error::from_raw_os_error(errno) }
}

/// A sandbox that only has to be put on.
#[derive(Debug)]
pub struct Prepared {
    limits: resources::Limits,
    ended_first: bool,
    account: Option<Account>,
    capabilities: Option<capabilities::Kept>,
    ruleset: Option<Arc<OwnedFd>>,
    filter: Option<Arc<seccomp::Filter>>,
}

impl Prepared {
    /// Puts the sandbox on this thread, for good, and on every program it executes.
    ///
    /// Only system calls, no allocation and no lock: for a new process before it executes its
    /// program, also one that shares the memory of its parent. Changing the account makes the
    /// kernel forget the signal of the parent's death (prctl(2)): ask for it afterwards.
    /// Descriptors are not closed.
    pub fn apply(&self) -> Result<(), (Step, raw::Errno)> {
        let at = |step: Step| move |errno| (step, errno);
        if self.ended_first {
            raw::be_ended_first();
        }
        raw::set_umask(UMASK);
        self.limits.apply().map_err(at(Step::Limits))?;
        if let Some(account) = &self.account {
            account.apply()?;
        }
        if let Some(capabilities) = &self.capabilities {
            capabilities.apply().map_err(at(Step::Capabilities))?;
        }
        raw::no_new_privileges().map_err(at(Step::NoNewPrivileges))?;
        if let Some(ruleset) = &self.ruleset {
            raw::restrict_self(ruleset.as_fd()).map_err(at(Step::Landlock))?;
        }
        if let Some(filter) = &self.filter {
            raw::filter_calls(filter.instructions()).map_err(at(Step::Filter))?;
        }
        Ok(())
    }
}

/// Variables that programs in this sandbox need to work, besides those of the run.
pub fn environment(sandbox: &Sandbox) -> &'static [(&'static str, &'static str)] {
    match sandbox.network() {
        // Datagrams are refused: the resolver of the C library is told to ask over TCP.
        webscripts_domain::sandbox::Network::Ports(_) => &[("RES_OPTIONS", "use-vc")],
        _ => &[],
    }
}

/// Whether the sandbox restricts files at all.
fn restricts_files(sandbox: &Sandbox) -> bool {
    sandbox.preset != Preset::None
}
