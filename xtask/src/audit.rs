//! `cargo xtask audit`: the policy of deny.toml.

use anyhow::{Context as _, bail};

use crate::process::{cargo, run as run_command, succeeds};
use crate::workspace;

/// Installs cargo-deny if it is missing, then checks licences, bans and sources, and last, because
/// it needs the network, the list of known weaknesses.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !arguments.is_empty() {
        bail!("`cargo xtask audit` takes no arguments");
    }
    if !succeeds(&mut cargo(["deny", "--version"])) {
        eprintln!("cargo-deny is missing; building it takes some minutes, once");
        run_command(&mut cargo(["install", "--locked", "cargo-deny"]))?;
    }
    let root = workspace::root()?;
    let check = ["deny", "--locked", "--all-features", "check"];
    run_command(cargo(check).args(["bans", "licenses", "sources"]).current_dir(&root))?;
    run_command(cargo(check).arg("advisories").current_dir(&root))
        .context("a dependency has a known weakness, or the list of them could not be fetched")
}
