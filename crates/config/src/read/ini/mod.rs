//! INI files with the meaning of Python's `configparser` (configuration.md §4).
//!
//! Keys are lower-cased, `#` begins a comment at the start of a line or after white space, deeper
//! lines continue a value, keys may have no value, nothing is interpolated, duplicates are errors.

use std::collections::HashSet;

use serde_json::Value;

use super::Problem;
use crate::diagnostic::Place;
use crate::section::{Document, Entry, Section};

/// Reads the text of a file; `at` makes the place of a line.
///
/// # Errors
///
/// Every problem of the text, in order.
pub fn parse(text: &str, at: &dyn Fn(u32) -> Place) -> Result<Document, Vec<Problem>> {
    let mut reader = Reader {
        document: Document::new(at(1)),
        at,
        section: None,
        seen: HashSet::new(),
        open: None,
        indent: 0,
        problems: Vec::new(),
    };
    let mut number = 0;
    for line in lines(text) {
        number += 1;
        reader.line(line, number);
    }
    reader.close();
    if reader.problems.is_empty() { Ok(reader.document) } else { Err(reader.problems) }
}

/// Lines as Python's text files have them: ended by `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((line, after)) = text.split_once(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let ended_by_return = text.as_bytes().get(line.len()) == Some(&b'\r');
        let after = if ended_by_return { after.strip_prefix('\n').unwrap_or(after) } else { after };
        rest = Some(after).filter(|after| !after.is_empty());
        Some(line)
    })
}

/// White space as `str.isspace` of Python sees it.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The section that lines belong to.
enum Current {
    /// `[DEFAULT]`: read, then ignored.
    Ignored,
    Named(String),
}

/// A key whose value may still be continued.
struct Open {
    key: String,
    /// The lines of the value; `None` for a key without value.
    lines: Option<Vec<String>>,
    number: u32,
}

struct Reader<'a> {
    document: Document,
    at: &'a dyn Fn(u32) -> Place,
    section: Option<Current>,
    /// Keys of the current section; those of `[DEFAULT]` are remembered under the empty name.
    seen: HashSet<(String, String)>,
    open: Option<Open>,
    indent: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: u32) {
        let (content, has_comment) = without_comment(line);
        let value = trim(content);
        if value.is_empty() {
            if let Some(Open { lines: Some(lines), .. }) = &mut self.open
                && !has_comment
            {
                lines.push(String::new());
            }
            return;
        }
        let indent = line.chars().take_while(|character| is_space(*character)).count();
        match &mut self.open {
            Some(open) if indent > self.indent => match &mut open.lines {
                Some(lines) => lines.push(value.to_owned()),
                None => self.problem(
                    number,
                    "this line continues a key that has no value".to_owned(),
                    "write `=` behind the key, or begin the line in the first column",
                ),
            },
            _ => {
                self.indent = indent;
                self.header_or_key(value, number);
            }
        }
    }

    fn header_or_key(&mut self, value: &str, number: u32) {
        if let Some(name) = header(value) {
            self.close();
            self.begin_section(name, number);
        } else if self.section.is_none() {
            self.problem(
                number,
                "text before the first section".to_owned(),
                "write a line such as `[server]` above it",
            );
            self.section = Some(Current::Ignored);
        } else {
            self.close();
            self.begin_key(value, number);
        }
    }

    fn begin_section(&mut self, name: &str, number: u32) {
        if name == "DEFAULT" {
            self.section = Some(Current::Ignored);
            return;
        }
        if self.document.sections.get(name).is_some() {
            self.problem(
                number,
                format!("the section `{name}` is there twice"),
                "write its keys into the first one",
            );
        }
        let place = (self.at)(number);
        self.document.sections.get_or_add(name, &place);
        self.section = Some(Current::Named(name.to_owned()));
    }

    fn begin_key(&mut self, line: &str, number: u32) {
        let (key, value) = match line.split_once(['=', ':']) {
            Some((key, value)) => (key.trim_end_matches(is_space), Some(trim(value))),
            None => (line, None),
        };
        if key.is_empty() {
            self.problem(number, "a value without a key".to_owned(), "write `key = value`");
            return;
        }
        let key = key.to_lowercase();
        let section = match &self.section {
            Some(Current::Named(name)) => name.clone(),
            _ => String::new(),
        };
        if !self.seen.insert((section, key.clone())) {
            self.problem(
                number,
                format!("the key `{key}` is there twice in this section"),
                "remove one of them; capital letters make no difference",
            );
        }
        self.open = Some(Open { key, lines: value.map(|value| vec![value.to_owned()]), number });
    }

    /// Ends the value of the last key.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(Current::Named(name)) = &self.section else { return };
        let value = match open.lines {
            Some(lines) => Value::from(lines.join("\n").trim_end_matches(is_space)),
            None => Value::Null,
        };
        let place = (self.at)(open.number);
        let section: &mut Section = self.document.sections.get_or_add(name, &place);
        section.set(Entry { key: open.key, value, place });
    }

    fn problem(&mut self, line: u32, message: String, help: &'static str) {
        self.problems.push(Problem { line, message, help });
    }
}

/// The name in a header: everything to the last `]` of the line.
fn header(value: &str) -> Option<&str> {
    let (name, _) = value.strip_prefix('[')?.rsplit_once(']')?;
    Some(name).filter(|name| !name.is_empty())
}

/// The line before its comment, and whether it has one.
fn without_comment(line: &str) -> (&str, bool) {
    if trim(line).starts_with(['#', ';']) {
        return ("", true);
    }
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && is_space(before) {
            return (line.get(..at).unwrap_or_default(), true);
        }
        before = character;
    }
    (line, false)
}

#[cfg(test)]
mod tests;
