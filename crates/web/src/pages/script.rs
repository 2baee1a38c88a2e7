//! The page of a script: its form and the results of its runs (web-ui.md B6.3, B6.4).

use askama::Template;
use webscripts_domain::catalogue::Script;

use super::field::accepts_links;
use super::{FieldView, Prefill, Shell};

/// A script as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ScriptView {
    /// Name in addresses.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// Short text.
    pub description: Option<String>,
    /// Heading on the index; empty: none.
    pub category: String,
    /// What standard output holds.
    pub content_type: String,
    /// Whether output appears while the script runs.
    pub live: bool,
    /// Whether it runs in a terminal.
    pub terminal: bool,
    /// When the run is ended, in seconds.
    pub timeout_s: Option<u64>,
    /// Whether there is documentation.
    pub has_doc: bool,
    /// Question to ask before a run.
    pub confirm: Option<String>,
    /// Whether the page asks for the name of the script before a run.
    pub danger: bool,
}

impl ScriptView {
    /// What the page shows of a configured script.
    pub fn new(script: &Script, has_doc: bool) -> Self {
        let name = script.name.as_str();
        Self {
            name: name.to_owned(),
            label: script.label.clone().unwrap_or_else(|| name.to_owned()),
            description: script.description.clone().filter(|text| !text.trim().is_empty()),
            category: script.category.clone(),
            content_type: script.content_type.clone(),
            live: script.real_time,
            terminal: script.runs.terminal,
            timeout_s: script.timeout.map(|timeout| timeout.as_secs()),
            has_doc,
            confirm: script.confirm.clone().filter(|text| !text.trim().is_empty()),
            danger: script.danger,
        }
    }

    /// Words about the script: how it delivers and what.
    pub fn badges(script: &Script) -> Vec<String> {
        let mut badges = Vec::new();
        if script.real_time {
            badges.push("live".to_owned());
        }
        if script.runs.terminal {
            badges.push("terminal".to_owned());
        }
        let kind = script.content_type.to_ascii_lowercase();
        for (part, word) in [("csv", "table"), ("json", "JSON"), ("html", "page")] {
            if kind.contains(part) {
                badges.push(word.to_owned());
            }
        }
        if script.danger {
            badges.push("asks first".to_owned());
        }
        badges
    }

    /// The limit in words, such as `90 s` or `10 min`.
    pub fn timeout_text(&self) -> Option<String> {
        self.timeout_s.map(|seconds| match seconds {
            0..=119 => format!("{seconds} s"),
            120..=7199 if seconds % 60 == 0 => format!("{} min", seconds / 60),
            _ if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
            _ => format!("{} min {} s", seconds / 60, seconds % 60),
        })
    }
}

/// The form of a script and the room for its output.
#[derive(Debug, Clone, Template)]
#[template(path = "script.html")]
pub struct ScriptPage {
    /// The frame.
    pub shell: Shell,
    /// The script.
    pub script: ScriptView,
    /// Its arguments, in order.
    pub fields: Vec<FieldView>,
    /// Its arguments that are hidden until asked for.
    pub advanced: Vec<FieldView>,
    /// Names in the address that fill nothing.
    pub unknown: Vec<String>,
}

impl ScriptPage {
    /// The page of `script`, its form filled with the values of the address.
    pub fn new(shell: Shell, script: &Script, has_doc: bool, prefill: &Prefill) -> Self {
        let mut fields = Vec::new();
        let mut advanced = Vec::new();
        for (position, argument) in script.arguments.iter().enumerate() {
            let field = FieldView::from_argument(position, argument, prefill);
            if argument.advanced { &mut advanced } else { &mut fields }.push(field);
        }
        let accepted = |name: &str| {
            script.arguments.iter().any(|each| each.name == name && accepts_links(each))
        };
        Self {
            shell,
            script: ScriptView::new(script, has_doc),
            fields,
            advanced,
            unknown: prefill.unknown(accepted),
        }
    }

    /// Whether the form shows no control at all.
    pub fn is_empty(&self) -> bool {
        self.fields.iter().chain(&self.advanced).all(FieldView::is_hidden)
    }

    /// Whether a value of the address is among the advanced arguments.
    pub fn advanced_open(&self) -> bool {
        self.advanced.iter().any(|field| field.prefilled)
    }

    /// How many advanced arguments the form shows.
    pub fn advanced_count(&self) -> usize {
        self.advanced.iter().filter(|field| !field.is_hidden()).count()
    }

    /// Labels of the fields that the address filled.
    pub fn filled(&self) -> Vec<&str> {
        let all = self.fields.iter().chain(&self.advanced);
        all.filter(|field| field.prefilled).map(|field| field.label.as_str()).collect()
    }
}
