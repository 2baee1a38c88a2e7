//! A runner with a directory of its own, orders for it, and what comes of them.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use webscripts_domain::access::authorize;
use webscripts_domain::arguments::check;
use webscripts_domain::catalogue::{RunRules, Script};
use webscripts_domain::clock::{Clock, SystemClock};
use webscripts_domain::invocation::{Invocation, Surroundings, Wishes};
use webscripts_domain::random::{Random, SystemRandom};
use webscripts_domain::request::{RequestArgument, RunRequest, Value};
use webscripts_domain::run::{Outcome, RunEnd, RunId, Stream};
use webscripts_domain::testkit;
use webscripts_engine::runs::{
    LocalRunner, LocalSettings, Over, RunHandle, Runner, StartError, SupervisorProgram,
};
use webscripts_engine::spool::Spool;

/// Far away: a test that reaches it has failed.
pub const LONG: Duration = Duration::from_mins(5);
/// For what is meant to pass: a test is right however long a process takes meanwhile.
pub const SHORT: Duration = Duration::from_millis(200);

/// A runner and its directory.
#[derive(Debug)]
pub struct Stage {
    directory: TempDir,
    pub runner: LocalRunner,
}

impl Stage {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().expect("a directory"))
    }

    /// A runner in a directory that another one has left.
    pub fn at(directory: TempDir) -> Self {
        let runner = runner_at(directory.path());
        Self { directory, runner }
    }

    /// Leaves the runs to themselves, as a server that dies.
    pub fn leave(self) -> TempDir {
        self.directory
    }

    /// A runner whose directory other accounts can pass.
    pub fn reachable() -> Self {
        let stage = Self::new();
        let mode = Mode::RWXU | Mode::XGRP | Mode::XOTH;
        rustix::fs::chmod(stage.directory.path(), mode).expect("a mode");
        stage
    }

    /// The directories of runs that are there.
    pub fn left_places(&self) -> Vec<PathBuf> {
        let below = |path: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(path).into_iter().flatten();
            entries.map(|entry| entry.expect("an entry").path()).collect()
        };
        let days = below(&self.runs()).into_iter();
        days.filter(|day| day.file_name().is_some_and(|name| name != "scratch"))
            .flat_map(|day| below(&day))
            .collect()
    }

    /// Where the directories of runs are.
    pub fn runs(&self) -> PathBuf {
        self.directory.path().join("runs")
    }

    /// A directory for the files of a test.
    pub fn files(&self) -> PathBuf {
        let files = self.directory.path().join("files");
        std::fs::create_dir_all(&files).expect("a directory");
        files
    }

    /// Leaves the runs to themselves and starts another runner.
    pub fn replace_runner(self) -> Self {
        Self::at(self.leave())
    }

    pub async fn start(&self, order: Order) -> RunHandle {
        self.runner.start(order.build(self)).await.expect("started")
    }

    pub async fn refusal(&self, order: Order) -> StartError {
        self.runner.start(order.build(self)).await.expect_err("refused")
    }

    pub async fn run(&self, order: Order) -> Finished {
        finish(&self.start(order).await).await
    }
}

fn runner_at(directory: &Path) -> LocalRunner {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_webscripts-supervisor"));
    LocalRunner::new(LocalSettings {
        supervisor: SupervisorProgram { program, arguments: Vec::new() },
        rendezvous: directory.join("runs/rendezvous"),
        random: Arc::new(SystemRandom),
    })
    .expect("a runner")
}

/// A command to run.
#[derive(Debug, Clone)]
pub struct Order {
    words: Vec<String>,
    environment: Vec<(String, String)>,
    surroundings: Surroundings,
    /// `None`: a plain command. Else a script with these rules.
    rules: Option<RunRules>,
    input: Option<String>,
    secret: Option<String>,
    launcher: Option<String>,
}

