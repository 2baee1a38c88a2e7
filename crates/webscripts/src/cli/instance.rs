//! Making an instance: everything with its mode and owner right from the start, or nothing.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use webscripts_app::accounts::AccountRequest;
use webscripts_config::Sources;
use webscripts_domain::identity::GroupId;

use super::accounts::{Accounts, block_on};
use crate::compose;
use crate::samples::SAMPLES;

/// The usual name of the administrator.
pub const ADMINISTRATOR: &str = "Admin";

/// Groups of the administrator: users and administrators.
const ADMINISTRATOR_GROUPS: [GroupId; 2] = [GroupId(50), GroupId(1000)];

/// Directories and their modes; what is private holds accounts and logs.
const DIRECTORIES: [(&str, u32); 7] = [
    ("config", 0o755),
    ("config/scripts", 0o755),
    ("scripts", 0o755),
    ("doc", 0o755),
    ("static", 0o755),
    ("data", PRIVATE),
    ("logs", PRIVATE),
];
const PRIVATE: u32 = 0o700;

/// The configuration of a new instance: what people look for first. All else is a default.
const CONFIGURATION: &str = r#"{
  "server": {
    "interface": "127.0.0.1",
    "port": 8000
  }
}
"#;

/// What makes a directory an instance.
const CONFIGURATION_FILES: [&str; 2] = ["config/server.json", "config/server.ini"];
/// The databases and what SQLite puts beside them.
const DATABASE_FILES: [&str; 8] = [
    "data/webscripts.sqlite3",
    "data/webscripts.sqlite3-wal",
    "data/webscripts.sqlite3-shm",
    "data/webscripts.sqlite3-journal",
    "data/runs.sqlite3",
    "data/runs.sqlite3-wal",
    "data/runs.sqlite3-shm",
    "data/runs.sqlite3-journal",
];

/// An instance that is to be made.
#[derive(Debug)]
pub struct NewInstance<'a> {
    /// Where; made when absent.
    pub directory: &'a Path,
    /// Name of the administrator.
    pub administrator: &'a str,
    /// Password of the administrator; `None`: one is generated and printed.
    pub password: Option<SecretString>,
    /// Whether it starts with the sample scripts.
    pub has_samples: bool,
}

/// Whether a directory holds the configuration of an instance.
pub fn is_instance(directory: &Path) -> bool {
    CONFIGURATION_FILES.iter().any(|file| directory.join(file).symlink_metadata().is_ok())
}

impl NewInstance<'_> {
    /// Makes it, and writes name and password of the administrator to `out`; answers the absolute
    /// directory.
    ///
    /// # Errors
    ///
    /// When there is one already, other accounts could change it, or a step fails; what was made
    /// until then is removed.
    pub fn make(&self, out: &mut impl Write) -> anyhow::Result<PathBuf> {
        let named = || format!("no instance was made in `{}`", self.directory.display());
        let directory = std::path::absolute(self.directory).with_context(named)?;
        refuse_existing(&directory).with_context(named)?;
        let mut made = Made::default();
        self.fill(&directory, &mut made, out).with_context(named)?;
        made.keep();
        Ok(directory)
    }

    fn fill(&self, directory: &Path, made: &mut Made, out: &mut impl Write) -> anyhow::Result<()> {
        let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
        refuse_unsafe_parents(directory)?;
        for path in missing.into_iter().rev() {
            made.directory(path, 0o755)?;
        }
        for (name, mode) in DIRECTORIES {
            made.directory(&directory.join(name), mode)?;
        }
        let samples = if self.has_samples { SAMPLES } else { &[] };
        for sample in samples {
            made.file(&directory.join(sample.path), sample.contents, sample.mode)?;
        }
        made.file(&directory.join("config/server.json"), CONFIGURATION.as_bytes(), 0o400)?;
        made.expect(DATABASE_FILES.map(|name| directory.join(name)));
        block_on(self.make_administrator(directory, out))
    }

    async fn make_administrator(
        &self,
        directory: &Path,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let sources = Sources {
            directory: directory.to_owned(),
            process_user: own_user(),
            ..Sources::default()
        };
        let accounts = Accounts::open(&compose::load(&sources)?.settings).await?;
        let added = self.add_administrator(&accounts).await;
        accounts.close().await;
        let generated = added.context("the account of the administrator was not made")?;
        writeln!(out, "Administrator: {}", self.administrator)?;
        if let Some(password) = generated {
            writeln!(out, "Password: {}", password.expose_secret())?;
        }
        Ok(())
    }

    /// Answers the password, if it was generated.
    async fn add_administrator(&self, accounts: &Accounts) -> anyhow::Result<Option<SecretString>> {
        let accounts = &accounts.administration;
        let request = AccountRequest::new(self.administrator, ADMINISTRATOR_GROUPS.to_vec());
        if let Some(password) = &self.password {
            accounts.add_user(&request, password).await?;
            return Ok(None);
        }
        let password = accounts.generate_password()?;
        accounts.add_user(&request, &password).await?;
        Ok(Some(password))
    }
}

