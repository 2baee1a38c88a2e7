//! What is to be executed: program, argv, standard input, environment, limits.

mod delivery;
mod template;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::arguments::{CheckedArguments, HIDDEN};
use crate::catalogue::Script;
use crate::run::RunId;
use crate::sandbox::{Protected, Resources, Sandbox};
use delivery::Delivery;

pub use template::{TemplateError, documentation_words};

/// A complete order to the engine. Only checked arguments become one: a process cannot be started
/// from values that were not checked for a script that the caller may run.
#[derive(Clone)]
pub struct Invocation {
    run: RunId,
    program: PathBuf,
    arguments: Vec<Word>,
    /// How words that hold secrets are shown: place and text.
    shown: Vec<(usize, String)>,
    stdin: Zeroizing<Vec<u8>>,
    keep_stdin_open: bool,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    place: PathBuf,
    limits: Limits,
    terminal: Option<TerminalSize>,
    sandbox: Sandbox,
    protected: Arc<Protected>,
    sandbox_required: bool,
    script: Option<ScriptFile>,
    secrets: Vec<SecretBytes>,
}

/// A word of the command line.
#[derive(Debug, Clone)]
pub enum Word {
    /// As it is.
    Plain(OsString),
    /// The name of a file that holds this secret and that only the run can open.
    SecretFile(SecretBytes),
}

/// Bytes of a secret: never printed, wiped when dropped.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over a secret.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret, for the one who must use it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SecretBytes(…)")
    }
}

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns, 1 to 1000.
    pub columns: u16,
    /// Rows, 1 to 1000.
    pub rows: u16,
}

impl Default for TerminalSize {
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

/// The file of a script, checked before every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptFile {
    /// Absolute path.
    pub path: PathBuf,
    /// What it must hold, if that was recorded.
    pub sha256: Option<[u8; 32]>,
    /// Whether owner and mode must keep other accounts from changing it (`force_file_permissions`).
    pub must_be_safe: bool,
}

/// What a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// When it is ended.
    pub timeout: Duration,
    /// Time between being asked to end and being ended.
    pub grace: Duration,
    /// How many bytes of output are kept, of both streams together: the first half and the last.
    pub output_bytes: u64,
    /// What the kernel limits.
    pub resources: Resources,
}

/// The part of an order that does not depend on the request.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Working directory of the server, in which scripts run.
    pub directory: PathBuf,
    /// Directory below which each run has a directory of its own, see [`place_of`].
    pub runs: PathBuf,
    /// `default_timeout`: for scripts without `timeout`.
    pub default_timeout: Duration,
    /// `stop_grace`.
    pub grace: Duration,
    /// `run_output_bytes`.
    pub output_bytes: u64,
    /// Limits of scripts that set none.
    pub resources: Resources,
    /// `sandbox` of the server.
    pub sandbox: Sandbox,
    /// `sandbox_required`: what cannot be enforced on this machine prevents the run.
    pub sandbox_required: bool,
    /// What is out of reach for runs.
    pub protected: Arc<Protected>,
    /// `force_file_permissions`.
    pub scripts_must_be_safe: bool,
}

impl Surroundings {
    /// For a command that is about a script, such as the one that writes its documentation: in the
    /// sandbox of the script, whose file it can read.
    #[must_use]
    pub fn about(mut self, script: &Script) -> Self {
        if let Some(sandbox) = &script.runs.sandbox {
            self.sandbox = sandbox.clone();
        }
        self.sandbox.read.push(script.path.clone());
        self.resources = script.runs.resources.or(self.resources);
        self
    }
}

/// What the one who starts a run chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// The size of the terminal, for scripts that have one.
    pub terminal: Option<TerminalSize>,
}

/// The directory of a run below the directory of all runs: a directory per day (UTC), so that none
/// grows without limit, and one with the name of the run in it.
pub fn place_of(runs: &Path, run: RunId) -> PathBuf {
    runs.join(run.created().strftime("%Y-%m-%d").to_string()).join(run.to_string())
}

impl Invocation {
    /// The order to run a script with these arguments and this environment.
    pub fn new(
        run: RunId,
        checked: &CheckedArguments<'_>,
        environment: Vec<(String, String)>,
        surroundings: &Surroundings,
        wishes: Wishes,
    ) -> Self {
        let script = checked.authorized().script();
        let rules = &script.runs;
        let (program, mut arguments) = command(script);
        let Delivery { words, shown, stdin, secrets } = Delivery::new(checked);
        let before = arguments.len();
        arguments.extend(words);
        Self {
            arguments,
            shown: shown.into_iter().map(|(at, text)| (before + at, text)).collect(),
            stdin,
            secrets,
            keep_stdin_open: rules.interactive || rules.terminal,
            terminal: rules.terminal.then(|| wishes.terminal.unwrap_or_default()),
            script: Some(ScriptFile {
                path: script.path.clone(),
                sha256: rules.sha256,
                must_be_safe: surroundings.scripts_must_be_safe,
            }),
            sandbox: rules.sandbox.as_ref().unwrap_or(&surroundings.sandbox).clone(),
            limits: Limits {
                timeout: script.timeout.unwrap_or(surroundings.default_timeout),
                grace: surroundings.grace,
                output_bytes: rules.output_bytes.unwrap_or(surroundings.output_bytes),
                resources: rules.resources.or(surroundings.resources),
            },
            ..Self::plain(run, program, environment, surroundings)
        }
    }

