//! From untrusted request values to checked argv words and standard input (scripts.md §6).
//!
//! Every value is checked against the declaration of its argument before anything starts; all
//! problems are reported together. What comes out can only be made from an [`Authorized`].

mod checked;
mod command_line;
mod kind;
mod sink;
#[cfg(all(test, feature = "testkit"))]
mod tests;

use crate::access::Authorized;
use crate::catalogue::{Argument, Script};
use crate::number;
use crate::request::{RequestArgument, RunRequest, Value};

pub use checked::{ArgvWord, CheckedArguments, HIDDEN, Input};
use sink::Sink;

/// Longest argv word: the limit of Linux (`MAX_ARG_STRLEN`) less the final NUL.
const MAX_WORD_BYTES: usize = 131_071;

/// A value that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The argument, as the client named it.
    pub argument: String,
    /// What is wrong.
    pub problem: Problem,
}

impl std::fmt::Display for ValueError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "`{}` {}", self.argument, self.problem)
    }
}

/// What can be wrong with a value. The text continues a sentence that begins with the argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Problem {
    #[error("is not an argument of this script")]
    Undeclared,
    #[error("must be given")]
    Required,
    #[error("must be {0}")]
    WrongKind(&'static str),
    #[error("takes one value, not a list")]
    NotAList,
    #[error("is not one of the choices")]
    NotAChoice,
    #[error("may not begin with `{0}`")]
    OptionLike(char),
    #[error("does not have the required form")]
    Pattern,
    #[error("must be at least {0}")]
    TooSmall(String),
    #[error("must be at most {0}")]
    TooLarge(String),
    #[error("must have at least {0} characters")]
    TooShort(usize),
    #[error("must have at most {0} characters")]
    TooLong(usize),
    #[error("holds a character that is not accepted: {0}")]
    Character(&'static str),
    #[error("holds text that is not valid Unicode")]
    BrokenText,
    #[error("has more digits than can be handed on exactly")]
    Inexact,
    #[error("is longer than a command line word may be ({MAX_WORD_BYTES} bytes)")]
    WordTooLong,
    #[error("may hold only text and numbers")]
    NestedValue,
    #[error("needs a value")]
    MissingValue,
    #[error("may hold no line break: it reaches the script as a line")]
    LineBreak,
    #[error("makes more than {0} secrets, which is as many as can be passed on")]
    TooManySecrets(usize),
    #[error("goes to standard input, not to the command line")]
    IsInput,
    #[error("goes to the command line, not to standard input")]
    IsNoInput,
}

/// Checks all values of `request` against the declarations of the script.
///
/// # Errors
///
/// Every value that cannot be used.
pub fn check<'a>(
    authorized: Authorized<'a>,
    request: &RunRequest,
) -> Result<CheckedArguments<'a>, Vec<ValueError>> {
    let script = authorized.script();
    let words = command_line::is_one(&request.arguments);
    let mut sink = Sink::default();
    if words {
        command_line::read(script, &request.arguments, &mut sink);
    } else {
        for argument in &request.arguments {
            read_named(script, argument, &mut sink);
        }
    }
    require_missing(script, &mut sink);
    if sink.errors.is_empty() {
        Ok(CheckedArguments::new(authorized, sink))
    } else {
        Err(sink.errors)
    }
}

fn read_named(script: &Script, argument: &RequestArgument, sink: &mut Sink) {
    read_sent_as(script, argument, &argument.name, sink);
}

/// Reads a value that the client sent under another name than that of its argument.
fn read_sent_as(script: &Script, argument: &RequestArgument, sent_as: &str, sink: &mut Sink) {
    let declared = script.arguments.iter().find(|declared| declared.name == argument.name);
    let read = match declared {
        Some(declared) => read_declared(declared, argument),
        None if script.accept_undeclared => {
            if command_line::read_joined(script, argument, sink) {
                return;
            }
            read_undeclared(script, argument)
        }
        None => Err(Problem::Undeclared),
    };
    let is_secret = declared.is_some_and(Argument::is_secret);
    match read {
        Ok(Emission::Nothing) => {}
        Ok(Emission::Name) => {
            sink.given.push(argument.name.clone());
            sink.push_plain(&argument.name);
        }
        Ok(Emission::Words(texts)) => {
            sink.given.push(argument.name.clone());
            if argument.name.starts_with('-') {
                sink.push_name(&argument.name, is_secret);
            }
            sink.push_values(script, sent_as, texts, is_secret);
        }
        Ok(Emission::Inputs(texts)) => {
            sink.given.push(argument.name.clone());
            sink.push_inputs(sent_as, texts, is_secret);
        }
        Err(problem) => sink.refuse(&argument.name, problem),
    }
}

