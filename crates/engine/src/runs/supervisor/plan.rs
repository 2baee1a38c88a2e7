//! An order whose files were looked up: what exactly is executed, with which words and environment.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
use webscripts_domain::run::RunId;
use webscripts_domain::sandbox::Preset;

use super::child::{Executable, c_path, c_string};
use super::program;
use super::script_file::{Digests, Pinned};
use crate::runs::StartError;
use crate::runs::order::{Order, OrderedWord};
use crate::runs::protocol::sealed_file;
use crate::runs::record::RUN_VARIABLE;
use crate::sandbox::{self, Account};

/// Where a script finds the directory for the files it leaves.
const RUN_DIRECTORY_VARIABLE: &str = "WEBSCRIPTS_RUN_DIR";
/// Where programs put temporary files.
const TEMPORARY_VARIABLE: &str = "TMPDIR";

/// An order whose files were looked up.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    order: &'a Order<'a>,
    program: PathBuf,
    pinned: Option<Pinned>,
    account: Option<Account>,
}

/// The words of a command line.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) words: Vec<CString>,
    /// The files that secret words name by their numbers.
    pub(super) files: Vec<OwnedFd>,
}

impl<'a> Plan<'a> {
    /// Looks up the program and opens the script. `account`: as which the run goes on.
    pub(super) fn new(
        order: &'a Order<'a>,
        digests: &mut Digests,
        account: Option<Account>,
    ) -> Result<Self, StartError> {
        let pinned = match &order.script {
            Some(script) => Some(Pinned::open(script, digests)?),
            None => None,
        };
        Ok(Self { order, program: program::find(order)?, pinned, account })
    }

    /// The order.
    pub(super) fn order(&self) -> &'a Order<'a> {
        self.order
    }

    /// The program, always with a `/`.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// The script, if it is known which file that is.
    pub(super) fn script(&self) -> Option<BorrowedFd<'_>> {
        self.pinned.as_ref().map(Pinned::descriptor)
    }

    /// As whom the run goes on, if not as this process.
    pub(super) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// What is executed: the very file that was checked where the program cannot tell, or where
    /// the sandbox is strict; else what its path names, because scripts look at their own path.
    pub(super) fn executable(&self) -> io::Result<Executable<'_>> {
        Ok(match &self.pinned {
            Some(script) if script.path() == self.program && self.is_by_handle(script) => {
                Executable::Handle(script.descriptor())
            }
            _ => Executable::Path(c_path(&self.program)?),
        })
    }

    /// The words. A launcher of a strict run gets the script by its number.
    pub(super) fn words(&self) -> io::Result<Words> {
        let mut files = Vec::new();
        let mut words = vec![c_path(self.order.program())?];
        for word in &self.order.words {
            words.push(match word {
                OrderedWord::Plain(word) => match self.opened_by_interpreter() {
                    Some(script) if script.path().as_os_str().as_bytes() == *word => {
                        numbered("/proc/self/fd", &script.descriptor())?
                    }
                    _ => c_string(word)?,
                },
                OrderedWord::SecretFile(secret) => {
                    let file = self.secret_file(secret)?;
                    let name = numbered("/dev/fd", &file)?;
                    files.push(file);
                    name
                }
            });
        }
        Ok(Words { words, files })
    }

    /// The descriptors that stay open in the program.
    pub(super) fn kept<'f>(&'f self, files: &'f [OwnedFd]) -> Vec<BorrowedFd<'f>> {
        let script = self.opened_by_interpreter().map(Pinned::descriptor);
        files.iter().map(AsFd::as_fd).chain(script).collect()
    }

    /// The environment: that of the order, and what the run and its sandbox add.
    /// `scratch`: where it works, files first.
    pub(super) fn environment(&self, scratch: &[PathBuf; 2]) -> io::Result<Vec<CString>> {
        let run = RunId::from_bytes(self.order.run).to_string();
        let [files, temporary] = scratch.each_ref().map(|path| path.as_os_str().as_bytes());
        let own = [
            (RUN_VARIABLE, run.as_bytes()),
            (RUN_DIRECTORY_VARIABLE, files),
            (TEMPORARY_VARIABLE, temporary),
        ];
        let sandbox = sandbox::environment(&self.order.sandbox);
        let is_ours = |name: &str| {
            own.iter().any(|(own, _)| *own == name) || sandbox.iter().any(|(own, _)| *own == name)
        };
        let ordered = self.order.environment.iter().filter(|(name, _)| !is_ours(name));
        let mut variables = Vec::with_capacity(self.order.environment.len() + 4);
        for (name, value) in ordered.chain(sandbox) {
            variables.push(variable(name, value.as_bytes())?);
        }
        for (name, value) in own {
            variables.push(variable(name, value)?);
        }
        Ok(variables)
    }

    /// Whether the path of a script that was executed by it still names what was checked.
    pub(super) fn look_again(&self) -> Result<(), StartError> {
        match &self.pinned {
            Some(script) if !self.is_by_handle(script) && !script.is_in_place() => {
                Err(script.replaced())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn is_by_handle(&self, script: &Pinned) -> bool {
        let is_executed = script.path() == self.program;
        self.order.sandbox.preset == Preset::Strict || (is_executed && script.is_binary())
    }

    /// The script, if an interpreter or a launcher opens it by its number.
    fn opened_by_interpreter(&self) -> Option<&Pinned> {
        let is_program = |script: &Pinned| script.path() == self.program && script.is_binary();
        let script = self.pinned.as_ref()?;
        (self.is_by_handle(script) && !is_program(script)).then_some(script)
    }

    /// A file that only the account of the run can read.
    fn secret_file(&self, secret: &[u8]) -> io::Result<OwnedFd> {
        let file = sealed_file("secret", secret)?;
        fchmod(&file, Mode::RUSR)?;
        if let Some(account) = &self.account {
            let (owner, group) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
            fchown(&file, Some(owner), Some(group))?;
        }
        Ok(file)
    }
}

fn variable(name: &str, value: &[u8]) -> io::Result<CString> {
    let mut text = Vec::with_capacity(name.len() + value.len() + 2);
    text.extend_from_slice(name.as_bytes());
    text.push(b'=');
    text.extend_from_slice(value);
    c_string(&text)
}

fn numbered(directory: &str, file: &impl AsRawFd) -> io::Result<CString> {
    c_string(format!("{directory}/{}", file.as_raw_fd()).as_bytes())
}
