//! Programs that are measured: they start, say that they are ready, and always end.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::bounded::Ended;

/// How long a program may take to end after SIGTERM.
const LONGEST_STOP: Duration = Duration::from_secs(15);
/// Lines of a log that an error quotes.
const QUOTED_LINES: usize = 20;
/// Clock ticks per second in `/proc/PID/stat`: fixed by the interface of the Linux kernel (`USER_HZ`).
const TICKS_PER_SECOND: u32 = 100;

/// A running program. Dropping it stops it: SIGTERM first, SIGKILL when that does not help.
pub struct Running {
    name: &'static str,
    child: Ended,
    log: PathBuf,
    begun: Instant,
    /// Lines of its standard output; disconnected when it closes that, which is when it ends.
    lines: Receiver<(Instant, String)>,
}

impl Running {
    /// Starts a program whose standard error goes to the file `log`.
    ///
    /// Its standard input is a pipe that stays open as long as this process lives.
    pub fn start(name: &'static str, mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let begun = Instant::now();
        let mut child = Ended(command.spawn().with_context(|| format!("cannot start {name}"))?);
        let stdout = child.0.stdout.take().context("no standard output")?;
        let (sender, lines) = mpsc::sync_channel(16);
        std::thread::spawn(move || forward(stdout, &sender));
        Ok(Self { name, child, log, begun, lines })
    }

    /// Waits for the line that begins with `prefix`: how long it took since the start, and the rest.
    pub fn ready(&self, prefix: &str, within: Duration) -> anyhow::Result<(Duration, String)> {
        let end = self.begun + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, line)) => {
                    if let Some(rest) = line.strip_prefix(prefix) {
                        return Ok((at.saturating_duration_since(self.begun), rest.to_owned()));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{} is not ready after {within:?}{}", self.name, self.last_lines())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{} ended before it was ready{}", self.name, self.last_lines())
                }
            }
        }
    }

    /// Waits a moment; fails when the program ends meanwhile.
    pub fn pause(&self, time: Duration) -> anyhow::Result<()> {
        match self.lines.recv_timeout(time) {
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{} ended{}", self.name, self.last_lines())
            }
            _ => Ok(()),
        }
    }

    /// Stops the program and fails when it does not end cleanly.
    pub fn stop(mut self) -> anyhow::Result<()> {
        ensure!(self.terminate(), "{} did not end within {LONGEST_STOP:?}", self.name);
        let status =
            self.child.0.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        ensure!(status.success(), "{} ended with {status}{}", self.name, self.last_lines());
        Ok(())
    }

    /// Asks it to end; whether it did in time.
    fn terminate(&self) -> bool {
        if kill_process(Pid::from_child(&self.child.0), Signal::TERM).is_err() {
            return true;
        }
        let end = Instant::now() + LONGEST_STOP;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// The end of its log, to be put behind the text of an error.
    pub fn last_lines(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default();
        if last.is_empty() {
            return String::new();
        }
        format!("; it said last:\n{}", last.join("\n"))
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.child.0.id()
    }

    /// A line of `/proc/PID/status` that gives kibibytes, such as `VmRSS`, in mebibytes: of the
    /// program and of the processes that it keeps to accompany runs, not of the runs.
    pub fn memory_mib(&self, field: &str) -> anyhow::Result<f64> {
        let mut sum = memory_of(self.number(), field)?;
        for supervisor in supervisors_of(self.number()) {
            // One that ended meanwhile uses nothing.
            sum += memory_of(supervisor, field).unwrap_or_default();
        }
        Ok(sum)
    }

    /// Makes `VmHWM` begin again with the memory used now (`proc_pid_clear_refs(5)`).
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        for process in supervisors_of(self.number()).into_iter().chain([self.number()]) {
            let path = proc(process, "clear_refs");
            fs::write(&path, "5").with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Processor time used so far, by itself, by the processes it keeps, and by the children that
    /// they have waited for.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        let mut ticks = ticks_of(self.number())?;
        for supervisor in supervisors_of(self.number()) {
            ticks = ticks.saturating_add(ticks_of(supervisor).unwrap_or_default());
        }
        Ok(Duration::from_secs(1) * ticks / TICKS_PER_SECOND)
    }
}

/// The direct children of a process that are the same program: they accompany its runs.
pub fn supervisors_of(process: u32) -> Vec<u32> {
    let program = fs::read_link(proc(process, "exe")).ok();
    let children = children_of(process);
    let same = |child: &u32| fs::read_link(proc(*child, "exe")).ok() == program;
    children.into_iter().filter(same).collect()
}

/// The direct children of a process (`proc_tid_children(5)`).
pub fn children_of(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(proc(process, "task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let numbers = |list: String| -> Vec<u32> {
        list.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    lists.flat_map(numbers).collect()
}

/// A file of a process.
pub fn proc(process: u32, name: &str) -> PathBuf {
    Path::new("/proc").join(process.to_string()).join(name)
}

fn memory_of(process: u32, field: &str) -> anyhow::Result<f64> {
    let path = proc(process, "status");
    let text = read(&path)?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let value = lines.next().and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kibibytes: f64 = value
        .with_context(|| format!("{} does not say `{field}`", path.display()))?
        .parse()
        .with_context(|| format!("`{field}` is not a number"))?;
    Ok(kibibytes / 1024.0)
}

/// Fields 14 to 17 of `proc_pid_stat(5)`, summed.
fn ticks_of(process: u32) -> anyhow::Result<u32> {
    let text = read(&proc(process, "stat"))?;
    // The second field is the name of the program in parentheses; it may contain anything.
    let (_, rest) = text.rsplit_once(") ").context("/proc/PID/stat has no name")?;
    let mut ticks = 0_u32;
    for field in rest.split(' ').skip(11).take(4) {
        let field: u32 = field.parse().context("/proc/PID/stat has no times")?;
        ticks = ticks.saturating_add(field);
    }
    Ok(ticks)
}

impl Drop for Running {
    fn drop(&mut self) {
        // What is left after this is killed by `Ended`.
        if matches!(self.child.0.try_wait(), Ok(None)) {
            self.terminate();
        }
    }
}

/// Passes lines on until the program closes its output; reads on when nobody takes them.
fn forward(output: impl Read, lines: &SyncSender<(Instant, String)>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        // A full queue means that nobody waits for a line: the program must not wait either.
        let _ = lines.try_send((Instant::now(), line));
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
