//! The programs that take part, built with the release profile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::bounded::output_of;
use super::progress;
use crate::process::cargo;

/// A release build of everything, on a slow machine, with an empty cache.
const LONGEST_BUILD: Duration = Duration::from_mins(40);

/// Absolute paths of what is started.
pub struct Programs {
    /// The server.
    pub server: PathBuf,
    /// What it is compared with.
    pub limit: PathBuf,
    /// The load generator.
    pub load: PathBuf,
    /// Prints one line.
    pub tiny: PathBuf,
    /// Prints 1.3 MB, or as many bytes as it is told to.
    pub flood: PathBuf,
    /// Prints lines with the time in them.
    pub ticker: PathBuf,
}

impl Programs {
    /// Builds everything; `server` replaces the server by one that is built already.
    ///
    /// The server is built alone, exactly as its users build it: together with the load generator
    /// it would get features of libraries that only the generator needs.
    pub fn build(root: &Path, server: Option<&Path>) -> anyhow::Result<Self> {
        let tools = Built::package(root, "webscripts-bench")?;
        let server = match server {
            Some(path) => std::path::absolute(path).context("cannot resolve `--server`")?,
            None => Built::package(root, "webscripts")?.program("webscripts")?,
        };
        ensure!(server.is_file(), "{} is not a program", server.display());
        Ok(Self {
            server,
            limit: tools.program("limit")?,
            load: tools.program("load")?,
            tiny: tools.program("tiny")?,
            flood: tools.program("flood")?,
            ticker: tools.program("ticker")?,
        })
    }
}

/// Executables that cargo reported.
struct Built(Vec<Artifact>);

/// The part of a message of `cargo build --message-format=json` that matters here.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Built {
    fn package(root: &Path, package: &str) -> anyhow::Result<Self> {
        progress(&format!("building {package} (release)"));
        let mut cargo = cargo(["build", "--quiet", "--release", "--bins", "--package", package]);
        cargo.current_dir(root).arg("--message-format=json-render-diagnostics");
        let messages = output_of(cargo, "", LONGEST_BUILD)?;
        // Messages of other kinds have other fields.
        Ok(Self(messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
    }

    fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let artifact = self.0.iter().find(|artifact| artifact.target.name == name);
        artifact
            .and_then(|artifact| artifact.executable.clone())
            .with_context(|| format!("cargo built no program `{name}`"))
    }
}
