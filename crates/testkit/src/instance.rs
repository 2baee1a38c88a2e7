//! An instance on disk, and the commands of the program on it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::account::{Account, CreatedAccount};
use crate::program::{self, Finished};
use crate::server::Server;

/// A folder with configuration, scripts and accounts. Removed when dropped.
#[derive(Debug)]
pub struct Instance {
    program: PathBuf,
    launcher: Vec<OsString>,
    root: TempDir,
    directory: PathBuf,
    flags: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    accounts: Vec<CreatedAccount>,
}

impl Instance {
    pub(crate) fn new(
        program: PathBuf,
        root: TempDir,
        directory: PathBuf,
        flags: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        let (launcher, accounts) = (Vec::new(), Vec::new());
        Self { program, launcher, root, directory, flags, environment, accounts }
    }

    /// An instance that does not exist yet, for the program at `program` to make.
    ///
    /// # Errors
    ///
    /// When no temporary folder can be made.
    pub fn unmade(program: impl Into<PathBuf>) -> Result<Self> {
        let root = tempfile::Builder::new().prefix("webscripts-test-").tempdir()?;
        let directory = fs::canonicalize(root.path())?.join("instance");
        Ok(Self::new(program.into(), root, directory, Vec::new(), Vec::new()))
    }

    /// Starts the program through these words from now on, such as `nice -n 5`. They have to end by
    /// executing what follows them.
    pub fn through<I, S>(mut self, launcher: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        self.launcher = launcher.into_iter().map(Into::into).collect();
        self
    }

    /// The folder that holds the instance, removed with it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The account of this name.
    ///
    /// # Errors
    ///
    /// When none was made.
    pub fn account(&self, name: &str) -> Result<&CreatedAccount> {
        let found = self.accounts.iter().find(|account| account.name == name);
        found.with_context(|| format!("the test made no account {name}"))
    }

    /// All accounts in the order they were made; the first has the number 2.
    pub fn accounts(&self) -> &[CreatedAccount] {
        &self.accounts
    }

    /// Runs a command of the program on this instance: `--directory` is added.
    ///
    /// # Errors
    ///
    /// When the program cannot be started; look at the status for the rest.
    pub fn run<I, S>(&self, arguments: I) -> Result<Finished>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command();
        command.args(arguments).arg("--directory").arg(&self.directory);
        program::run(command)
    }

    /// Runs the program with exactly these arguments and this standard input.
    ///
    /// # Errors
    ///
    /// When the program cannot be started; look at the status for the rest.
    pub fn run_exactly<I, S>(&self, arguments: I, input: &str) -> Result<Finished>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command();
        command.args(arguments);
        program::run_with_input(command, input)
    }

    /// Makes a group with `webscripts group add`.
    ///
    /// # Errors
    ///
    /// When the program refuses.
    pub fn add_group(&self, id: i64, name: &str) -> Result<()> {
        let finished = self.run(["group", "add", &id.to_string(), name])?;
        finished.success().with_context(|| format!("cannot make the group {name}"))?;
        Ok(())
    }

    /// Makes an account with `webscripts user add`.
    ///
    /// # Errors
    ///
    /// When the program refuses, or prints no API key although one was asked for.
    pub fn add_account(&self, account: &Account) -> Result<CreatedAccount> {
        let password_file = self.password_file(&account.password)?;
        let mut arguments: Vec<OsString> = vec!["user".into(), "add".into()];
        let mut option = |name: &str, value: OsString| {
            arguments.push(name.into());
            arguments.push(value);
        };
        for group in &account.groups {
            option("--group", group.to_string().into());
        }
        for (name, patterns) in [
            ("--category", &account.categories),
            ("--script", &account.scripts),
            ("--ip", &account.addresses),
        ] {
            for pattern in patterns {
                option(name, pattern.into());
            }
        }
        option("--password-file", password_file.into());
        if account.api_key {
            arguments.push("--api-key".into());
        }
        arguments.push(OsString::from(&account.name));
        let finished = self
            .run(&arguments)?
            .success()
            .with_context(|| format!("cannot make the account {}", account.name))?;
        let api_key = if account.api_key { Some(api_key(&finished.stdout)?) } else { None };
        Ok(CreatedAccount {
            name: account.name.clone(),
            password: account.password.clone(),
            api_key,
        })
    }

    /// Changes a password with `webscripts user passwd`.
    ///
    /// # Errors
    ///
    /// When the program refuses.
    pub fn change_password(&self, name: &str, password: &str) -> Result<()> {
        let file = self.password_file(password)?;
        let arguments = [
            OsStr::new("user"),
            OsStr::new("passwd"),
            OsStr::new(name),
            OsStr::new("--password-file"),
            file.as_os_str(),
        ];
        self.run(arguments)?.success().with_context(|| format!("cannot change {name}"))?;
        Ok(())
    }

    /// Serves the instance.
    ///
    /// # Errors
    ///
    /// When the server ends or stays silent instead of becoming ready; the text holds its log.
    pub fn serve(self) -> Result<Server> {
        Server::start(self)
    }

    pub(crate) fn remember(&mut self, account: CreatedAccount) {
        self.accounts.push(account);
    }

    /// `webscripts serve` with the flags of the instance.
    pub(crate) fn serve_command(&self) -> Command {
        let mut command = self.command();
        command.arg("serve").args(&self.flags);
        command.arg("--directory").arg(&self.directory).args(["--port", "0"]);
        command
    }

    /// A place outside the instance, for the log of the server.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.root.path().join("server.log")
    }

    fn command(&self) -> Command {
        let mut words =
            self.launcher.iter().map(OsString::as_os_str).chain([self.program.as_os_str()]);
        let mut command = program::command(words.next().unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.root.path())
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.root.path());
        command
    }

    fn password_file(&self, password: &str) -> Result<PathBuf> {
        let path = self.root.path().join("password");
        if path.exists() {
            fs::remove_file(&path)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "{password}")?;
        Ok(path)
    }
}

/// The key of the line `API key: …`.
fn api_key(printed: &str) -> Result<String> {
    let key = printed.lines().find_map(|line| line.trim().strip_prefix("API key: "));
    let key = key.with_context(|| format!("no line `API key: …` in: {printed}"))?;
    Ok(key.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_key_is_read_from_its_line() {
        let printed = "User Admin has the number 2\nAPI key: abc+/=\n";

        assert_eq!(api_key(printed).unwrap(), "abc+/=");
        assert!(api_key("nothing").is_err());
    }
}
