//! The command line: one file per command.

mod accounts;
mod check;
mod demo;
mod explain;
mod generate;
mod group;
mod init;
mod instance;
mod options;
mod password;
mod serve;
mod table;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use options::{ConfigurationOptions, ServeOptions};

/// Safe access to your scripts: forms, an HTTP API, live output.
///
/// Without a command the server starts, as with `serve`.
#[derive(Debug, Parser)]
#[command(
    name = "webscripts",
    version,
    args_conflicts_with_subcommands = true,
    infer_long_args = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the server.
    Serve(Box<ServeOptions>),
    /// Makes a demonstration instance, if there is none, and serves it.
    Demo(demo::DemoArgs),
    /// Makes a new instance: configuration, folders, an administrator.
    Init(init::InitArgs),
    /// Checks the whole configuration without starting anything.
    Check(check::CheckArgs),
    /// Adds, lists and changes user accounts.
    User(user::UserArgs),
    /// Adds, lists and deletes groups.
    Group(group::GroupArgs),
    /// Says what would run for a user, and why.
    Explain(explain::ExplainArgs),
    /// Prints shell completions.
    Completions(generate::CompletionsArgs),
    /// Prints the manual page.
    Man,
}

/// Reads the command line and carries it out.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => serve::run(&cli.serve),
        Some(Command::Serve(options)) => serve::run(&options),
        Some(Command::Demo(args)) => args.run(),
        Some(Command::Init(args)) => args.run(),
        Some(Command::Check(args)) => args.run(),
        Some(Command::User(args)) => args.run(),
        Some(Command::Group(args)) => args.run(),
        Some(Command::Explain(args)) => args.run(),
        Some(Command::Completions(args)) => args.run(),
        Some(Command::Man) => generate::man_page(),
    };
    result.unwrap_or_else(|error| {
        print_error(&error);
        ExitCode::FAILURE
    })
}

/// An error with all its causes, for people.
#[expect(clippy::print_stderr, reason = "this is where commands report failure")]
fn print_error(error: &anyhow::Error) {
    eprintln!("webscripts: {}", causes(error).join("\n  because "));
}

/// The texts of an error and its causes; one that the text before it ends with is left out.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in error.chain().map(ToString::to_string) {
        if texts.last().is_none_or(|before| !before.ends_with(&text)) {
            texts.push(text);
        }
    }
    texts
}
