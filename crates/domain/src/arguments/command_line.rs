//! Requests of the existing client, which sends the words of a command line.
//!
//! It names plain words `arg_1`, `arg_2`, … and values for standard input `input_1`, `input_2`, …,
//! and sends words with a dash as `--name: true` (client.md). Such a request is read word by word, as the script itself would, and every value
//! is checked like one that was sent by name.

use super::{Problem, Sink, kind};
use crate::catalogue::{Argument, Script};
use crate::request::{RequestArgument, Value};

/// Whether a request holds an `arg_<n>`, or an `input_<n>` for standard input.
pub fn is_one(arguments: &[RequestArgument]) -> bool {
    arguments.iter().any(|argument| {
        if argument.input { is_input_name(&argument.name) } else { is_word_name(&argument.name) }
    })
}

fn is_word_name(name: &str) -> bool {
    is_numbered(name, "arg_")
}

fn is_input_name(name: &str) -> bool {
    is_numbered(name, "input_")
}

fn is_numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|n| !n.is_empty() && n.len() <= 9 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads the words in their order; inputs stay what they are.
pub fn read(script: &Script, arguments: &[RequestArgument], sink: &mut Sink) {
    let has_such_names =
        |declared: &Argument| is_word_name(&declared.name) || is_input_name(&declared.name);
    if script.arguments.iter().any(has_such_names) {
        for argument in arguments {
            super::read_named(script, argument, sink);
        }
        return;
    }
    let (inputs, words): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|argument| argument.input && !argument.name.starts_with('-'));
    let words = words.into_iter().flat_map(|argument| as_words(argument, sink)).collect::<Vec<_>>();
    read_words(script, &words, sink);
    read_inputs(script, &inputs, sink);
}

/// A word and the name under which the client sent it.
struct Word<'a> {
    sent_as: &'a str,
    value: Value,
}

fn as_words<'a>(argument: &'a RequestArgument, sink: &mut Sink) -> Vec<Word<'a>> {
    let sent_as = argument.name.as_str();
    let name = || Word { sent_as, value: Value::Text(argument.name.clone()) };
    let is_word = is_word_name(sent_as);
    match &argument.value {
        Value::Boolean(false) => Vec::new(),
        Value::Boolean(true) => vec![name()],
        empty if empty.is_empty() => Vec::new(),
        Value::List(_) => {
            sink.refuse(sent_as, Problem::NotAList);
            Vec::new()
        }
        value if is_word => vec![Word { sent_as, value: value.clone() }],
        value => vec![name(), Word { sent_as, value: value.clone() }],
    }
}

fn read_words(script: &Script, words: &[Word<'_>], sink: &mut Sink) {
    let mut positionals = script
        .arguments
        .iter()
        .filter(|a| !a.is_option() && !a.is_input() && !kind::is_checkbox(a));
    let mut positional = positionals.next();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if let Some((declared, value)) = joined(script, &word.value) {
            emit_joined(script, declared, value, word.sent_as, sink);
            continue;
        }
        let named = declared_as(script, &word.value);
        match named {
            Some(declared) if kind::is_checkbox(declared) => {
                sink.push_plain(&declared.name);
                sink.given.push(declared.name.clone());
            }
            Some(declared) => {
                at += read_option_values(script, declared, words.get(at..).unwrap_or(&[]), sink);
            }
            None => match positional {
                Some(declared) => {
                    emit(script, declared, word, sink);
                    if !declared.is_list() {
                        positional = positionals.next();
                    }
                }
                None if script.accept_undeclared => emit_undeclared(script, word, sink),
                None => sink.refuse(word.sent_as, Problem::Undeclared),
            },
        }
    }
}

/// The option, or the ticked box, that this word names.
fn declared_as<'a>(script: &'a Script, word: &Value) -> Option<&'a Argument> {
    let Value::Text(text) = word else { return None };
    script.arguments.iter().find(|declared| {
        declared.name == *text && (declared.is_option() || kind::is_checkbox(declared))
    })
}

