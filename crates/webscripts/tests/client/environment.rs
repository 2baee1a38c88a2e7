//! The Python that has the client.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

/// The version that is driven.
const CLIENT: &str = "WebScriptsClient==0.0.4";
/// Where `cargo xtask test` says that it has installed the client.
const VARIABLE: &str = "WEBSCRIPTS_CLIENT_PYTHON";

/// The interpreter of an environment that holds the client. It is made if there is none, by one
/// test at a time.
pub fn python() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are told where things are")]
    if let Some(python) = std::env::var_os(VARIABLE) {
        return PathBuf::from(python);
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("client-venv");
    let lock = File::create(target.join("client-venv.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let python = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == CLIENT) {
        return python;
    }
    make(
        "python3",
        ["-m", "venv", "--clear"].map(OsStr::new).into_iter().chain([folder.as_os_str()]),
    );
    let pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"];
    make(&python, pip.into_iter().chain(["--use-pep517", CLIENT]).map(OsStr::new));
    fs::write(&installed, CLIENT).unwrap();
    python
}

fn make<'a>(program: impl AsRef<OsStr>, arguments: impl Iterator<Item = &'a OsStr>) {
    let output = command(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "the client cannot be installed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A program beside the one under test.
#[expect(clippy::disallowed_methods, reason = "the client is a program of its own")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}