/// What becomes of a value.
enum Emission {
    /// It is left out.
    Nothing,
    /// The name itself is an argv word: a ticked box.
    Name,
    /// Argv words.
    Words(Vec<String>),
    /// Lines for standard input.
    Inputs(Vec<String>),
}

fn read_declared(declared: &Argument, argument: &RequestArgument) -> Result<Emission, Problem> {
    if kind::is_checkbox(declared) {
        return match &argument.value {
            Value::Boolean(true) => Ok(Emission::Name),
            Value::Boolean(false) => Ok(Emission::Nothing),
            empty if empty.is_empty() => Ok(Emission::Nothing),
            _ => Err(Problem::WrongKind("true or false")),
        };
    }
    let is_option = declared.is_option();
    if argument.input && !declared.is_input() && !is_option {
        return Err(Problem::IsNoInput);
    }
    let values: Vec<&Value> = match &argument.value {
        Value::List(items) if declared.is_list() => items.iter().collect(),
        Value::List(_) => return Err(Problem::NotAList),
        single => vec![single],
    };
    let texts = values
        .into_iter()
        .filter(|value| !value.is_empty())
        .map(|value| kind::check(declared, value))
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Ok(Emission::Nothing);
    }
    if declared.is_input() {
        Ok(Emission::Inputs(texts))
    } else {
        words(texts).map(Emission::Words)
    }
}

/// The conversion of the reference for arguments nobody declared.
fn read_undeclared(script: &Script, argument: &RequestArgument) -> Result<Emission, Problem> {
    let is_option = argument.name.starts_with('-');
    let to_input = argument.input && !is_option;
    kind::check_characters(&argument.name, false)?;
    let values: Vec<&Value> = match &argument.value {
        Value::Boolean(true) => return Ok(Emission::Name),
        Value::Boolean(false) => return Ok(Emission::Nothing),
        Value::List(items) => items.iter().collect(),
        single => vec![single],
    };
    let in_list = matches!(argument.value, Value::List(_));
    let texts = values
        .into_iter()
        .filter(|value| !value.is_empty())
        .map(|value| undeclared_text(script, value, to_input, in_list))
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Ok(Emission::Nothing);
    }
    if to_input { Ok(Emission::Inputs(texts)) } else { words(texts).map(Emission::Words) }
}

fn undeclared_text(
    script: &Script,
    value: &Value,
    to_input: bool,
    in_list: bool,
) -> Result<String, Problem> {
    match value {
        Value::Text(text) => {
            kind::check_characters(text, false)?;
            if !to_input && !script.accept_option_like {
                kind::check_option_like(text)?;
            }
            Ok(text.clone())
        }
        Value::Number(digits) => {
            let text = number::argument_text(digits).ok_or(Problem::WrongKind("a number"))?;
            let is_whole = digits.bytes().all(|b| b == b'-' || b.is_ascii_digit());
            // The reference fails on fractions in lists of words (scripts.md §6).
            if in_list && !to_input && !is_whole {
                return Err(Problem::NestedValue);
            }
            Ok(text)
        }
        Value::Boolean(true) => Ok("True".to_owned()),
        Value::Boolean(false) => Ok("False".to_owned()),
        Value::BrokenText => Err(Problem::BrokenText),
        Value::List(_) | Value::Object | Value::Null => Err(Problem::NestedValue),
    }
}

/// The texts, if each can be a word of a command line.
fn words(texts: Vec<String>) -> Result<Vec<String>, Problem> {
    if texts.iter().any(|text| text.len() > MAX_WORD_BYTES) {
        return Err(Problem::WordTooLong);
    }
    Ok(texts)
}

fn require_missing(script: &Script, sink: &mut Sink) {
    let missing: Vec<&str> = script
        .arguments
        .iter()
        .filter(|declared| declared.restrictions.required)
        .map(|declared| declared.name.as_str())
        .filter(|name| !sink.given.iter().any(|given| given == name))
        .filter(|name| !sink.errors.iter().any(|error| error.argument == *name))
        .collect();
    for name in missing {
        sink.refuse(name, Problem::Required);
    }
}
