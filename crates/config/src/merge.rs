//! Several sources become one configuration (configuration.md §3).

use serde_json::Value;

use crate::coerce::{coerce, split};
use crate::diagnostic::{Place, Report, Spot};
use crate::keys::{Kind, SERVER_KEYS, URLS, find};
use crate::read::Syntax;
use crate::section::{Document, Entry, Section, Sections};
use crate::sources::{OverrideValue, Overrides};

/// The merged configuration: server keys and sections do not share a name space (§3 `Do`).
#[derive(Debug)]
pub struct Merged {
    /// Keys of `server` and items of JSON roots.
    pub server: Section,
    /// All other sections.
    pub sections: Sections,
}

impl Merged {
    /// The values the program ships, as the lowest layer (§7 and §8).
    pub fn built_in() -> Self {
        let place = Place::BuiltIn;
        let mut server = Section::new("server", place.clone());
        for key in SERVER_KEYS {
            if let Some(value) = key.default.and_then(|text| serde_json::from_str(text).ok()) {
                server.set(Entry { key: key.name.to_owned(), value, place: place.clone() });
            }
        }
        let mut sections = Sections::default();
        let urls = sections.get_or_add("urls", &place);
        for (from, to) in URLS {
            let (key, value) = ((*from).to_owned(), Value::from(*to));
            urls.set(Entry { key, value, place: place.clone() });
        }
        Self { server, sections }
    }

    /// Adds a source of higher priority.
    pub fn add(&mut self, document: Document, report: &mut Report) {
        let mut layer = document.root;
        for section in document.sections.into_sections() {
            if section.name == "server" {
                for entry in section.into_entries() {
                    add_entry(&mut layer, entry, report);
                }
            } else {
                self.add_section(section);
            }
        }
        self.add_server_keys(layer, report);
    }

    /// Adds the command line.
    pub fn add_overrides(&mut self, overrides: &Overrides, report: &mut Report) {
        let mut layer = Section::new("server", Place::CommandLine);
        for (key, value) in overrides {
            for (key, value) in override_entries(key, value) {
                add_entry(&mut layer, Entry { key, value, place: Place::CommandLine }, report);
            }
        }
        self.add_server_keys(layer, report);
    }

    fn add_section(&mut self, section: Section) {
        let merged = self.sections.get_or_add(&section.name, &section.place);
        if merged.place == Place::BuiltIn {
            merged.place = section.place.clone();
        }
        for entry in section.into_entries() {
            merged.set(entry);
        }
    }

    fn add_server_keys(&mut self, mut layer: Section, report: &mut Report) {
        self.unset(&layer, report);
        layer.remove("unset");
        for mut entry in layer.into_entries() {
            if let Some(key) = find(SERVER_KEYS, &entry.key) {
                match coerce(key.kind, &entry.value) {
                    Ok(value) => entry.value = value,
                    Err(refusal) => {
                        let spot = Spot::key(&entry.place, "server", &entry.key);
                        report.error(spot, refusal.message, refusal.help);
                        continue;
                    }
                }
            }
            add_entry(&mut self.server, entry, report);
        }
    }

    /// Forgets the keys that `unset` of a source names, before its own values are added.
    fn unset(&mut self, layer: &Section, report: &mut Report) {
        let Some(entry) = layer.get("unset") else { return };
        match coerce(Kind::Texts, &entry.value) {
            Ok(names) => {
                for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if find(SERVER_KEYS, name).is_none() && self.server.get(name).is_none() {
                        let message = format!("`{name}` is no key of the server");
                        report.warning(layer.spot_of(entry), message, "");
                    }
                    self.server.remove(name);
                }
            }
            Err(refusal) => report.error(layer.spot_of(entry), refusal.message, refusal.help),
        }
    }
}

/// Adds a key with the rule of §3: null changes nothing, lists grow, scalars are replaced.
fn add_entry(target: &mut Section, entry: Entry, report: &mut Report) {
    if entry.value.is_null() {
        return;
    }
    let Some(old) = target.get_mut(&entry.key) else {
        target.set(entry);
        return;
    };
    let spot = Spot::key(&entry.place, "server", &entry.key);
    match (&mut old.value, entry.value) {
        (Value::Array(items), Value::Array(more)) => append(items, more),
        (Value::Array(items), Value::String(text)) => {
            append(items, split(&text).map(Value::from).collect());
        }
        (Value::Object(items), Value::Object(more)) => items.extend(more),
        (Value::Array(_), _) => {
            report.error(spot, "the value is a list in another place", "write a list here too");
            return;
        }
        (Value::Object(_), _) => {
            report.error(spot, "the value is an object in another place", "write an object here");
            return;
        }
        (scalar, value) => *scalar = value,
    }
    old.place = entry.place;
}

fn append(items: &mut Vec<Value>, more: Vec<Value>) {
    for item in more {
        if !items.contains(&item) {
            items.push(item);
        }
    }
}

/// The entries that a value of the command line stands for.
fn override_entries(key: &str, value: &OverrideValue) -> Vec<(String, Value)> {
    match (key, value) {
        ("scripts_config", OverrideValue::List(items)) => {
            let (json, ini): (Vec<_>, Vec<_>) =
                items.iter().cloned().partition(|item| Syntax::of(item.as_ref()) == Syntax::Json);
            let named = [("json_scripts_config", json), ("ini_scripts_config", ini)];
            named
                .into_iter()
                .filter(|(_, items)| !items.is_empty())
                .map(|(key, items)| (key.to_owned(), Value::from(items)))
                .collect()
        }
        (_, OverrideValue::Flag(flag)) => vec![(key.to_owned(), Value::Bool(*flag))],
        (_, OverrideValue::Text(text)) => vec![(key.to_owned(), Value::from(text.clone()))],
        (_, OverrideValue::List(items)) => vec![(key.to_owned(), Value::from(items.clone()))],
    }
}
