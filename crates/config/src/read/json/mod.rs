//! JSON files (configuration.md §5) with the line of every key.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Problem;
use crate::diagnostic::{Place, Report, Spot};
use crate::section::{Document, Entry, Section};

/// Reads the text of a file; `at` makes the place of a line. Of a key that is there twice the
/// last value counts, at the position of the first; that is reported as a warning.
///
/// # Errors
///
/// What is no JSON, or no object.
pub fn parse(
    text: &str,
    at: &dyn Fn(u32) -> Place,
    report: &mut Report,
) -> Result<Document, Vec<Problem>> {
    let source = Source { text, newlines: text.match_indices('\n').map(|(at, _)| at).collect() };
    let mut document = Document::new(at(1));
    let mut problems = Vec::new();
    let Members(members) = source.read(text).map_err(|problem| vec![problem])?;
    for Member { key, value } in members {
        let place = at(source.line_of_key(value));
        if !value.get().starts_with('{') {
            match source.read(value.get()) {
                Ok(value) => {
                    let spot = Spot::key(&place, "server", &key);
                    if document.root.get(&key).is_some() {
                        warn_twice(spot, report);
                    }
                    document.root.set(Entry { key, value, place });
                }
                Err(problem) => problems.push(problem),
            }
            continue;
        }
        if document.sections.get(&key).is_some() {
            warn_twice(Spot::section(&place, &key), report);
            *document.sections.get_or_add(&key, &place) = Section::new(key.clone(), place.clone());
        }
        if let Err(problem) = read_section(&source, &key, &place, value, at, &mut document, report)
        {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

fn read_section(
    source: &Source<'_>,
    name: &str,
    place: &Place,
    value: &RawValue,
    at: &dyn Fn(u32) -> Place,
    document: &mut Document,
    report: &mut Report,
) -> Result<(), Problem> {
    let Members(members) = source.read(value.get())?;
    let section = document.sections.get_or_add(name, place);
    for Member { key, value } in members {
        let place = at(source.line_of_key(value));
        let value = source.read(value.get())?;
        if section.get(&key).is_some() {
            warn_twice(Spot::key(&place, name, &key), report);
        }
        section.set(Entry { key, value, place });
    }
    Ok(())
}

fn warn_twice(spot: Spot<'_>, report: &mut Report) {
    report.warning(spot, "this is there twice, the last one counts", "remove the other one");
}

/// A member of an object, its value still as text.
struct Member<'a> {
    key: String,
    value: &'a RawValue,
}

/// The members of an object in their order, duplicates too.
struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object such as {\"server\": {\"port\": 8000}}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push(Member { key, value });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The text of the whole file, to find lines in.
struct Source<'a> {
    text: &'a str,
    newlines: Vec<usize>,
}

impl Source<'_> {
    /// Reads a part of the text.
    fn read<'a, T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, Problem> {
        serde_json::from_str(part).map_err(|error| {
            // Skipped values are described worse than values that are read.
            let error = serde_json::from_str::<Value>(part).err().unwrap_or(error);
            let first = self.line_at(self.offset_of(part));
            let further = u32::try_from(error.line().saturating_sub(1)).unwrap_or(0);
            let message = error.to_string();
            let end = message.rfind(" at line ").unwrap_or(message.len());
            let reason = message.get(..end).unwrap_or_default();
            Problem {
                line: first.saturating_add(further),
                message: format!("this cannot be read as JSON: {reason}"),
                help: "look at this line and the one above it",
            }
        })
    }

    /// Where a part begins; parts are slices of the text.
    fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn line_at(&self, offset: usize) -> u32 {
        let before = self.newlines.partition_point(|newline| *newline < offset);
        u32::try_from(before).unwrap_or(u32::MAX - 1) + 1
    }

    /// The line of the key in front of a value: only white space and the colon stand between.
    fn line_of_key(&self, value: &RawValue) -> u32 {
        let before = self.text.get(..self.offset_of(value.get())).unwrap_or_default();
        let key = before.trim_end().strip_suffix(':').unwrap_or(before).trim_end();
        self.line_at(key.len())
    }
}

#[cfg(test)]
mod tests;
