//! `webscripts completions` and `webscripts man`, from the definitions of the command line.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

/// Arguments of `webscripts completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions.
    ///
    /// # Errors
    ///
    /// When standard output cannot be written.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "webscripts", &mut text);
        io::stdout().write_all(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints one manual page for the program and all its commands.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn man_page() -> anyhow::Result<ExitCode> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    let man = Man::new(program.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    for command in program.get_subcommands() {
        write_command(command, &mut page)?;
    }
    man.render_version_section(&mut page)?;
    io::stdout().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}

/// A section per command; what would be a section in a page of its own becomes a subsection.
fn write_command(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    if command.get_name() == "help" || command.is_hide_set() {
        return Ok(());
    }
    if command.has_subcommands() {
        return command.get_subcommands().try_for_each(|inner| write_command(inner, page));
    }
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let man = Man::new(command.clone());
    let mut sections = Vec::new();
    man.render_synopsis_section(&mut sections)?;
    man.render_description_section(&mut sections)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut sections)?;
    }
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    for line in sections.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b".SH ") {
            Some(title) => {
                page.extend(b".SS ");
                page.extend(title);
            }
            None => page.extend(line),
        }
    }
    Ok(())
}
