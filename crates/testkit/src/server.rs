//! A running server.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::builder::InstanceBuilder;
use crate::http::{Answer, Connection, Outcome, Request};
use crate::instance::Instance;

/// Longest wait for the ready line: the first start makes a database.
const READY: Duration = Duration::from_mins(1);
/// Longest wait for a clean end.
const END: Duration = Duration::from_secs(30);
const READY_LINE: &str = "WebScripts listens on ";

/// A server that answers. Ended when dropped.
#[derive(Debug)]
pub struct Server {
    // Before the instance: the process ends before its folder goes.
    process: Process,
    instance: Instance,
    address: SocketAddrV4,
}

/// How a server ended.
#[derive(Debug)]
pub struct Stopped {
    /// Exit status or signal.
    pub status: ExitStatus,
    /// What it logged to standard error.
    pub log: String,
    /// The instance, to look at or to serve again.
    pub instance: Instance,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    // Behind a lock so that a server can be shared between the threads of a test.
    ended: Mutex<Receiver<std::io::Result<ExitStatus>>>,
    has_ended: bool,
}

impl Server {
    /// Describes an instance for the program at `program` (`env!("CARGO_BIN_EXE_webscripts")`).
    ///
    /// # Errors
    ///
    /// When no temporary folder can be made.
    pub fn builder(program: impl Into<PathBuf>) -> Result<InstanceBuilder> {
        InstanceBuilder::new(program.into())
    }

    pub(crate) fn start(instance: Instance) -> Result<Self> {
        let log = instance.log_file();
        let mut child = instance
            .serve_command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start the server")?;
        let ready = ready_line(child.stdout.take().context("no standard output")?);
        let process = Process::watch(child)?;
        let line = ready.recv_timeout(READY).ok().flatten();
        let Some(address) = line.as_deref().and_then(address_of) else {
            drop(process);
            let printed = line.unwrap_or_else(|| "nothing".to_owned());
            bail!("the server did not become ready; it printed {printed}\n{}", read_log(&instance));
        };
        Ok(Self { process, instance, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Host and port, as in the header `Host`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The instance it serves.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// Number of the process.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// What the server has logged to standard error so far.
    pub fn log(&self) -> String {
        read_log(&self.instance)
    }

    /// Sends a request on a connection of its own; `Host` is added where missing.
    ///
    /// # Errors
    ///
    /// When no complete answer comes.
    pub fn send(&self, request: &Request) -> Result<Answer> {
        let mut connection = Connection::open(self.address, request.source())?;
        match connection.exchange(&request.bytes(&self.host()), request.method())? {
            Outcome::Answered(answer) => Ok(answer),
            other => {
                bail!(
                    "no answer to {} {}: {other:?}\n{}",
                    request.method(),
                    request.path(),
                    self.log()
                )
            }
        }
    }

    /// Signs in over `/auth/` and returns the value of `Set-Cookie`, which is also that of `Api-Token`.
    ///
    /// # Errors
    ///
    /// When the account was not made by the builder, or the server refuses.
    pub fn sign_in(&self, name: &str) -> Result<String> {
        self.sign_in_from(name, Ipv4Addr::LOCALHOST)
    }

    /// As [`sign_in`](Self::sign_in), from another loopback address.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub fn sign_in_from(&self, name: &str, source: Ipv4Addr) -> Result<String> {
        let account = self.instance.account(name)?;
        let request = Request::sign_in(&account.name, &account.password).from(source);
        let answer = self.send(&request)?;
        let cookie = answer.header("Set-Cookie").unwrap_or_default();
        ensure!(
            answer.status == 302 && !cookie.is_empty() && !cookie.starts_with("SessionID=0:"),
            "{name} could not sign in: {answer:?}"
        );
        Ok(cookie.to_owned())
    }

    /// Ends the server as a service manager does, with SIGTERM, and waits for the end.
    ///
    /// # Errors
    ///
    /// When it does not end within half a minute.
    pub fn stop(self) -> Result<Stopped> {
        self.end_with(Signal::TERM)
    }

    /// Ends the server with this signal and waits for the end.
    ///
    /// # Errors
    ///
    /// When it does not end within half a minute.
    pub fn end_with(self, signal: Signal) -> Result<Stopped> {
        let Self { mut process, instance, .. } = self;
        kill_process(process.pid, signal)?;
        let status = process.wait().map_err(|error| error.context(read_log(&instance)))?;
        let log = read_log(&instance);
        Ok(Stopped { status, log, instance })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let ended = kill_process(self.pid, Signal::TERM).is_ok() && self.wait().is_ok();
        if !ended {
            // An error means that it is gone, which is what is wanted.
            let _ = kill_process(self.pid, Signal::KILL);
            drop(self.wait());
        }
    }
}

impl Process {
    /// Waits for the process on a thread of its own, so that every other wait can have an end.
    fn watch(mut child: Child) -> Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process")?;
        let (sender, ended) = mpsc::channel();
        thread::Builder::new().name("server-end".to_owned()).spawn(move || {
            drop(sender.send(child.wait()));
        })?;
        Ok(Self { pid, ended: Mutex::new(ended), has_ended: false })
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let receiver = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ended = receiver.recv_timeout(END).context("the server does not end")?;
        self.has_ended = true;
        Ok(ended?)
    }
}

fn read_log(instance: &Instance) -> String {
    let bytes = std::fs::read(instance.log_file()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first line of standard output; later ones are read and dropped, so that the pipe never fills.
fn ready_line(stdout: ChildStdout) -> Receiver<Option<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines();
        drop(sender.send(lines.next().and_then(Result::ok)));
        lines.for_each(drop);
    });
    receiver
}

fn address_of(line: &str) -> Option<SocketAddrV4> {
    let (_scheme, rest) = line.strip_prefix(READY_LINE)?.split_once("://")?;
    rest.strip_suffix('/')?.parse().ok()
}

impl Stopped {
    /// Whether it ended cleanly: exit status 0.
    pub fn is_clean(&self) -> bool {
        self.status.success() && self.status.signal().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_names_the_address() {
        let address = address_of("WebScripts listens on http://127.0.0.1:41233/");

        assert_eq!(address.unwrap().to_string(), "127.0.0.1:41233");
        assert_eq!(address_of("Administrator: Admin"), None);
    }
}
