//! Keys of a script section (scripts.md §2).

use super::Key;
use super::Kind::{Any, Digest, Flag, Question, Text, Whole, Wholes, Word};
use super::run;

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
    // Its runs. Clients do not see these keys.
    Key::new("terminal", Flag, Some("false"), "Runs get a terminal in place of pipes."),
    Key::new(
        "interactive",
        Flag,
        Some("false"),
        "Standard input of runs stays open for more input; that of a terminal always does.",
    ),
    key(
        "max_concurrent",
        run::RUNS,
        "Its runs at the same time; unset: as many as the server has.",
    ),
    key("queue_length", run::QUEUE, "Its runs that may wait; unset: as many as the server allows."),
    run::RATE_LIMIT,
    key("run_output_bytes", run::OUTPUT, "Output kept of one run, in bytes; unset: as the server."),
    run::MEMORY_LIMIT,
    run::CPU_LIMIT,
    run::PROCESS_LIMIT,
    run::OPEN_FILES_LIMIT,
    run::FILE_SIZE_LIMIT,
    key(
        "sandbox",
        run::SANDBOX,
        "What runs may reach: none, default, strict or a section of the same file.",
    ),
    Key::new(
        "secrets_via",
        Word(&["argv", "stdin", "fd"]),
        Some(r#""argv""#),
        "How secret arguments reach it: as words, as first lines of standard input, or as files.",
    ),
    key("sha256", Digest, "Digest of its file; another file is not started."),
    key("view_groups", Wholes, "Groups that see all its runs."),
    key("view_users", Wholes, "Users who see all its runs."),
    key("stop_groups", Wholes, "Groups that see and stop all its runs."),
    key("stop_users", Wholes, "Users who see and stop all its runs."),
];
