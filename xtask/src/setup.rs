//! Installs what the tests need on a machine that has only Rust.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process::{cargo, output_of, run, succeeds};
use crate::workspace;

/// The oldest Node.js that the browser tests run on, which is Debian 12's.
const NODE_MAJOR: u32 = 18;

/// The existing client, which a test drives against the server.
const CLIENT: &str = "WebScriptsClient==0.0.4";

/// Where Debian puts the browser.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// Something a step cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The formatter of the toolchain.
    Rustfmt,
    /// The linter of the toolchain.
    Clippy,
    /// Perl with its standard modules: sample scripts.
    Perl,
    /// Python: sample scripts and, in an environment of its own, the existing client.
    Python,
    /// Node.js, npm and the packages of the browser tests.
    Node,
    /// The browser.
    Chromium,
}

/// A program of the system, and the Debian packages that bring it.
struct Tool {
    name: &'static str,
    packages: &'static [&'static str],
    is_present: fn() -> bool,
}

const PERL: Tool = Tool {
    name: "Perl with its standard modules",
    packages: &["perl"],
    is_present: || succeeds(Command::new("perl").args(["-MJSON::PP", "-e", "1"])),
};
const PYTHON: Tool = Tool {
    name: "Python 3 with venv",
    packages: &["python3", "python3-venv"],
    is_present: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
};
const NODE: Tool = Tool {
    name: "Node.js",
    packages: &["nodejs"],
    is_present: || succeeds(Command::new("node").arg("--version")),
};
const NPM: Tool = Tool {
    name: "npm",
    packages: &["npm"],
    is_present: || succeeds(Command::new("npm").arg("--version")),
};
const BROWSER: Tool =
    Tool { name: "Chromium", packages: &["chromium"], is_present: || Path::new(CHROMIUM).exists() };

impl Need {
    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Rustfmt | Self::Clippy => &[],
            Self::Perl => &[PERL],
            Self::Python => &[PYTHON],
            Self::Node => &[NODE, NPM],
            Self::Chromium => &[BROWSER],
        }
    }

    /// What remains to be done once the system has the tools.
    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Rustfmt => toolchain_component("fmt", "rustfmt"),
            Self::Clippy => toolchain_component("clippy", "clippy"),
            Self::Python => client_environment(),
            Self::Node => node_packages(),
            Self::Perl | Self::Chromium => Ok(()),
        }
    }
}

/// Makes everything in `needs` available, or says what to install and fails.
pub fn prepare(needs: &[Need]) -> anyhow::Result<()> {
    let tools = needs.iter().flat_map(|need| need.tools());
    let missing: Vec<&Tool> = tools.filter(|tool| !(tool.is_present)()).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    needs.iter().try_for_each(|need| need.finish())
}

fn install(missing: &[&Tool]) -> anyhow::Result<()> {
    let names = missing.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages).copied().collect();
    let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if !succeeds(Command::new("apt-get").arg("--version")) {
        bail!("missing: {names}; install what Debian calls {}", packages.join(", "));
    }
    if !is_root()? {
        bail!("missing: {names}; run as root: {command}");
    }
    eprintln!("missing: {names}");
    run(&mut apt_get(&["update", "-q"]))?;
    run(apt_get(&["install", "-q", "-y", "--no-install-recommends"]).args(&packages))?;
    match missing.iter().find(|tool| !(tool.is_present)()) {
        Some(tool) => bail!("{} is still missing after `{command}`", tool.name),
        None => Ok(()),
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    command
}

fn is_root() -> anyhow::Result<bool> {
    let this_process = fs::metadata("/proc/self").context("cannot read /proc/self")?;
    Ok(this_process.uid() == 0)
}

fn toolchain_component(subcommand: &str, component: &str) -> anyhow::Result<()> {
    if succeeds(&mut cargo([subcommand, "--version"])) {
        return Ok(());
    }
    run(Command::new("rustup").args(["component", "add", component]))
        .with_context(|| format!("the toolchain has no {component}"))
}

/// Installs the packages of the browser tests, as their lock file names them.
fn node_packages() -> anyhow::Result<()> {
    let version = output_of(Command::new("node").arg("--version")).unwrap_or_default();
    if !is_recent_enough(&version) {
        bail!("Node.js {version} is too old: the browser tests need {NODE_MAJOR} or later");
    }
    let folder = workspace::browser_tests()?;
    let installed = folder.join("node_modules/.installed-lock.json");
    let wanted = folder.join("package-lock.json");
    if same_content(&installed, &wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder);
    run(npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::copy(&wanted, &installed)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(())
}

/// Whether `node --version` names a version that the browser tests run on.
fn is_recent_enough(version: &str) -> bool {
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major >= NODE_MAJOR)
}

/// Installs the existing client in a Python environment below `target`.
fn client_environment() -> anyhow::Result<()> {
    let folder = workspace::client_environment()?;
    let python = folder.join("bin/python");
    let loads = ["-c", "import WebScriptsClient"];
    let installed = folder.join("installed.txt");
    let is_current = fs::read_to_string(&installed).is_ok_and(|text| text == CLIENT);
    if is_current && succeeds(Command::new(&python).args(loads)) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--quiet",
        "--use-pep517",
    ];
    run(Command::new(&python).args(pip).arg(CLIENT))?;
    fs::write(&installed, CLIENT).with_context(|| format!("cannot write {}", installed.display()))
}

fn same_content(one: &Path, other: &Path) -> bool {
    match (fs::read(one), fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_of_debian_12_is_recent_enough() {
        assert!(is_recent_enough("v18.20.4"));
        assert!(is_recent_enough("v22.1.0"));
    }

    #[test]
    fn an_older_or_unreadable_node_is_refused() {
        assert!(!is_recent_enough("v16.20.2"));
        assert!(!is_recent_enough(""));
    }

    #[test]
    fn a_missing_file_has_no_content_to_compare() {
        assert!(!same_content(Path::new("/nonexistent/1"), Path::new("/nonexistent/2")));
    }
}
