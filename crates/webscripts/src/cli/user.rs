//! `webscripts user`: accounts. A server that is running sees every change at the next request.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use webscripts_app::accounts::{AccountAdministration, AccountRequest};
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::GroupId;
use webscripts_store::accounts::User;

use super::accounts::with_accounts;
use super::table::write_table;
use super::{ConfigurationOptions, password};

/// Name of the API key that `user add --api-key` makes.
const API_KEY_LABEL: &str = "command line";
/// Accounts read at a time.
const PAGE: u32 = 1000;

/// Arguments of `webscripts user`.
#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Makes an account; without a password file the password is generated and printed once.
    Add(AddArgs),
    /// Lists the accounts.
    List(ListArgs),
    /// Changes a password; all sessions of the account end.
    Passwd(PasswdArgs),
    /// Refuses sign-in to an account; all its sessions end.
    Disable(NameArgs),
    /// Allows sign-in again.
    Enable(NameArgs),
    /// Deletes an account with its keys and sessions.
    Delete(NameArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Name to sign in with
    name: String,
    /// Number of a group; administrators are in 50 and 1000
    #[arg(long = "group", value_name = "ID", default_value = "50")]
    groups: Vec<i64>,
    /// Pattern of the categories the account may use [default: *]
    #[arg(long = "category", value_name = "PATTERN")]
    categories: Vec<String>,
    /// Pattern of the scripts the account may use [default: *]
    #[arg(long = "script", value_name = "PATTERN")]
    scripts: Vec<String>,
    /// Pattern of the addresses the account may sign in from [default: *]
    #[arg(long = "ip", value_name = "PATTERN")]
    addresses: Vec<String>,
    /// File with the password in its first line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Make an API key and print it once
    #[arg(long)]
    api_key: bool,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

#[derive(Debug, Args)]
struct PasswdArgs {
    /// Name of the account
    name: String,
    /// File with the password in its first line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    password_file: Option<PathBuf>,
    /// Generate a password and print it once
    #[arg(long)]
    generate: bool,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

#[derive(Debug, Args)]
struct NameArgs {
    /// Name of the account
    name: String,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

impl UserArgs {
    /// Carries the command out.
    ///
    /// # Errors
    ///
    /// When the account cannot be changed as asked.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            UserCommand::Add(args) => args.run()?,
            UserCommand::List(args) => args.run()?,
            UserCommand::Passwd(args) => args.run()?,
            UserCommand::Disable(args) => args.set_disabled(true)?,
            UserCommand::Enable(args) => args.set_disabled(false)?,
            UserCommand::Delete(args) => args.delete()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl AddArgs {
    fn run(&self) -> anyhow::Result<()> {
        let given = self.password_file.as_deref().map(password::from_file).transpose()?;
        with_accounts(&self.configuration, async |accounts| {
            let (password, is_generated) = match given {
                Some(password) => (password, false),
                None => (accounts.generate_password()?, true),
            };
            let id = accounts.add_user(&self.request(), &password).await?;
            let mut out = io::stdout().lock();
            writeln!(out, "User `{}` has the number {id}", self.name)?;
            if is_generated {
                writeln!(out, "Password: {}", password.expose_secret())?;
            }
            if self.api_key {
                let key = accounts.make_api_key(&self.name, API_KEY_LABEL).await?;
                writeln!(out, "API key: {}", key.expose_secret())?;
            }
            Ok(())
        })
    }

    fn request(&self) -> AccountRequest {
        let groups = self.groups.iter().copied().map(GroupId).collect();
        let mut request = AccountRequest::new(&self.name, groups);
        for (given, patterns) in [
            (&self.addresses, &mut request.addresses),
            (&self.categories, &mut request.categories),
            (&self.scripts, &mut request.scripts),
        ] {
            if !given.is_empty() {
                *patterns = given.iter().map(Glob::new).collect();
            }
        }
        request
    }
}

impl ListArgs {
    fn run(&self) -> anyhow::Result<()> {
        let users = with_accounts(&self.configuration, all_users)?;
        let mut out = io::stdout().lock();
        if self.json {
            let users: Vec<Value> = users.iter().map(as_json).collect();
            writeln!(out, "{:#}", Value::from(users))?;
            return Ok(());
        }
        let head =
            ["ID", "NAME", "STATE", "GROUPS", "CATEGORIES", "SCRIPTS", "ADDRESSES", "LAST SIGN-IN"];
        write_table(&mut out, head, &users.iter().map(as_row).collect::<Vec<_>>())?;
        Ok(())
    }
}

async fn all_users(accounts: &AccountAdministration) -> anyhow::Result<Vec<User>> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let page = accounts.users(users.last().map(|user| user.id), PAGE).await?;
        if page.is_empty() {
            return Ok(users);
        }
        users.extend(page);
    }
}

fn as_row(user: &User) -> [String; 8] {
    let patterns = |globs: &[Glob]| globs.iter().map(Glob::as_str).collect::<Vec<_>>().join(",");
    let groups: Vec<String> = user.groups.iter().map(ToString::to_string).collect();
    [
        user.id.to_string(),
        user.name.clone(),
        (if user.disabled { "disabled" } else { "enabled" }).to_owned(),
        groups.join(","),
        patterns(&user.categories),
        patterns(&user.scripts),
        patterns(&user.addresses),
        user.last_sign_in.map_or_else(|| "never".to_owned(), |time| time.to_string()),
    ]
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "disabled": user.disabled,
        "groups": user.groups,
        "categories": user.categories,
        "scripts": user.scripts,
        "addresses": user.addresses,
        "created": user.created.to_string(),
        "last_sign_in": user.last_sign_in.map(|time| time.to_string()),
    })
}

impl PasswdArgs {
    fn run(&self) -> anyhow::Result<()> {
        let given = self.given()?;
        with_accounts(&self.configuration, async |accounts| {
            let is_generated = given.is_none();
            let password = given.map_or_else(|| accounts.generate_password(), Ok)?;
            accounts.set_password(&self.name, &password).await?;
            let mut out = io::stdout().lock();
            writeln!(out, "The password of `{}` was changed; its sessions have ended", self.name)?;
            if is_generated {
                writeln!(out, "Password: {}", password.expose_secret())?;
            }
            Ok(())
        })
    }

    /// The password the person chose; `None`: one is to be generated.
    fn given(&self) -> anyhow::Result<Option<SecretString>> {
        match &self.password_file {
            Some(file) => password::from_file(file).map(Some),
            None if self.generate => Ok(None),
            None => password::from_terminal(&self.name).map(Some),
        }
    }
}

impl NameArgs {
    fn set_disabled(&self, disabled: bool) -> anyhow::Result<()> {
        with_accounts(&self.configuration, async |accounts| {
            Ok(accounts.set_disabled(&self.name, disabled).await?)
        })?;
        let result = if disabled { "disabled; its sessions have ended" } else { "enabled" };
        writeln!(io::stdout(), "User `{}` is {result}", self.name)?;
        Ok(())
    }

    fn delete(&self) -> anyhow::Result<()> {
        with_accounts(&self.configuration, async |accounts| {
            Ok(accounts.delete_user(&self.name).await?)
        })?;
        writeln!(io::stdout(), "User `{}` was deleted", self.name)?;
        Ok(())
    }
}