fn refuse_existing(directory: &Path) -> anyhow::Result<()> {
    for name in CONFIGURATION_FILES.iter().chain(&DATABASE_FILES) {
        if directory.join(name).symlink_metadata().is_ok() {
            bail!("it holds an instance already: `{name}` exists");
        }
    }
    Ok(())
}

/// Refuses a place where other accounts could exchange the instance as a whole.
fn refuse_unsafe_parents(directory: &Path) -> anyhow::Result<()> {
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(directory);
    let real = fs::canonicalize(existing)
        .with_context(|| format!("`{}` cannot be entered", existing.display()))?;
    real.ancestors().try_for_each(refuse_unsafe)
}

/// Refuses a directory whose entries other accounts may exchange (security.md §10).
fn refuse_unsafe(directory: &Path) -> anyhow::Result<()> {
    let name = directory.display();
    let status = fs::metadata(directory).with_context(|| format!("`{name}` cannot be examined"))?;
    if !status.is_dir() {
        bail!("`{name}` is no directory");
    }
    if status.uid() != 0 && status.uid() != own_user() {
        bail!(
            "the directory `{name}` belongs to another account ({}), which may exchange what is in \
             it: choose another place, or change its owner",
            status.uid()
        );
    }
    let mode = status.mode() & 0o7777;
    let is_sticky = mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !is_sticky {
        bail!(
            "other accounts may exchange what is in the directory `{name}` (mode {mode:04o}): \
             choose another place, or run `chmod go-w {name}`"
        );
    }
    Ok(())
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What has been made so far, in order; removed when dropped, unless it is kept.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn keep(mut self) {
        self.0.clear();
    }

    /// Files that something else is going to make.
    fn expect(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        self.0.extend(files);
    }

    /// Makes a directory whatever the umask; one that exists has to be safe.
    fn directory(&mut self, path: &Path, mode: u32) -> anyhow::Result<()> {
        let named = || format!("the directory `{}` cannot be made", path.display());
        match DirBuilder::new().mode(mode).create(path) {
            Ok(()) => {
                self.0.push(path.to_owned());
                fs::set_permissions(path, Permissions::from_mode(mode)).with_context(named)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                refuse_unsafe(path)?;
                refuse_readable(path, mode)
            }
            Err(error) => Err(error).with_context(named),
        }
    }

    /// Makes a file whatever the umask; never touches one that exists.
    fn file(&mut self, path: &Path, contents: &[u8], mode: u32) -> anyhow::Result<()> {
        let named = || format!("the file `{}` cannot be made", path.display());
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .with_context(named)?;
        self.0.push(path.to_owned());
        file.write_all(contents)
            .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
            .with_context(named)
    }
}

/// Refuses an existing directory that should be private and is not.
fn refuse_readable(directory: &Path, wanted: u32) -> anyhow::Result<()> {
    let name = directory.display();
    let status = fs::metadata(directory).with_context(|| format!("`{name}` cannot be examined"))?;
    if wanted == PRIVATE && status.mode() & 0o077 != 0 {
        bail!("other accounts may enter the directory `{name}`: run `chmod 700 {name}`");
    }
    Ok(())
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let removed = match path.symlink_metadata() {
                Ok(status) if status.is_dir() => fs::remove_dir(path),
                Ok(_) => fs::remove_file(path),
                Err(error) => Err(error),
            };
            // Expected files may not have been made; a directory in which somebody else has put
            // something stays.
            drop(removed);
        }
    }
}
