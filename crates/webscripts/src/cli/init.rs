//! `webscripts init`: a new instance with a hardened layout and an administrator.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::instance::{ADMINISTRATOR, NewInstance};
use super::password;

/// Arguments of `webscripts init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Directory of the instance; it is made when absent
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Name of the administrator
    #[arg(long, value_name = "NAME", default_value = ADMINISTRATOR)]
    admin_name: String,
    /// File with the administrator's password in its first line; `-` is standard input [default:
    /// a generated password, printed once]
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// Leave the sample scripts out
    #[arg(long)]
    no_samples: bool,
}

impl InitArgs {
    /// Makes the instance.
    ///
    /// # Errors
    ///
    /// When the directory holds an instance already, is not safe, or cannot be written; nothing is
    /// left behind then.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let given = self.admin_password_file.as_deref().map(password::from_file).transpose()?;
        let instance = NewInstance {
            directory: &self.directory,
            administrator: &self.admin_name,
            password: given,
            has_samples: !self.no_samples,
        };
        let mut out = io::stdout();
        let directory = instance.make(&mut out)?;
        writeln!(
            out,
            "The instance is ready: `webscripts serve --directory {}` serves it",
            directory.display()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
