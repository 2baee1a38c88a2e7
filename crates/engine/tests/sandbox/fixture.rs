//! An instance with its protected files, and processes that are put into a sandbox in it.

#![expect(
    unsafe_code,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "the fixture forks as the engine does, and a broken fixture must fail the test"
)]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use webscripts_domain::sandbox::{Network, Preset, Protected, Resources, Sandbox};
use webscripts_engine::cgroup::Covered;
use webscripts_engine::sandbox::{Cache, PrepareError, Prepared, Request};

/// Text in every protected file.
pub(crate) const SECRET: &str = "what nobody may read";

/// A directory `srv` with all that a server has, and a directory `elsewhere` beside it.
pub(crate) struct Instance {
    root: TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) resources: Resources,
    pub(crate) covered: Covered,
    pub(crate) protected: Protected,
}

impl Instance {
    /// One whose runs have this preset.
    pub(crate) fn new(preset: Preset) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |path: &str| root.path().join("srv").join(path);
        for directory in [
            "config/scripts",
            "logs",
            "doc",
            "scripts/inner",
            "data/runs/2026-11-25/own/files",
            "data/runs/2026-11-25/own/tmp",
            "data/runs/2026-11-25/other/files",
        ] {
            std::fs::create_dir_all(at(directory)).expect("a directory");
        }
        std::fs::create_dir(root.path().join("elsewhere")).expect("a directory");
        for file in [
            "config/server.json",
            "config/scripts/a.json",
            "logs/server.log",
            "data/webscripts.sqlite3",
            "data/runs/2026-11-25/other/stdout.0",
            "data/runs/2026-11-25/other/files/report.txt",
            "data/runs/2026-11-25/own/stdout.0",
            "scripts/other.sh",
            "scripts/inner/third.sh",
        ] {
            std::fs::write(at(file), SECRET).expect("a file");
        }
        std::fs::write(at("scripts/own.sh"), "#!/bin/sh\necho own\n").expect("a file");
        std::fs::write(at("scripts/helper.py"), "answer = 42\n").expect("a file");
        std::fs::write(at("doc/page.html"), "page").expect("a file");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(at("scripts/own.sh"), executable.clone()).expect("a mode");
        std::fs::set_permissions(root.path(), executable).expect("a mode");
        let protected = Protected {
            server: ["config", "data", "logs"].map(at).to_vec(),
            scripts: ["scripts/own.sh", "scripts/other.sh", "scripts/inner/third.sh"]
                .map(at)
                .to_vec(),
        };
        Self {
            sandbox: Sandbox { preset, ..Sandbox::default() },
            resources: Resources::default(),
            covered: Covered::default(),
            protected,
            root,
        }
    }

    /// The same with these connections.
    pub(crate) fn network(mut self, network: Network) -> Self {
        self.sandbox.network = Some(network);
        self
    }

    /// The same with these limits.
    pub(crate) fn limits(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// A path in the instance.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join("srv").join(path)
    }

    /// A path beside the instance.
    pub(crate) fn elsewhere(&self, path: &str) -> PathBuf {
        self.root.path().join("elsewhere").join(path)
    }

    /// A path in the directory of the run.
    pub(crate) fn own(&self, path: &str) -> PathBuf {
        self.at("data/runs/2026-11-25/own").join(path)
    }

    /// The sandbox of a run.
    pub(crate) fn prepare(&self) -> Result<Prepared, PrepareError> {
        self.prepare_with(&mut Cache::new())
    }

    /// The sandbox of a run, with what is known from others.
    pub(crate) fn prepare_with(&self, cache: &mut Cache) -> Result<Prepared, PrepareError> {
        let script = File::open(self.at("scripts/own.sh")).expect("the script");
        let (files, tmp) = (self.own("files"), self.own("tmp"));
        let writable: [&Path; 2] = [&files, &tmp];
        if let Some(account) = cache.account(&self.sandbox)? {
            for path in [&files, &tmp] {
                std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))
                    .expect("an owner");
            }
        }
        cache.prepare(&Request {
            sandbox: &self.sandbox,
            protected: &self.protected,
            resources: &self.resources,
            covered: self.covered,
            // Nothing is attacked on a machine that would let it happen.
            required: self.sandbox.user.is_none(),
            script: Some(script.as_fd()),
            readable: &[],
            writable: &writable,
        })
    }

    /// Fails the test on a machine that cannot enforce the sandbox.
    pub(crate) fn must_be_enforced(&self) {
        drop(self.prepare().expect("a sandbox"));
    }

    /// A program that will run in the sandbox.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        self.command_in(self.prepare().expect("a sandbox"), program, arguments)
    }

    /// A program that will run in this sandbox.
    pub(crate) fn command_in(
        &self,
        prepared: Prepared,
        program: &str,
        arguments: &[&str],
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.at(""))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("TMPDIR", self.own("tmp"))
            .env("HOME", self.own("tmp"))
            .env("OWN", self.own(""))
            .env("ELSEWHERE", self.elsewhere(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let apply =
            move || prepared.apply().map_err(|(_, errno)| io::Error::from_raw_os_error(errno));
        // SAFETY: putting on a sandbox is async-signal-safe and touches no memory of others.
        unsafe { command.pre_exec(apply) };
        command
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().expect("a process")
    }

    /// Runs a line of the shell to its end.
    pub(crate) fn sh(&self, line: &str) -> Output {
        self.run("/bin/sh", &["-c", line])
    }

    /// Starts a line of the shell.
    pub(crate) fn start(&self, line: &str) -> Child {
        self.command("/bin/sh", &["-c", line]).spawn().expect("a process")
    }

    /// Does something in a process in the sandbox, which may make system calls only: `Err` is the
    /// number of the error.
    pub(crate) fn attempt(
        &self,
        mut what: impl FnMut() -> Result<(), i32> + Send + Sync + 'static,
    ) -> Result<(), i32> {
        let mut command = self.command("/bin/true", &[]);
        // SAFETY: the tests give system calls only.
        unsafe { command.pre_exec(move || what().map_err(io::Error::from_raw_os_error)) };
        match command.spawn() {
            Ok(mut child) => {
                child.wait().expect("the end of a process");
                Ok(())
            }
            Err(error) => Err(error.raw_os_error().unwrap_or(0)),
        }
    }
}

/// What a system call returned.
pub(crate) fn call(
    number: libc::c_long,
    arguments: [libc::c_long; 6],
) -> Result<libc::c_long, i32> {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    // SAFETY: tests give numbers, and addresses of values that live longer than the call.
    let result = unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) };
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// What a program printed, without the line end.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// What a program reported.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

/// Whether this is root; some rows can only be proved by it.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A process outside of every sandbox, of an account; ended when dropped.
pub(crate) struct Outsider(Child);

impl Outsider {
    /// One of this process's account.
    pub(crate) fn new() -> Self {
        Self(outsider().spawn().expect("a process"))
    }

    /// One of another account.
    pub(crate) fn of(uid: u32) -> Self {
        Self(outsider().uid(uid).gid(uid).spawn().expect("a process"))
    }

    /// Whether it has not ended: a signal that is sent has arrived when `kill` returns.
    pub(crate) fn is_alive(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()));
        status.is_ok_and(|status| !status.contains(") Z "))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a number")
    }
}

fn outsider() -> Command {
    let mut command = Command::new("/bin/sleep");
    command.arg("600").env("SECRET", SECRET).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Drop for Outsider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
