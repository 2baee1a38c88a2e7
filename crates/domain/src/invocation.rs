//! What is to be executed: program, argv, standard input, environment, limits.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arguments::CheckedArguments;
use crate::catalogue::Script;
use crate::run::RunId;

/// A complete order to the engine. Only checked arguments become one: a process cannot be started
/// from values that were not checked for a script that the caller may run.
#[derive(Debug, Clone)]
pub struct Invocation {
    run: RunId,
    program: PathBuf,
    arguments: Vec<OsString>,
    stdin: Vec<u8>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    limits: Limits,
}

/// What a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// When it is ended.
    pub timeout: Duration,
    /// How many bytes of output are kept; more is counted and dropped.
    pub output_bytes: u64,
}

/// The part of an order that does not depend on the request.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Working directory of the server, in which scripts run.
    pub directory: PathBuf,
    /// `default_timeout`: for scripts without `timeout`.
    pub default_timeout: Duration,
    /// `run_output_bytes`.
    pub output_bytes: u64,
}

impl Invocation {
    /// The order to run a script with these arguments and this environment.
    pub fn new(
        run: RunId,
        checked: &CheckedArguments<'_>,
        environment: Vec<(String, String)>,
        surroundings: &Surroundings,
    ) -> Self {
        let script = checked.authorized().script();
        let (program, mut arguments) = command(script);
        arguments.extend(checked.argv().iter().map(OsString::from));
        Self {
            run,
            program,
            arguments,
            stdin: encode_stdin(checked.inputs(), script.real_time),
            environment,
            directory: surroundings.directory.clone(),
            limits: Limits {
                timeout: script.timeout.unwrap_or(surroundings.default_timeout),
                output_bytes: surroundings.output_bytes,
            },
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
        Some(Self {
            run,
            program,
            arguments: words.map(OsString::from).collect(),
            stdin: Vec::new(),
            environment,
            directory: surroundings.directory.clone(),
            limits: Limits {
                timeout: surroundings.default_timeout,
                output_bytes: surroundings.output_bytes,
            },
        })
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
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// All of standard input; it is closed afterwards.
    pub fn stdin(&self) -> &[u8] {
        &self.stdin
    }

    /// The whole environment: nothing else is inherited.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the run may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }
}

/// `[launcher] script` (scripts.md §1).
fn command(script: &Script) -> (PathBuf, Vec<OsString>) {
    match &script.launcher {
        Some(launcher) => (PathBuf::from(launcher), vec![script.path.clone().into_os_string()]),
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
