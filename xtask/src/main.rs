//! Every command of the project: `cargo xtask` lists them.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program starts the tools of the project and talks to a terminal"
)]

mod audit;
mod bench;
mod browser;
mod process;
mod screenshots;
mod setup;
mod soak;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::bail;

/// A command, as `cargo xtask` lists and starts it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: [Command; 5] = [
    Command {
        name: "test",
        arguments: "[--only STEP]… [-- ARGUMENTS]",
        about: "sets up what is missing, then checks and tests everything (what CI runs)",
        run: test::run,
    },
    Command {
        name: "audit",
        arguments: "",
        about: "checks licences, bans and known weaknesses of dependencies (cargo-deny)",
        run: audit::run,
    },
    Command {
        name: "bench",
        arguments: "[ARGUMENTS]",
        about: "measures the server against a bare loop doing the same work",
        run: bench::run,
    },
    Command {
        name: "soak",
        arguments: "[ARGUMENTS]",
        about: "runs a mixture of scripts for ten minutes and fails when anything grows",
        run: soak::run,
    },
    Command {
        name: "screenshots",
        arguments: "DIR",
        about: "takes a picture of every page in both themes, on a phone and on a desktop",
        run: screenshots::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return Ok(());
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => bail!("there is no command `{name}`\n\n{}", help()),
    }
}

fn help() -> String {
    let mut lines = vec!["Usage: cargo xtask COMMAND\n\nCommands:".to_owned()];
    lines.extend(COMMANDS.iter().map(|command| {
        let usage = format!("{} {}", command.name, command.arguments);
        format!("  {:<36} {}", usage.trim_end(), command.about)
    }));
    lines.push("\nSteps of `test`:".to_owned());
    lines.extend(test::steps().map(|(name, about)| format!("  {name:<36} {about}")));
    lines.join("\n") + "\n"
}
