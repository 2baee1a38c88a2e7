//! `cargo xtask screenshots DIR`: a picture of every page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::browser;
use crate::process::run as run_command;
use crate::setup::{self, Need};
use crate::workspace;

/// Takes the pictures. The folder must be outside the repository.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [folder] = arguments else { bail!("usage: cargo xtask screenshots DIR") };
    let folder = folder_outside(&workspace::root()?, Path::new(folder))?;
    setup::prepare(&[Need::Perl, Need::Python, Need::Node, Need::Chromium])?;
    browser::build()?;
    let mut command = browser::playwright(&["test", "--config", "screenshots.config.ts"])?;
    run_command(command.env("WEBSCRIPTS_SCREENSHOTS", &folder))?;
    println!("Pictures are in {}", folder.display());
    Ok(())
}

/// Creates the folder if need be. Refuses one inside the repository: pictures are not committed.
fn folder_outside(repository: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let named = std::path::absolute(folder)?;
    let refusal = "pictures are not part of the repository; name a folder outside it";
    if named.starts_with(repository) {
        bail!("{}: {refusal}", named.display());
    }
    fs::create_dir_all(&named).with_context(|| format!("cannot create {}", named.display()))?;
    let resolved = named.canonicalize().with_context(|| format!("{}", named.display()))?;
    if resolved.starts_with(repository.canonicalize()?) {
        bail!("{}: {refusal}", resolved.display());
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_inside_the_repository_is_refused() {
        let repository = workspace::root().unwrap();

        let error = folder_outside(&repository, &repository.join("docs/pictures")).unwrap_err();

        assert!(error.to_string().contains("name a folder outside it"));
        assert!(!repository.join("docs/pictures").exists());
    }
}
