//! `webscripts group`: groups of accounts. The number is what access rules compare.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use webscripts_domain::identity::GroupId;

use super::ConfigurationOptions;
use super::accounts::with_accounts;
use super::table::write_table;

/// Arguments of `webscripts group`.
#[derive(Debug, Args)]
pub struct GroupArgs {
    #[command(subcommand)]
    command: GroupCommand,
}

#[derive(Debug, Subcommand)]
enum GroupCommand {
    /// Makes a group.
    Add {
        /// Number: a script with `minimum_access` accepts groups of at least that number
        #[arg(value_name = "ID")]
        id: i64,
        /// Name
        name: String,
        #[command(flatten)]
        configuration: ConfigurationOptions,
    },
    /// Lists the groups.
    List {
        #[command(flatten)]
        configuration: ConfigurationOptions,
    },
    /// Deletes a group and takes it from all accounts.
    Delete {
        /// Number
        #[arg(value_name = "ID")]
        id: i64,
        #[command(flatten)]
        configuration: ConfigurationOptions,
    },
}

impl GroupArgs {
    /// Carries the command out.
    ///
    /// # Errors
    ///
    /// When the group cannot be changed as asked.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            GroupCommand::Add { id, name, configuration } => {
                add(GroupId(*id), name, configuration)?;
            }
            GroupCommand::List { configuration } => list(configuration)?,
            GroupCommand::Delete { id, configuration } => delete(GroupId(*id), configuration)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn add(id: GroupId, name: &str, options: &ConfigurationOptions) -> anyhow::Result<()> {
    with_accounts(options, async |accounts| Ok(accounts.add_group(id, name).await?))?;
    writeln!(io::stdout(), "Group `{name}` has the number {id}")?;
    Ok(())
}

fn list(options: &ConfigurationOptions) -> anyhow::Result<()> {
    let groups = with_accounts(options, async |accounts| Ok(accounts.groups().await?))?;
    let rows: Vec<[String; 2]> =
        groups.into_iter().map(|group| [group.id.to_string(), group.name]).collect();
    write_table(&mut io::stdout().lock(), ["ID", "NAME"], &rows)?;
    Ok(())
}

fn delete(id: GroupId, options: &ConfigurationOptions) -> anyhow::Result<()> {
    with_accounts(options, async |accounts| Ok(accounts.delete_group(id).await?))?;
    writeln!(io::stdout(), "Group {id} was deleted and taken from all accounts")?;
    Ok(())
}
