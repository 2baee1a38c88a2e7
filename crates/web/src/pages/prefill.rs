//! Values for a form from the query string of its address (web-ui.md B6.3).

use percent_encoding::percent_decode_str;

/// The most pairs that are read from an address.
const MAX_PAIRS: usize = 500;

/// Values by name, in the order of the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefill(Vec<(String, String)>);

impl Prefill {
    /// Reads a query string without its `?`: pairs with `&`, `+` for spaces, percent encoding.
    /// Bytes that are not UTF-8 become replacement characters.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// Whether the address holds no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All values of a name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The last value of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names that `is_known` does not know, each once, in order.
    pub fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Vec<String> {
        let mut unknown: Vec<String> = Vec::new();
        for (name, _) in &self.0 {
            if !is_known(name) && !unknown.contains(name) {
                unknown.push(name.clone());
            }
        }
        unknown
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
