//! Where a configuration comes from.

use std::path::PathBuf;

/// What [`load`](crate::load) reads, in the order of configuration.md §1.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Directory of the instance. `config/server.ini` and `config/server.json` in it are read, and
    /// relative paths in the configuration belong to it.
    pub directory: PathBuf,
    /// `-c`, `--config-cfg`: INI files; relative ones belong to the current directory.
    pub ini_files: Vec<PathBuf>,
    /// `-j`, `--config-json`: JSON files; relative ones belong to the current directory.
    pub json_files: Vec<PathBuf>,
    /// Values of the command line; they win, lists are appended.
    pub overrides: Overrides,
    /// `-s`, `--security`: no check of file permissions, and `security` is false.
    pub insecure: bool,
    /// The effective user id of the server: files may belong to it or to root.
    pub process_user: u32,
}

/// Values of the command line by server key.
///
/// `scripts_config` stands for `json_scripts_config` (items that end with `.json`) and
/// `ini_scripts_config` (all others).
pub type Overrides = Vec<(String, OverrideValue)>;

/// A value of the command line; read like a value of an INI file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverrideValue {
    /// An option without value.
    Flag(bool),
    /// An option with one value.
    Text(String),
    /// An option with several values.
    List(Vec<String>),
}
