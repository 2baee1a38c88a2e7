//! The recorded exchanges, as they are in `data/`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A theme: parts that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Name of the file, such as `03-arguments`.
    #[serde(rename = "theme")]
    pub name: String,
    /// What it is about.
    pub about: String,
    /// The parts, each with fresh data.
    pub parts: Vec<Part>,
}

/// One start of the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it is about.
    #[serde(rename = "part")]
    pub name: String,
    /// What else there is to know.
    #[serde(rename = "note")]
    _note: Option<String>,
    /// Flags of the command line.
    pub command_line_flags: Vec<String>,
    /// Settings beside the defaults.
    pub configuration_on_top_of_default: Configuration,
    /// The steps, which depend on each other.
    pub steps: Vec<Step>,
}

/// Settings of a part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The section `server`.
    pub server: Map<String, Value>,
    /// Tools of the reference that are configured besides, by name.
    #[serde(default)]
    pub scripts: Map<String, Value>,
}

/// An exchange, or something observed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique within the theme.
    pub id: String,
    /// What it shows.
    #[serde(default)]
    pub note: String,
    /// What was sent.
    pub request: Option<Request>,
    /// What came back.
    pub response: Option<Response>,
    /// What was looked at instead.
    pub observed: Option<Value>,
}

/// A request as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Method, unless `raw`.
    #[serde(default)]
    pub method: String,
    /// Path with its query, unless `raw`.
    #[serde(default)]
    pub path: String,
    /// Headers in order, unless `raw`.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body that is JSON.
    pub json: Option<Value>,
    /// Body that is text.
    pub text: Option<Text>,
    /// Body of other bytes.
    pub base64: Option<String>,
    /// The whole request; each character is one byte.
    pub raw: Option<Text>,
    /// Address it came from, when not 127.0.0.1.
    pub client_address: Option<Ipv4Addr>,
    /// Whether the client ended its side of the connection after sending.
    #[serde(default)]
    pub client_closes_its_side_after_sending: bool,
}

/// A text, or what is known of a long one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// All of it.
    Whole(String),
    /// Its length and beginning.
    Described {
        /// Length in bytes.
        length: usize,
        /// The beginning.
        #[serde(alias = "first_200")]
        first_120: String,
    },
}

/// An answer as it came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Status line; absent when there was none.
    pub status_line: Option<String>,
    /// Name of the set in `_header_sets.json`.
    pub header_set: Option<String>,
    /// Headers that differ from the set.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether texts occurred in a page.
    #[serde(rename = "body_contains")]
    _body_contains: Option<Map<String, Value>>,
    /// How long it took, where that matters.
    pub elapsed_seconds_rounded: Option<f64>,
    /// What happened to the connection when no answer came.
    pub transport: Option<String>,
}

/// A recorded body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Length in bytes.
    #[serde(rename = "length")]
    _length: Option<usize>,
    /// A text.
    pub text: Option<Text>,
    /// JSON.
    pub json: Option<Value>,
    /// Digest of a body that is not kept.
    pub sha256: Option<String>,
    /// A page of the reference.
    pub html: Option<Value>,
    /// Whether there was none.
    #[serde(default)]
    pub empty: bool,
}

/// The headers of `_header_sets.json`.
#[derive(Debug, Deserialize)]
pub struct HeaderSets {
    sets: BTreeMap<String, Vec<(String, String)>>,
}

impl Response {
    /// The status code; `None` when no status line came.
    pub fn status(&self) -> Option<u16> {
        self.status_line.as_deref()?.split(' ').nth(1)?.parse().ok()
    }

    /// A header of the answer itself, not of its set.
    pub fn own_header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Request {
    /// Method and path, also of a raw request.
    pub fn target(&self) -> (&str, &str) {
        let Some(raw) = &self.raw else { return (&self.method, &self.path) };
        let text = match raw {
            Text::Whole(text) => text,
            Text::Described { first_120, .. } => first_120,
        };
        let mut words = text.trim_start().split([' ', '\r', '\n']);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The value of a header as it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl HeaderSets {
    /// Reads `_header_sets.json`.
    pub fn load() -> Result<Self> {
        load("_header_sets.json")
    }

    /// The headers the reference sends with every answer when `security` is on.
    pub fn secure(&self) -> &[(String, String)] {
        self.sets.get("secure").map_or(&[], Vec::as_slice)
    }
}

/// Reads `data/<name>.json`.
pub fn theme(name: &str) -> Result<Theme> {
    load(&format!("{name}.json"))
}

/// The folder of the recorded data.
pub fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/replay/data")
}

fn load<T: DeserializeOwned>(name: &str) -> Result<T> {
    let path = data().join(name);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not as expected", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_theme_is_read_to_the_last_field() {
        let steps: usize = crate::THEMES
            .iter()
            .flat_map(|name| theme(name).unwrap().parts)
            .map(|part| part.steps.len())
            .sum();

        assert_eq!(steps, 755);
    }

    #[test]
    fn a_raw_request_has_a_target_too() {
        let raw = Some(Text::Whole("\r\nGET /a HTTP/1.1\r\n\r\n".to_owned()));

        assert_eq!(Request { raw, ..Request::default() }.target(), ("GET", "/a"));
    }
}
