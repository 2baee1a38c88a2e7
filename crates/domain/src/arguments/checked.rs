//! What comes out of a check: words and texts, secrets kept apart.

use secrecy::{ExposeSecret, SecretString};

use super::Sink;
use crate::access::Authorized;
use crate::recording;
use crate::request::RunRequest;
use crate::run::RecordedArgument;

/// Stands for a secret where a command line is shown.
pub const HIDDEN: &str = "…";

/// Values that fit the declared arguments of a script the caller may run.
#[derive(Debug)]
pub struct CheckedArguments<'a> {
    authorized: Authorized<'a>,
    words: Vec<ArgvWord>,
    inputs: Vec<Input>,
    hidden: Vec<Hidden>,
}

/// A word behind the script on its command line.
#[derive(Debug, Clone)]
pub enum ArgvWord {
    /// Anybody may see it.
    Plain(String),
    /// The name of an option whose value, or values, are the secrets that follow.
    SecretName(String),
    /// A secret.
    Secret(SecretString),
    /// `name=value` in one word; the value is a secret.
    Joined {
        /// The name of the option.
        name: String,
        /// Its value.
        value: SecretString,
    },
}

impl ArgvWord {
    /// The word as it may be shown: secrets as `…`.
    pub fn shown(&self) -> String {
        match self {
            Self::Plain(text) | Self::SecretName(text) => text.clone(),
            Self::Secret(_) => HIDDEN.to_owned(),
            Self::Joined { name, .. } => format!("{name}={HIDDEN}"),
        }
    }
}

/// A value for standard input.
#[derive(Debug, Clone)]
pub enum Input {
    /// Anybody may see it.
    Plain(String),
    /// A secret.
    Secret(SecretString),
}

impl Input {
    /// The text, for the one who hands it on.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose_secret(),
        }
    }
}

/// A member of a request that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    /// Its name as sent.
    pub(super) sent_as: String,
    /// The name to record, which holds no secret.
    pub(super) name: String,
}

impl<'a> CheckedArguments<'a> {
    pub(super) fn new(authorized: Authorized<'a>, sink: Sink) -> Self {
        let Sink { words, inputs, hidden, .. } = sink;
        Self { authorized, words, inputs, hidden }
    }

    /// The script and the caller these values were checked for.
    pub fn authorized(&self) -> Authorized<'a> {
        self.authorized
    }

    /// Words behind the script on its command line, in order.
    pub fn words(&self) -> &[ArgvWord] {
        &self.words
    }

    /// Values for standard input, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The words as they may be logged: secrets as `…`, however they reach the script.
    pub fn shown_words(&self) -> Vec<String> {
        self.words.iter().map(ArgvWord::shown).collect()
    }

    /// What is kept of the request that these values come from: secrets as markers only, see
    /// [`crate::recording`].
    pub fn recorded(&self, request: &RunRequest) -> Vec<RecordedArgument> {
        recording::record(request, |sent_as| {
            self.hidden
                .iter()
                .find(|hidden| hidden.sent_as == sent_as)
                .map(|hidden| hidden.name.as_str())
        })
    }

    /// Every secret value, on the command line or for standard input.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let of_words = self.words.iter().filter_map(|word| match word {
            ArgvWord::Plain(_) | ArgvWord::SecretName(_) => None,
            ArgvWord::Secret(value) | ArgvWord::Joined { value, .. } => Some(value),
        });
        let of_inputs = self.inputs.iter().filter_map(|input| match input {
            Input::Plain(_) => None,
            Input::Secret(value) => Some(value),
        });
        of_words.chain(of_inputs).map(ExposeSecret::expose_secret)
    }
}