/// The option and the value of a word `--name=value`.
fn joined<'a, 'w>(script: &'a Script, word: &'w Value) -> Option<(&'a Argument, &'w str)> {
    let Value::Text(text) = word else { return None };
    let (name, value) = text.split_once('=')?;
    let declared = script.arguments.iter().find(|declared| declared.name == name)?;
    (declared.is_option() && !kind::is_checkbox(declared)).then_some((declared, value))
}

/// A word `--name=value` stays one word: nothing can take its value for an option.
fn emit_joined(script: &Script, declared: &Argument, value: &str, sent_as: &str, sink: &mut Sink) {
    sink.given.push(declared.name.clone());
    let name = &declared.name;
    let shown_as = if declared.is_secret() { name } else { sent_as };
    let checked = kind::check(declared, &Value::Text(value.to_owned()))
        .and_then(|text| super::words(vec![format!("{name}={text}")]).map(|_| text));
    match checked {
        Ok(text) if declared.is_secret() => {
            sink.push_joined_secret(script, sent_as, name, text);
        }
        Ok(text) => sink.push_plain(&format!("{name}={text}")),
        Err(problem) => sink.refuse(shown_as, problem),
    }
}

/// Reads a ticked box whose name is `--name=value` as the value of the declared option, as the
/// script itself would. Answers whether it was one.
pub fn read_joined(script: &Script, argument: &RequestArgument, sink: &mut Sink) -> bool {
    let word = Value::Text(argument.name.clone());
    let found = joined(script, &word).filter(|_| argument.value == Value::Boolean(true));
    if let Some((declared, value)) = found {
        emit_joined(script, declared, value, &argument.name, sink);
    }
    found.is_some()
}

/// Reads the value or values behind an option; answers how many words they were.
fn read_option_values(
    script: &Script,
    declared: &Argument,
    rest: &[Word<'_>],
    sink: &mut Sink,
) -> usize {
    let most = if declared.is_list() { rest.len() } else { 1 };
    let values: Vec<&Word<'_>> = rest
        .iter()
        .take(most)
        .take_while(|word| declared_as(script, &word.value).is_none())
        .collect();
    if values.is_empty() {
        sink.refuse(&declared.name, Problem::MissingValue);
        return 0;
    }
    sink.push_name(&declared.name, declared.is_secret());
    for word in &values {
        emit(script, declared, word, sink);
    }
    values.len()
}

fn emit(script: &Script, declared: &Argument, word: &Word<'_>, sink: &mut Sink) {
    sink.given.push(declared.name.clone());
    match kind::check(declared, &word.value).and_then(|text| super::words(vec![text])) {
        Ok(texts) => sink.push_values(script, word.sent_as, texts, declared.is_secret()),
        Err(problem) => sink.refuse(word.sent_as, problem),
    }
}

fn emit_undeclared(script: &Script, word: &Word<'_>, sink: &mut Sink) {
    match super::undeclared_text(script, &word.value, false, false) {
        Ok(text) => sink.push_plain(&text),
        Err(problem) => sink.refuse(word.sent_as, problem),
    }
}

/// Inputs of the client carry names of its own; they are assigned to the declared inputs in order.
/// The last one takes the rest, for the client sends each line of a file as an input of its own.
fn read_inputs(script: &Script, inputs: &[&RequestArgument], sink: &mut Sink) {
    let declared: Vec<&Argument> = script.arguments.iter().filter(|a| a.is_input()).collect();
    for (index, argument) in inputs.iter().enumerate() {
        let by_place = declared.get(index).or(declared.last());
        let by_name = script.arguments.iter().find(|a| a.name == argument.name && a.is_input());
        match by_name.or(by_place.copied()) {
            Some(declared) => {
                let renamed =
                    RequestArgument { name: declared.name.clone(), ..(*argument).clone() };
                super::read_sent_as(script, &renamed, &argument.name, sink);
            }
            None => super::read_named(script, argument, sink),
        }
    }
}
