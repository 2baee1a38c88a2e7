//! A section read by a table of keys.

use serde_json::{Map, Value};

use crate::coerce::coerce;
use crate::diagnostic::{Report, Spot};
use crate::keys::{Key, find};
use crate::section::{Entry, Section};
use crate::spelling::closest;

/// The values of a section in the types of its keys.
pub struct Typed<'a> {
    section: &'a Section,
    table: &'static [Key],
    values: Vec<(&'a Entry, Option<&'static Key>, Value)>,
}

impl<'a> Typed<'a> {
    /// Reads a section. Values that do not fit and keys that are not known are reported; `unknown`
    /// says what happens to those.
    pub fn read(
        section: &'a Section,
        table: &'static [Key],
        unknown: &str,
        report: &mut Report,
    ) -> Self {
        let mut values = Vec::new();
        for entry in section.iter() {
            let Some(key) = find(table, &entry.key) else {
                warn_unknown(section, entry, table, unknown, report);
                values.push((entry, None, entry.value.clone()));
                continue;
            };
            match coerce(key.kind, &entry.value) {
                Ok(value) => values.push((entry, Some(key), value)),
                Err(refusal) => {
                    report.error(section.spot_of(entry), refusal.message, refusal.help);
                }
            }
        }
        Self { section, table, values }
    }

    /// The value of a key that is set.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(entry, key, _)| key.is_some() && entry.key == name)
            .map(|(_, _, value)| value)
            .filter(|value| !value.is_null())
    }

    fn default(&self, name: &str) -> Option<Value> {
        find(self.table, name)?.default.and_then(|default| serde_json::from_str(default).ok())
    }

    /// A flag; its default when it is not set.
    pub fn flag(&self, name: &str) -> bool {
        self.flag_if_set(name).or_else(|| self.default(name)?.as_bool()).unwrap_or(false)
    }

    /// A flag.
    pub fn flag_if_set(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    /// A whole number; its default when it is not set.
    pub fn whole(&self, name: &str) -> u64 {
        self.whole_if_set(name).or_else(|| self.default(name)?.as_u64()).unwrap_or(0)
    }

    /// A whole number.
    pub fn whole_if_set(&self, name: &str) -> Option<u64> {
        self.value(name)?.as_u64()
    }

    /// Text; its default when it is not set.
    pub fn text(&self, name: &str) -> String {
        self.text_if_set(name)
            .map(str::to_owned)
            .or_else(|| Some(self.default(name)?.as_str()?.to_owned()))
            .unwrap_or_default()
    }

    /// Text.
    pub fn text_if_set(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// A list of texts; empty when it is not set.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.value(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A list of whole numbers.
    pub fn wholes_if_set(&self, name: &str) -> Option<Vec<i64>> {
        Some(self.value(name)?.as_array()?.iter().filter_map(Value::as_i64).collect())
    }

    /// Where a key is written, or its section.
    pub fn spot(&self, name: &str) -> Spot<'a> {
        match self.section.get(name) {
            Some(entry) => self.section.spot_of(entry),
            None => self.section.spot(),
        }
    }

    /// The keys that clients see besides those of the reference, in the order of the file:
    /// published keys that are set, and keys that are not known.
    pub fn published(&self) -> Map<String, Value> {
        self.values
            .iter()
            .filter(|(_, key, value)| {
                key.is_none_or(|key| {
                    // The reference lists this key also when it is null, and clients may read it.
                    let listed_as_null = key.name == "predefined_values" && value.is_null();
                    listed_as_null || (key.published && !value.is_null())
                })
            })
            .map(|(entry, _, value)| (entry.key.clone(), value.clone()))
            .collect()
    }
}

fn warn_unknown(
    section: &Section,
    entry: &Entry,
    table: &'static [Key],
    unknown: &str,
    report: &mut Report,
) {
    let known = table.iter().map(|key| key.name);
    let help = match closest(&entry.key, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => unknown.to_owned(),
    };
    report.warning(section.spot_of(entry), "this key is not known", help);
}
