//! Sections of a configuration: keys in the order of the file, each with its place.

use std::collections::HashMap;

use serde_json::Value;

use crate::diagnostic::{Place, Spot};

/// A key, its value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value; `Null` for an INI key without value, text for every other INI value.
    pub value: Value,
    /// Where it was written.
    pub place: Place,
}

/// A named group of keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

impl Section {
    /// An empty section.
    pub fn new(name: impl Into<String>, place: Place) -> Self {
        Self { name: name.into(), place, entries: Vec::new(), index: HashMap::new() }
    }

    /// Sets a key; one that is there keeps its position.
    pub fn set(&mut self, entry: Entry) {
        if let Some(old) = self.get_mut(&entry.key) {
            *old = entry;
            return;
        }
        self.index.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The entry of this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.index.get(key).and_then(|at| self.entries.get(*at))
    }

    /// The entry of this key, to change its value.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.index.get(key).and_then(|at| self.entries.get_mut(*at))
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &str) {
        if self.index.remove(key).is_some() {
            self.entries.retain(|entry| entry.key != key);
            self.index =
                self.entries.iter().enumerate().map(|(at, e)| (e.key.clone(), at)).collect();
        }
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// All entries, in order.
    pub fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter()
    }

    /// The section, for a problem with all of it.
    pub fn spot(&self) -> Spot<'_> {
        Spot::section(&self.place, &self.name)
    }

    /// An entry of this section, for a problem with it.
    pub fn spot_of<'a>(&'a self, entry: &'a Entry) -> Spot<'a> {
        Spot::key(&entry.place, &self.name, &entry.key)
    }
}

/// Sections by name, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sections {
    sections: Vec<Section>,
    index: HashMap<String, usize>,
}

impl Sections {
    /// The section of this name.
    pub fn get(&self, name: &str) -> Option<&Section> {
        self.index.get(name).and_then(|at| self.sections.get(*at))
    }

    /// The section of this name, made at `place` if there is none.
    pub fn get_or_add(&mut self, name: &str, place: &Place) -> &mut Section {
        let next = self.sections.len();
        let at = *self.index.entry(name.to_owned()).or_insert(next);
        if at == next {
            self.sections.push(Section::new(name, place.clone()));
        }
        #[expect(clippy::indexing_slicing, reason = "`at` is in the index or was just pushed")]
        &mut self.sections[at]
    }

    /// All sections, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// All sections, in order.
    pub fn into_sections(self) -> impl Iterator<Item = Section> {
        self.sections.into_iter()
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Items of a JSON root that are no objects; empty for INI.
    pub root: Section,
    /// The sections.
    pub sections: Sections,
}

impl Document {
    /// A document without anything.
    pub fn new(place: Place) -> Self {
        Self { root: Section::new("server", place), sections: Sections::default() }
    }
}