/// A shell script; [`Order::word`] adds `$1`, `$2` and so on.
pub fn shell(text: &str) -> Order {
    program("/bin/sh").word("-c").word(text).word("sh")
}

/// A program without words.
pub fn program(path: impl AsRef<Path>) -> Order {
    Order {
        words: vec![path.as_ref().to_str().expect("UTF-8").to_owned()],
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        surroundings: Surroundings {
            default_timeout: LONG,
            grace: LONG,
            output_bytes: 64 << 20,
            ..testkit::surroundings(Path::new("/"), Path::new("/nonexistent"))
        },
        rules: None,
        input: None,
        secret: None,
        launcher: None,
    }
}

impl Order {
    pub fn word(mut self, word: impl AsRef<Path>) -> Self {
        self.words.push(word.as_ref().to_str().expect("UTF-8").to_owned());
        self
    }

    pub fn environment<const N: usize>(mut self, variables: [(&str, &str); N]) -> Self {
        self.environment = variables.map(|(name, value)| (name.into(), value.into())).to_vec();
        self
    }

    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.surroundings.directory = directory.into();
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.surroundings.default_timeout = timeout;
        self
    }

    pub fn grace(mut self, grace: Duration) -> Self {
        self.surroundings.grace = grace;
        self
    }

    pub fn output_bytes(mut self, limit: u64) -> Self {
        self.surroundings.output_bytes = limit;
        self
    }

    pub fn surroundings(mut self, change: impl FnOnce(&mut Surroundings)) -> Self {
        change(&mut self.surroundings);
        self
    }

    /// The order of a script with such rules instead of a plain command.
    pub fn rules(mut self, change: impl FnOnce(&mut RunRules)) -> Self {
        change(self.rules.get_or_insert_default());
        self
    }

    /// Something to read.
    pub fn input(self, input: &str) -> Self {
        Self { input: Some(input.to_owned()), ..self.rules(|_| {}) }
    }

    /// A last word that is secret.
    pub fn secret(self, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..self.rules(|_| {}) }
    }

    /// A program that executes the script.
    pub fn launcher(self, launcher: &str) -> Self {
        Self { launcher: Some(launcher.to_owned()), ..self.rules(|_| {}) }
    }

    pub fn build(mut self, stage: &Stage) -> Invocation {
        self.surroundings.runs = stage.runs();
        let Some(rules) = self.rules else {
            return Invocation::documentation(
                new_run(),
                self.words,
                self.environment,
                &self.surroundings,
            )
            .expect("a program");
        };
        let (path, words) = self.words.split_first().expect("a program");
        let script = testkit::script("x")
            .path(path)
            .category("x")
            .accepts_undeclared()
            .accepts_option_like()
            .argument(testkit::argument("secret").secret())
            .build();
        let script = Script { runs: rules, launcher: self.launcher, ..script };
        let caller = testkit::caller("x").build();
        let value = |(number, value): (usize, &String), input| RequestArgument {
            name: format!("{number}"),
            value: Value::Text(value.clone()),
            input,
        };
        let words = words.iter().enumerate().map(|word| value(word, false));
        let secret = self.secret.map(|secret| RequestArgument {
            name: "secret".to_owned(),
            value: Value::Text(secret),
            input: false,
        });
        let input = self.input.iter().map(|text| value((99, text), true));
        let request =
            RunRequest { arguments: words.chain(secret).chain(input).collect(), csrf_token: None };
        let authorized = authorize(&caller, &script).expect("allowed");
        let checked = check(authorized, &request).expect("valid");
        let wishes = Wishes::default();
        Invocation::new(new_run(), &checked, self.environment, &self.surroundings, wishes)
    }
}

fn new_run() -> RunId {
    let mut random = [0; 10];
    SystemRandom.fill(&mut random).expect("random bytes");
    RunId::new(SystemClock.now(), random)
}

/// All that came of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub outcome: Outcome,
    pub dropped_bytes: u64,
}

