//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The folder of the repository.
pub fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).context("the folder of xtask has no parent")
}

/// The folder of the browser tests.
pub fn browser_tests() -> anyhow::Result<PathBuf> {
    Ok(root()?.join("tests/browser"))
}

/// The folder where cargo put this program, and puts `webscripts` beside it.
pub fn binaries() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program is")?;
    this.parent().map(Path::to_path_buf).context("this program is in no folder")
}

/// The Python environment that holds the existing client.
pub fn client_environment() -> anyhow::Result<PathBuf> {
    let target = binaries()?;
    let target = target.parent().context("the folder of binaries has no parent")?;
    Ok(target.join("client-venv"))
}
