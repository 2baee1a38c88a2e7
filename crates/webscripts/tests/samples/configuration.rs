//! Reads the configuration files of the samples.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::samples::SAMPLES;

type Sections = HashMap<String, Map<String, Value>>;

/// A configured script, with its arguments in order.
pub struct Script {
    pub name: String,
    pub keys: Map<String, Value>,
    pub arguments: Vec<(String, Map<String, Value>)>,
}

impl Script {
    /// The text of a key that must be there.
    pub fn text(&self, key: &str) -> &str {
        match self.keys.get(key).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => text,
            _ => panic!("{}: `{key}` is missing", self.name),
        }
    }

    /// `path` or `documentation_file` as the samples spell it: without `./`.
    pub fn file(&self, key: &str) -> &str {
        self.text(key).strip_prefix("./").expect("paths are relative to the instance")
    }

    /// The key `timeout`, in seconds.
    pub fn timeout(&self) -> u64 {
        shown(&self.keys["timeout"]).parse().expect("`timeout` is a number")
    }
}

/// All scripts that the samples configure.
pub fn scripts() -> Vec<Script> {
    SAMPLES
        .iter()
        .filter(|sample| sample.path.starts_with("config/"))
        .map(|sample| {
            let text = str::from_utf8(sample.contents).expect("configuration is UTF-8");
            if text.starts_with('{') { json(text) } else { ini(text) }
        })
        .flat_map(|sections| scripts_of(&sections))
        .collect()
}

/// The script of this name.
pub fn script(name: &str) -> Script {
    scripts().into_iter().find(|script| script.name == name).expect("the script is configured")
}

/// A value as a word of the command line.
pub fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn scripts_of(sections: &Sections) -> Vec<Script> {
    let section = |name: &Value| {
        let name = name.as_str().expect("sections are named by text");
        sections.get(name).unwrap_or_else(|| panic!("section `{name}` is missing")).clone()
    };
    sections["scripts"]
        .iter()
        .map(|(name, script)| {
            let keys = section(script);
            let arguments = section(&keys["args"])
                .iter()
                .map(|(argument, keys)| (argument.clone(), section(keys)))
                .inspect(|(_, keys)| {
                    if let Some(attributes) = keys.get("javascript_section") {
                        section(attributes);
                    }
                })
                .collect();
            Script { name: name.clone(), keys, arguments }
        })
        .collect()
}

fn json(text: &str) -> Sections {
    serde_json::from_str(text).expect("the file is JSON: an object of sections")
}

fn ini(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut current);
            assert!(
                sections.insert(name.to_owned(), Map::new()).is_none(),
                "section `{name}` is there twice"
            );
        } else {
            let (key, value) = line.split_once('=').expect("a line is a key and a value");
            sections
                .get_mut(&current)
                .expect("keys follow a section")
                .insert(key.trim().to_owned(), Value::from(value.trim()));
        }
    }
    sections
}
