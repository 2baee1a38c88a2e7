//! Keys of a script section (scripts.md §2).

use super::Key;
use super::Kind::{Any, Flag, Question, Text, Whole, Wholes};

const fn key(name: &'static str, kind: super::Kind, meaning: &'static str) -> Key {
    Key::new(name, kind, None, meaning)
}

/// Keys of a script section.
pub const SCRIPT_KEYS: &[Key] = &[
    key("launcher", Text, "Program that interprets the script; without it the script is executed."),
    key("path", Text, "Where the script is; without it `scripts_path` is searched."),
    key("configuration_file", Text, "File whose section `script` is read instead of this one."),
    key("args", Text, "Section that names the arguments."),
    key("label", Text, "Name for people.").published(),
    key("description", Text, "Short text for people."),
    Key::new("category", Text, Some(r#""""#), "Heading on the index; empty: not on the index."),
    Key::new("content_type", Text, Some(r#""text/plain""#), "What standard output holds."),
    Key::new("stderr_content_type", Text, Some(r#""text/plain""#), "What standard error holds."),
    key("timeout", Whole { least: 0, most: 31_536_000 }, "Seconds until the run is ended."),
    Key::new("print_real_time", Flag, Some("false"), "Output is delivered while the script runs."),
    Key::new("no_password", Flag, Some("false"), "The command line holds no secret; it is logged."),
    key("minimum_access", Whole { least: 0, most: i64::MAX as u64 }, "Smallest group that may."),
    key("access_groups", Wholes, "Groups that may run it."),
    key("access_users", Wholes, "Users who may run it."),
    key("documentation_file", Text, "File with its documentation."),
    Key::new(
        "documentation_content_type",
        Text,
        Some(r#""text/html""#),
        "Type of the documentation.",
    ),
    key("command_generate_documentation", Text, "Command that writes the documentation."),
    key("secrets", Any, "Values for the script alone, in `SCRIPT_CONFIG`."),
    key("confirm", Question, "Question before a run.").published(),
    key("danger", Flag, "A run destroys something.").published(),
    key("accept_undeclared_arguments", Flag, "The script gets arguments that are not declared."),
    key("accept_option_like_values", Flag, "Text of arguments may begin with `-`."),
];
