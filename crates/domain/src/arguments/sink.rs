//! What has been read of a request so far.

use secrecy::SecretString;

use super::checked::Hidden;
use super::{ArgvWord, Input, Problem, ValueError};
use crate::catalogue::{Script, SecretsVia};

/// Most secrets of a run: output is searched for each.
const MAX_SECRETS: usize = 512;
/// Most secrets that are handed on as files: each takes a descriptor of the script.
const MAX_SECRET_FILES: usize = 64;

/// Words and inputs in order, and every problem.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) words: Vec<ArgvWord>,
    pub(super) inputs: Vec<Input>,
    /// Members of the request that hold secrets.
    pub(super) hidden: Vec<Hidden>,
    /// Names of declared arguments with a value.
    pub(super) given: Vec<String>,
    pub(super) errors: Vec<ValueError>,
    secrets: usize,
}

impl Sink {
    pub(super) fn refuse(&mut self, argument: &str, problem: Problem) {
        self.errors.push(ValueError { argument: argument.to_owned(), problem });
    }

    pub(super) fn push_plain(&mut self, word: &str) {
        self.words.push(ArgvWord::Plain(word.to_owned()));
    }

    /// The name of an option; its values follow.
    pub(super) fn push_name(&mut self, name: &str, is_secret: bool) {
        let name = name.to_owned();
        self.words.push(if is_secret { ArgvWord::SecretName(name) } else { ArgvWord::Plain(name) });
    }

    /// Values for the command line that were sent under this name.
    pub(super) fn push_values(
        &mut self,
        script: &Script,
        sent_as: &str,
        texts: Vec<String>,
        is_secret: bool,
    ) {
        if !is_secret {
            self.words.extend(texts.into_iter().map(ArgvWord::Plain));
            return;
        }
        self.hide(sent_as, sent_as);
        for text in texts {
            if self.can_be_passed(script, sent_as, &text) {
                self.words.push(ArgvWord::Secret(SecretString::from(text)));
            }
        }
    }

    /// A secret value in one word with the name of its option.
    pub(super) fn push_joined_secret(
        &mut self,
        script: &Script,
        sent_as: &str,
        name: &str,
        value: String,
    ) {
        self.hide(sent_as, name);
        if self.can_be_passed(script, name, &value) {
            let (name, value) = (name.to_owned(), SecretString::from(value));
            self.words.push(ArgvWord::Joined { name, value });
        }
    }

    /// Values for standard input that were sent under this name.
    pub(super) fn push_inputs(&mut self, sent_as: &str, texts: Vec<String>, is_secret: bool) {
        if is_secret {
            self.hide(sent_as, sent_as);
            for text in texts {
                if self.is_room_left(sent_as, MAX_SECRETS) {
                    self.inputs.push(Input::Secret(text.into()));
                }
            }
        } else {
            self.inputs.extend(texts.into_iter().map(Input::Plain));
        }
    }

    fn hide(&mut self, sent_as: &str, name: &str) {
        self.hidden.push(Hidden { sent_as: sent_as.to_owned(), name: name.to_owned() });
    }

    /// Whether a secret can go the way that `secrets_via` says. A line break would make two
    /// secrets of one, and the second would not have been checked.
    fn can_be_passed(&mut self, script: &Script, argument: &str, text: &str) -> bool {
        let via = script.runs.secrets_via;
        if via == SecretsVia::Stdin && text.contains(['\n', '\r']) {
            self.refuse(argument, Problem::LineBreak);
            return false;
        }
        let most = if via == SecretsVia::Descriptor { MAX_SECRET_FILES } else { MAX_SECRETS };
        self.is_room_left(argument, most)
    }

    fn is_room_left(&mut self, argument: &str, most: usize) -> bool {
        self.secrets += 1;
        if self.secrets == most + 1 {
            self.refuse(argument, Problem::TooManySecrets(most));
        }
        self.secrets <= most
    }
}
