//! Every key of the configuration: its type, default and meaning.
//!
//! These tables are the one description of the keys: coercion (configuration.md §6), the built-in
//! layer of defaults, the detection of unknown keys and the documentation all read them.

mod argument;
mod run;
mod sandbox;
mod script;
mod server;

pub use argument::ARGUMENT_KEYS;
pub use sandbox::SANDBOX_KEYS;
pub use script::SCRIPT_KEYS;
pub use server::{SERVER_KEYS, URLS};

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number of ASCII digits.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A number of bytes: a whole number, or one with `K`, `M`, `G`, `T` or `KiB`, `MiB`, `GiB`,
    /// `TiB` behind it, which are powers of 1024.
    Bytes {
        /// The fewest.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A number of runs per second, minute or hour, such as `10/minute`.
    Rate,
    /// A SHA-256 digest: 64 hexadecimal digits.
    Digest,
    /// `true`, `false` or a list of TCP ports.
    Network,
    /// Any number, also below zero or with a fraction.
    Number,
    /// Text.
    Text,
    /// A list of texts; one text is split at commas, items are trimmed.
    Texts,
    /// A list of whole numbers; one text is split at commas.
    Wholes,
    /// A level of the log: a number from 0 to 255 or a name (configuration.md §9).
    Level,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A question; `true` asks a general one.
    Question,
    /// A JSON object.
    Object,
    /// Anything.
    Any,
}

impl Kind {
    /// Any number of seconds, bytes or the like that fits 32 bits, from `least`.
    const fn from(least: u64) -> Self {
        Self::Whole { least, most: u32::MAX as u64 }
    }

    /// The kind in words, for documentation.
    pub fn describe(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole { least, most } => format!("whole number, {least} to {most}"),
            Self::Bytes { least, most } => {
                format!("bytes, {least} to {most}, also such as 512 MiB")
            }
            Self::Rate => "number of runs per second, minute or hour".to_owned(),
            Self::Digest => "64 hexadecimal digits".to_owned(),
            Self::Network => "true, false or a list of ports".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::Wholes => "list of whole numbers".to_owned(),
            Self::Level => "level of the log".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Question => "text, or true".to_owned(),
            Self::Object => "JSON object".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name, as it is written in files.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value when no file sets it, as JSON; `None`: nothing is set.
    pub default: Option<&'static str>,
    /// Meaning and unit, one sentence.
    pub meaning: &'static str,
    /// Whether clients see it in the API although the reference has no such key.
    pub published: bool,
}

impl Key {
    const fn new(
        name: &'static str,
        kind: Kind,
        default: Option<&'static str>,
        meaning: &'static str,
    ) -> Self {
        Self { name, kind, default, meaning, published: false }
    }

    const fn published(mut self) -> Self {
        self.published = true;
        self
    }
}

/// The key of this name in a table.
pub fn find(table: &'static [Key], name: &str) -> Option<&'static Key> {
    table.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coerce::coerce;

    #[test]
    fn every_name_is_there_once_and_every_default_fits_its_key() {
        for table in [SERVER_KEYS, SCRIPT_KEYS, ARGUMENT_KEYS, SANDBOX_KEYS] {
            for key in table {
                let same = table.iter().filter(|other| other.name == key.name).count();
                assert_eq!(same, 1, "{}", key.name);
                if let Some(default) = key.default {
                    let default = serde_json::from_str(default).unwrap();
                    assert_eq!(coerce(key.kind, &default), Ok(default), "{}", key.name);
                }
            }
        }
    }

    #[test]
    fn every_meaning_is_a_sentence() {
        for key in [SERVER_KEYS, SCRIPT_KEYS, ARGUMENT_KEYS, SANDBOX_KEYS].concat() {
            assert!(key.meaning.ends_with('.') && key.meaning.len() < 160, "{}", key.name);
            assert!(!key.kind.describe().is_empty());
        }
    }
}
