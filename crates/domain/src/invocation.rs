//! What is to be executed: program, argv, standard input, environment, limits.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::arguments::CheckedArguments;
use crate::catalogue::Script;
use crate::run::RunId;
use crate::sandbox::{Protected, Resources, Sandbox};

/// A complete order to the engine. Only checked arguments become one: a process cannot be started
/// from values that were not checked for a script that the caller may run.
#[derive(Debug, Clone)]
pub struct Invocation {
    run: RunId,
    program: PathBuf,
    arguments: Vec<Word>,
    stdin: Vec<u8>,
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
        arguments.extend(checked.argv().iter().map(|word| Word::Plain(OsString::from(word))));
        Self {
            arguments,
            stdin: encode_stdin(checked.inputs(), script.real_time),
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
            stdin: Vec::new(),
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

    /// The words behind the program.
    pub fn arguments(&self) -> &[Word] {
        &self.arguments
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

/// `[launcher] script` (scripts.md §1).
fn command(script: &Script) -> (PathBuf, Vec<Word>) {
    match &script.launcher {
        Some(launcher) => {
            (PathBuf::from(launcher), vec![Word::Plain(script.path.clone().into_os_string())])
        }
        None => (script.path.clone(), Vec::new()),
    }
}

/// Joined with line feeds; with a final one for live scripts. Latin-1 if every character fits,
/// as the reference does, else UTF-8 (scripts.md §6 `Do`).
fn encode_stdin(inputs: &[String], real_time: bool) -> Vec<u8> {
    let mut text = inputs.join("\n");
    if real_time && !inputs.is_empty() {
        text.push('\n');
    }
    let latin: Option<Vec<u8>> =
        text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    latin.unwrap_or_else(|| text.into_bytes())
}

/// Splits a command into words and fills in `%(key)s` afterwards, so that no value can become
/// several words; `%%` is a percent sign. Quotes group words. No shell is involved (scripts.md §4 `Do`).
///
/// # Errors
///
/// An unknown key, an unfinished quote or a `%` that begins nothing.
pub fn documentation_words(
    template: &str,
    value_of: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, TemplateError> {
    split_words(template)?.into_iter().map(|word| fill_in(&word, &value_of)).collect()
}

/// What is wrong with `command_generate_documentation`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A key nobody knows.
    #[error("there is no key `{0}`")]
    UnknownKey(String),
    /// A percent sign that begins neither `%(key)s` nor `%%`.
    #[error("`%` must be followed by `(key)s` or `%`")]
    Percent,
}

fn split_words(text: &str) -> Result<Vec<String>, TemplateError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), end) if open == end => quote = None,
            (Some(_), inner) => word.get_or_insert_default().push(inner),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (None, plain) => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    if quote.is_some() { Err(TemplateError::OpenQuote) } else { Ok(words) }
}

fn fill_in(
    word: &str,
    value_of: &impl Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(literal) = after.strip_prefix('%') {
            out.push('%');
            rest = literal;
            continue;
        }
        let (key, behind) = after
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(")s"))
            .ok_or(TemplateError::Percent)?;
        out.push_str(&value_of(key).ok_or_else(|| TemplateError::UnknownKey(key.to_owned()))?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_latin_1_when_it_can_be() {
        let inputs = ["caf\u{e9}".to_owned(), "x".to_owned()];

        assert_eq!(encode_stdin(&inputs, false), b"caf\xe9\nx");
        assert_eq!(encode_stdin(&inputs, true), b"caf\xe9\nx\n");
        assert_eq!(encode_stdin(&["\u{20ac}".to_owned()], false), "\u{20ac}".as_bytes());
        assert_eq!(encode_stdin(&[], true), b"");
    }

    #[test]
    fn a_value_in_a_documentation_command_stays_one_word() {
        let value = |key: &str| (key == "path").then(|| "/a b/'; rm -rf x.py".to_owned());

        assert_eq!(
            documentation_words("python3 \"./doc gen.py\" '%(path)s' 100%% ''", value),
            Ok(["python3", "./doc gen.py", "/a b/'; rm -rf x.py", "100%", ""]
                .map(str::to_owned)
                .to_vec())
        );
        assert_eq!(
            documentation_words("x %(y)s", value),
            Err(TemplateError::UnknownKey("y".into()))
        );
        assert_eq!(documentation_words("x 'y", value), Err(TemplateError::OpenQuote));
        assert_eq!(documentation_words("x %s", value), Err(TemplateError::Percent));
    }
}