impl Finished {
    /// A run that dropped nothing.
    pub fn new(stdout: &str, stderr: &str, outcome: Outcome) -> Self {
        let (stdout, stderr) = (stdout.as_bytes().to_vec(), stderr.as_bytes().to_vec());
        Self { stdout, stderr, outcome, dropped_bytes: 0 }
    }
}

/// Waits for the end of a run and takes all that is kept of its output.
pub async fn finish(handle: &RunHandle) -> Finished {
    let RunEnd { outcome, printed, .. } = end(handle).await;
    Finished {
        stdout: kept(handle, Stream::Stdout),
        stderr: kept(handle, Stream::Stderr),
        outcome,
        dropped_bytes: printed.dropped,
    }
}

/// Waits for the end of a run.
pub async fn end(handle: &RunHandle) -> RunEnd {
    match handle.over().await {
        Over::Ended(end) => end,
        Over::Lost => panic!("lost"),
    }
}

/// What is kept of a stream.
pub fn kept(handle: &RunHandle, stream: Stream) -> Vec<u8> {
    let spool = Spool::open(handle.place()).expect("a spool");
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let extent = spool.read(stream, from, 1 << 20).expect("readable");
        if extent.bytes.is_empty() {
            return all;
        }
        from = extent.offset + extent.bytes.len() as u64;
        all.extend_from_slice(&extent.bytes);
    }
}

/// Waits until a run has printed this to standard output, and nothing else before.
pub async fn printed(handle: &RunHandle, text: &str) {
    let length = text.len() as u64;
    let mut progress = handle.progress();
    let reached = progress.wait_for(|now| now.stdout >= length || now.over.is_some()).await;
    reached.expect("a run that goes on");
    let all = kept(handle, Stream::Stdout);
    assert!(all.starts_with(text.as_bytes()), "{:?}", String::from_utf8_lossy(&all));
}

/// A named pipe between a test and the processes of a script. Its end is seen when the last
/// process that holds it is gone.
#[derive(Debug)]
pub struct Lifeline {
    _directory: TempDir,
    pub path: PathBuf,
    reader: pipe::Receiver,
}

impl Lifeline {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lifeline");
        named_pipe(&path);
        let reader = pipe::OpenOptions::new().open_receiver(&path).expect("a pipe");
        Self { _directory: directory, path, reader }
    }

    /// Waits for a line of the script.
    pub async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.push(self.reader.read_u8().await.expect("a line"));
        }
        String::from_utf8(line).expect("UTF-8")
    }

    /// What was written until every process was gone. Some process must have opened it before.
    pub async fn until_all_are_gone(mut self) -> String {
        let mut text = String::new();
        self.reader.read_to_string(&mut text).await.expect("readable");
        text
    }

    /// What was written, all processes being gone already.
    pub fn all_are_gone(self) -> String {
        let mut text = Vec::new();
        loop {
            let mut block = [0; 4096];
            match self.reader.try_read(&mut block) {
                Ok(0) => break,
                Ok(length) => text.extend(block.into_iter().take(length)),
                Err(error) => panic!("somebody is left: {error}"),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// A named pipe on which a process waits for a line.
pub fn named_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
}

/// Writes into a named pipe which a process reads.
pub async fn tell(path: &Path, text: &str) {
    let mut options = pipe::OpenOptions::new();
    // Opened for both directions it does not matter whether the process has opened it already.
    let mut writer = options.read_write(true).open_sender(path).expect("a pipe");
    writer.write_all(text.as_bytes()).await.expect("written");
}

/// A file with this mode, written by a process of its own: a file that this process has open for
/// writing while it starts a supervisor for another test could not be executed.
pub async fn file(path: &Path, text: &str, mode: &str) {
    let write = shell(r#"printf %s "$2" >"$1" && chmod "$3" "$1""#);
    let written = Stage::new().run(write.word(path).word(text).word(mode)).await;
    assert_eq!(written, Finished::new("", "", Outcome::Exited(0)));
}
