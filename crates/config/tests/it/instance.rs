//! Instances in temporary directories.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use webscripts_config::{Diagnostic, LoadErrors, Loaded, Sources, load};

/// The directory of an instance; it is removed when dropped.
pub struct Instance {
    root: TempDir,
    pub sources: Sources,
}

impl Instance {
    /// An instance with its directories and no file.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().canonicalize().unwrap();
        for name in ["config/scripts", "scripts", "doc", "static/js", "data"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        fs::set_permissions(directory.join("data"), fs::Permissions::from_mode(0o700)).unwrap();
        let process_user = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&directory).unwrap());
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        Self { root, sources: Sources { directory, process_user, ..Sources::default() } }
    }

    /// With this section `server` in `config/server.json`.
    pub fn server(self, keys: &Value) -> Self {
        self.json("config/server.json", &json!({ "server": keys }))
    }

    /// With a file that is as safe as it should be.
    pub fn file(self, name: impl AsRef<OsStr>, text: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(name, text, 0o400)
    }

    /// With a JSON file, indented by two.
    pub fn json(self, name: &str, value: &Value) -> Self {
        self.file(name, serde_json::to_string_pretty(value).unwrap())
    }

    pub fn file_with_mode(
        self,
        name: impl AsRef<OsStr>,
        text: impl AsRef<[u8]>,
        mode: u32,
    ) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// With a script that is executed itself, declared in `config/scripts/s.json` with these keys.
    pub fn script(self, keys: &Value) -> Self {
        self.sections(keys, &json!({}))
    }

    /// The same with further sections in the file.
    pub fn sections(self, keys: &Value, sections: &Value) -> Self {
        let mut keys = keys.clone();
        keys.as_object_mut().unwrap().insert("path".to_owned(), json!("scripts/s.sh"));
        let mut file = json!({"scripts": {"s.sh": "script"}, "script": keys});
        file.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
        self.file_with_mode("scripts/s.sh", "#!/bin/sh\n", 0o500)
            .json("config/scripts/s.json", &file)
    }

    /// With a script of one argument with these keys.
    pub fn argument(self, keys: &Value) -> Self {
        let sections = json!({"arguments": {"name": "argument"}, "argument": keys});
        self.sections(&json!({"args": "arguments"}), &sections)
    }

    pub fn with(mut self, change: impl FnOnce(&mut Sources)) -> Self {
        change(&mut self.sources);
        self
    }

    pub fn mode(self, name: &str, mode: u32) -> Self {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.directory().join(Path::new(name.as_ref()))
    }

    pub fn directory(&self) -> &Path {
        &self.sources.directory
    }

    pub fn load(&self) -> Result<Loaded, LoadErrors> {
        assert!(self.root.path().is_dir());
        load(&self.sources)
    }

    /// What was loaded.
    #[track_caller]
    pub fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// The errors, as they are shown, with the directory of the instance as `DIR`.
    #[track_caller]
    pub fn errors(&self) -> Vec<String> {
        let errors = self.load().expect_err("the configuration is accepted");
        let shown: Vec<String> = errors.errors().map(|error| self.masked(error)).collect();
        let directory = self.directory().to_string_lossy();
        assert_eq!(errors.to_string().replace(&*directory, "DIR"), shown.join("\n"));
        shown
    }

    /// The warnings, as they are shown, with the directory of the instance as `DIR`.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        self.loaded().warnings.iter().map(|warning| self.masked(warning)).collect()
    }

    fn masked(&self, diagnostic: &Diagnostic) -> String {
        diagnostic.to_string().replace(&*self.directory().to_string_lossy(), "DIR")
    }
}
