//! Builds orders, follows runs, and tells whether processes are alive.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use webscripts_domain::access::authorize;
use webscripts_domain::arguments::check;
use webscripts_domain::invocation::{Invocation, Surroundings, Wishes};
use webscripts_domain::request::{RequestArgument, RunRequest, Value};
use webscripts_domain::run::{Outcome, RunEnd, RunId, Stream};
use webscripts_domain::testkit;
use webscripts_engine::{LocalRunner, RunHandle, Runner};

/// Far away: a test that reaches it has failed.
pub const LONG: Duration = Duration::from_mins(5);
/// For what is meant to pass: a test is right however long a process takes meanwhile.
pub const SHORT: Duration = Duration::from_millis(200);

/// A command to run.
#[derive(Debug, Clone)]
pub struct Order {
    words: Vec<String>,
    environment: Vec<(String, String)>,
    surroundings: Surroundings,
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
            output_bytes: 64 << 20,
            ..testkit::surroundings(Path::new("/"), Path::new("/nonexistent"))
        },
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

    pub fn output_bytes(mut self, limit: u64) -> Self {
        self.surroundings.output_bytes = limit;
        self
    }

    pub fn build(self) -> Invocation {
        Invocation::documentation(run_id(), self.words, self.environment, &self.surroundings)
            .expect("a program")
    }

    /// The same script with something to read.
    pub fn build_with_input(self, input: &str) -> Invocation {
        let [shell, option, text, ..] = self.words.as_slice() else { panic!("not a script") };
        let script = testkit::script("x")
            .path(shell)
            .category("x")
            .accepts_undeclared()
            .accepts_option_like()
            .build();
        let caller = testkit::caller("x").build();
        let value = |name: &str, value: &str, input| RequestArgument {
            name: name.to_owned(),
            value: Value::Text(value.to_owned()),
            input,
        };
        let arguments = vec![value(option, text, false), value("input", input, true)];
        let request = RunRequest { arguments, csrf_token: None };
        let authorized = authorize(&caller, &script).expect("allowed");
        let checked = check(authorized, &request).expect("valid");
        Invocation::new(run_id(), &checked, self.environment, &self.surroundings, Wishes::default())
    }
}

fn run_id() -> RunId {
    RunId::parse("01936f00-0000-7000-8000-000000000000").expect("an identifier")
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

/// Runs to the end.
pub async fn run(what: Order) -> Finished {
    let runner = LocalRunner::new();
    finish(runner.start(what.build()).await.expect("started")).await
}

/// Takes all output of a run.
pub async fn finish(handle: RunHandle) -> Finished {
    finish_in_time(handle).await.0
}

/// Takes all output of a run, and says what it reported.
pub async fn finish_in_time(mut handle: RunHandle) -> (Finished, RunEnd) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(chunk) = handle.output.recv().await {
        match chunk.stream {
            Stream::Stdout => stdout.extend_from_slice(&chunk.bytes),
            Stream::Stderr => stderr.extend_from_slice(&chunk.bytes),
        }
    }
    let end = handle.end.await.expect("an end");
    let RunEnd { outcome, printed, .. } = end;
    let dropped_bytes = printed.dropped;
    (Finished { stdout, stderr, outcome, dropped_bytes }, end)
}

/// Makes a time pass at once, for everything but processes.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Waits until a script has said something.
pub async fn first_output(handle: &mut RunHandle) -> Vec<u8> {
    handle.output.recv().await.expect("output").bytes.to_vec()
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

/// A file with this mode, written by a process of its own: a file that this process has open
/// for writing while another test starts a process could not be executed.
pub async fn file(path: &Path, text: &str, mode: &str) {
    let write = shell(r#"printf %s "$2" >"$1" && chmod "$3" "$1""#);
    let written = run(write.word(path).word(text).word(mode)).await;
    assert_eq!(written, Finished::new("", "", Outcome::Exited(0)));
}
