//! `webscripts completions` and `webscripts man`.

use crate::program::{run, unmade};

/// Commands and those below them, as people type them.
const COMMANDS: [&str; 17] = [
    "serve",
    "demo",
    "init",
    "check",
    "user add",
    "user list",
    "user passwd",
    "user disable",
    "user enable",
    "user delete",
    "group add",
    "group list",
    "group delete",
    "explain",
    "completions",
    "man",
    "help",
];

#[test]
fn the_manual_page_describes_every_command() {
    let printed = run(&unmade(), ["man"]).success().unwrap();

    assert!(printed.stdout.contains(".TH webscripts 1"), "{}", printed.stdout);
    for command in COMMANDS.iter().filter(|command| **command != "help") {
        let head = format!(".SH \"WEBSCRIPTS {}\"\n", command.to_uppercase());
        assert!(printed.stdout.contains(&head), "no {head}");
    }
    assert!(printed.stdout.contains("admin\\-password\\-file"));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = run(&unmade(), ["completions", shell]).success().unwrap();

        for word in COMMANDS.iter().flat_map(|command| command.split(' ')) {
            assert!(printed.stdout.contains(word), "{shell} does not know {word}");
        }
        assert!(printed.stdout.contains("admin-password-file"), "{shell}");
    }
}

#[test]
fn help_names_every_command() {
    let printed = run(&unmade(), ["--help"]).success().unwrap();

    for command in COMMANDS.iter().filter_map(|command| command.split(' ').next()) {
        let line = format!("\n  {command} ");
        assert!(printed.stdout.contains(&line), "no {command} in {}", printed.stdout);
    }
}

#[test]
fn wrong_usage_has_an_exit_status_of_its_own() {
    let refused = run(&unmade(), ["user", "ad"]);

    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("a similar subcommand exists: 'add'"), "{}", refused.stderr);
}
