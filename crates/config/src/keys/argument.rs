//! Keys of an argument section (scripts.md §3, spec/README.md decisions).

use super::Key;
use super::Kind::{Any, Flag, Number, Object, Question, Text, Texts, Whole};

const fn key(name: &'static str, kind: super::Kind, meaning: &'static str) -> Key {
    Key::new(name, kind, None, meaning)
}

const LENGTH: super::Kind = Whole { least: 0, most: 1 << 40 };

/// Keys of an argument section.
pub const ARGUMENT_KEYS: &[Key] = &[
    Key::new("html_type", Text, Some(r#""text""#), "Kind of control, a type of HTML inputs."),
    key("description", Text, "Help text."),
    key("example", Any, "Example value."),
    key("default_value", Any, "Value the control starts with."),
    key("predefined_values", Texts, "The choices; nothing else is accepted."),
    key("list", Flag, "Several values."),
    key("input", Flag, "The value goes to standard input."),
    Key::new("is_advanced", Flag, Some("false"), "Hidden until asked for."),
    Key::new(
        "secret",
        Flag,
        Some("false"),
        "The value is never shown or kept; that of the type `password` never is.",
    ),
    key("javascript_section", Text, "Section of attributes of the control."),
    key("javascript_attributs", Object, "Attributes of the control, without a section."),
    key("label", Text, "Name for people.").published(),
    key("required", Flag, "A value must be given.").published(),
    key("multiline", Flag, "Text with line breaks.").published(),
    key("confirm", Question, "Question before a run with a value here.").published(),
    key("danger", Flag, "A value here destroys something.").published(),
    key("pattern", Text, "Regular expression the whole value must match.").published(),
    key("min", Number, "Smallest number.").published(),
    key("max", Number, "Largest number.").published(),
    key("min_length", LENGTH, "Fewest characters.").published(),
    key("max_length", LENGTH, "Most characters.").published(),
    key("accept_option_like_values", Flag, "Text may begin with `-`.").published(),
];
