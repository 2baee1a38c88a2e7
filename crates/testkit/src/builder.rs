//! Describing an instance: files, settings, scripts, accounts.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::account::{Account, CreatedAccount};
use crate::instance::Instance;
use crate::server::Server;

/// An instance in the making. Everything is written by [`create`](Self::create).
#[derive(Debug)]
pub struct InstanceBuilder {
    program: PathBuf,
    root: TempDir,
    directory: PathBuf,
    server: Map<String, Value>,
    sections: Map<String, Value>,
    script_files: Vec<(String, Value)>,
    files: Vec<File>,
    accounts: Vec<Account>,
    groups: Vec<(i64, String)>,
    flags: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

#[derive(Debug)]
struct File {
    path: String,
    content: Vec<u8>,
    mode: u32,
}

impl InstanceBuilder {
    pub(crate) fn new(program: PathBuf) -> Result<Self> {
        let root = tempfile::Builder::new().prefix("webscripts-test-").tempdir()?;
        let directory = fs::canonicalize(root.path())?.join("instance");
        Ok(Self {
            program,
            root,
            directory,
            server: Map::new(),
            sections: Map::new(),
            script_files: Vec::new(),
            files: Vec::new(),
            accounts: Vec::new(),
            groups: Vec::new(),
            flags: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// The working directory the instance will have.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Sets a key of the section `server` of `config/server.json`.
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.server.insert(key.to_owned(), value.into());
        self
    }

    /// Sets several keys of the section `server`.
    pub fn settings(mut self, settings: &Map<String, Value>) -> Self {
        self.server.extend(settings.clone());
        self
    }

    /// Adds sections beside `server` to `config/server.json`, such as `scripts` or `urls`.
    pub fn sections(mut self, sections: Map<String, Value>) -> Self {
        self.sections.extend(sections);
        self
    }

    /// Writes `config/scripts/<name>`.
    pub fn script_configuration(mut self, name: &str, content: Value) -> Self {
        self.script_files.push((name.to_owned(), content));
        self
    }

    /// Adds an executable script `scripts/<name>` and its configuration; `keys` are those of the
    /// script section. An object below `args` is written as sections: name → keys of the argument.
    pub fn script(self, name: &str, content: &str, keys: &Value) -> Self {
        let path = format!("scripts/{name}");
        let mut section = keys.as_object().cloned().unwrap_or_default();
        section.insert("path".to_owned(), json!(self.directory.join(&path)));
        let mut configuration = Map::new();
        configuration.insert("scripts".to_owned(), json!({ name: "script" }));
        if let Some(Value::Object(arguments)) = section.get("args").cloned() {
            let mut names = Map::new();
            for (index, (argument, keys)) in arguments.into_iter().enumerate() {
                let section = format!("argument_{index}");
                names.insert(argument, json!(section));
                configuration.insert(section, keys);
            }
            configuration.insert("arguments".to_owned(), Value::Object(names));
            section.insert("args".to_owned(), json!("arguments"));
        }
        configuration.insert("script".to_owned(), Value::Object(section));
        self.file(&path, content, 0o500)
            .script_configuration(&format!("{name}.json"), Value::Object(configuration))
    }

    /// Writes a file of the instance with this mode; folders on the way get 0755.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        self.files.push(File { path: path.to_owned(), content: content.as_ref().to_vec(), mode });
        self
    }

    /// Makes a group.
    pub fn group(mut self, id: i64, name: &str) -> Self {
        self.groups.push((id, name.to_owned()));
        self
    }

    /// Makes an account. The first gets the number 2, the next 3, and so on.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Adds an argument of `webscripts serve`.
    pub fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Sets a variable of the environment, which otherwise holds `PATH`, `HOME` and `LANG` alone.
    pub fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Writes the folder and makes the accounts, without starting a server.
    ///
    /// # Errors
    ///
    /// When a file cannot be written or the program refuses an account.
    pub fn create(self) -> Result<Instance> {
        for folder in ["", "config", "config/scripts", "scripts", "doc", "static"] {
            make_folder(&self.directory.join(folder), 0o755)?;
        }
        for folder in ["data", "logs"] {
            make_folder(&self.directory.join(folder), 0o700)?;
        }
        let mut configuration = Map::new();
        configuration.insert("server".to_owned(), Value::Object(self.server));
        configuration.extend(self.sections);
        write_json(&self.directory.join("config/server.json"), &Value::Object(configuration))?;
        for (name, content) in &self.script_files {
            write_json(&self.directory.join("config/scripts").join(name), content)?;
        }
        for file in &self.files {
            let path = self.directory.join(&file.path);
            if let Some(folder) = path.parent() {
                make_folder(folder, 0o755)?;
            }
            write_file(&path, &file.content, file.mode)?;
        }
        let mut instance =
            Instance::new(self.program, self.root, self.directory, self.flags, self.environment);
        for (id, name) in &self.groups {
            instance.add_group(*id, name)?;
        }
        for account in &self.accounts {
            let created: CreatedAccount = instance.add_account(account)?;
            instance.remember(created);
        }
        Ok(instance)
    }

    /// Creates the instance and serves it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and when the server does not become ready.
    pub fn start(self) -> Result<Server> {
        self.create()?.serve()
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<()> {
    if !path.is_dir() {
        if let Some(parent) = path.parent() {
            make_folder(parent, 0o755)?;
        }
        fs::create_dir(path).with_context(|| format!("cannot make {}", path.display()))?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn write_json(path: &Path, content: &Value) -> Result<()> {
    write_file(path, serde_json::to_string_pretty(content)?.as_bytes(), 0o400)
}

fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(())
}