    /// The order to run the command that writes the documentation of a script (scripts.md §4).
    /// `None` if the command is empty.
    pub fn documentation(
        run: RunId,
        words: Vec<String>,
        environment: Vec<(String, String)>,
        surroundings: &Surroundings,
    ) -> Option<Self> {
        let mut words = words.into_iter();
        let program = PathBuf::from(words.next()?);
        let arguments = words.map(|word| Word::Plain(OsString::from(word))).collect();
        Some(Self { arguments, ..Self::plain(run, program, environment, surroundings) })
    }

    fn plain(
        run: RunId,
        program: PathBuf,
        environment: Vec<(String, String)>,
        surroundings: &Surroundings,
    ) -> Self {
        Self {
            run,
            program,
            arguments: Vec::new(),
            shown: Vec::new(),
            stdin: Zeroizing::default(),
            keep_stdin_open: false,
            environment,
            directory: surroundings.directory.clone(),
            place: place_of(&surroundings.runs, run),
            limits: Limits {
                timeout: surroundings.default_timeout,
                grace: surroundings.grace,
                output_bytes: surroundings.output_bytes,
                resources: surroundings.resources,
            },
            terminal: None,
            sandbox: surroundings.sandbox.clone(),
            protected: Arc::clone(&surroundings.protected),
            sandbox_required: surroundings.sandbox_required,
            script: None,
            secrets: Vec::new(),
        }
    }

    /// The run this starts.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The program: an absolute path, or a name to look up in `PATH` of the environment.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The words behind the program, with secrets: for the one who executes them.
    pub fn arguments(&self) -> &[Word] {
        &self.arguments
    }

    /// Program and words as they may be shown: secrets as `…` or as the name of their file.
    pub fn command_line(&self) -> Vec<&OsStr> {
        let shown = |at: usize| self.shown.iter().find(|(hidden, _)| *hidden == at);
        let words = self.arguments.iter().enumerate().map(|(at, word)| match (shown(at), word) {
            (Some((_, text)), _) => OsStr::new(text),
            (None, Word::Plain(word)) => word.as_os_str(),
            (None, Word::SecretFile(_)) => OsStr::new(HIDDEN),
        });
        std::iter::once(self.program.as_os_str()).chain(words).collect()
    }

    /// What is written to standard input first.
    pub fn stdin(&self) -> &[u8] {
        &self.stdin
    }

    /// Whether standard input stays open behind [`Invocation::stdin`].
    pub fn keeps_stdin_open(&self) -> bool {
        self.keep_stdin_open
    }

    /// The environment, before the engine adds `WEBSCRIPTS_RUN_DIR` and `TMPDIR`: nothing else is
    /// inherited.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory of the run: made by the engine, holds its output and its files.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What the run may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The size of its terminal; `None`: it has pipes.
    pub fn terminal(&self) -> Option<TerminalSize> {
        self.terminal
    }

    /// What it may reach.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What it may not reach unless its sandbox says so.
    pub fn protected(&self) -> &Arc<Protected> {
        &self.protected
    }

    /// Whether the run must not start when its sandbox cannot be enforced in full.
    pub fn is_sandbox_required(&self) -> bool {
        self.sandbox_required
    }

    /// The file of the script, to be checked before the start.
    pub fn script(&self) -> Option<&ScriptFile> {
        self.script.as_ref()
    }

    /// Values that must not appear in its output.
    pub fn secrets(&self) -> &[SecretBytes] {
        &self.secrets
    }
}

/// Without standard input and environment, which hold secrets.
impl std::fmt::Debug for Invocation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Invocation")
            .field("run", &self.run)
            .field("command_line", &self.command_line())
            .finish_non_exhaustive()
    }
}

/// `[launcher] script` (scripts.md §1).
fn command(script: &Script) -> (PathBuf, Vec<Word>) {
    match &script.launcher {
        Some(launcher) => {
            (PathBuf::from(launcher), vec![Word::Plain(script.path.clone().into_os_string())])
        }
        None => (script.path.clone(), Vec::new()),
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests;
