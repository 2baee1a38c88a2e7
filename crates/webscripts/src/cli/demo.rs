//! `webscripts demo`: an instance with sample scripts, made when absent, and its server.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::instance::{ADMINISTRATOR, NewInstance, is_instance};
use super::{ConfigurationOptions, ServeOptions, serve};

/// Arguments of `webscripts demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Directory of the instance
    #[arg(value_name = "DIR", default_value = "demo")]
    directory: PathBuf,
    /// Listening port; 0 lets the system choose
    #[arg(short, long, value_name = "PORT", default_value_t = 8000)]
    port: u16,
    /// Listening address
    #[arg(short, long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    interface: String,
}

impl DemoArgs {
    /// Makes the instance, if there is none, and serves it until a signal comes.
    ///
    /// # Errors
    ///
    /// When the instance cannot be made or served.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        if is_instance(&self.directory) {
            say_how_to_sign_in(&self.directory)?;
        } else {
            let instance = NewInstance {
                directory: &self.directory,
                administrator: ADMINISTRATOR,
                password: None,
                has_samples: true,
            };
            instance.make(&mut io::stdout())?;
        }
        serve::run(&ServeOptions {
            configuration: ConfigurationOptions {
                directory: Some(self.directory.clone()),
                ..ConfigurationOptions::default()
            },
            interface: Some(self.interface.clone()),
            port: Some(self.port),
            ..ServeOptions::default()
        })
    }
}

fn say_how_to_sign_in(directory: &Path) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "The password of `{ADMINISTRATOR}` was printed at the first start; \
         `webscripts user passwd {ADMINISTRATOR} --directory {}` sets a new one",
        directory.display()
    )
}
