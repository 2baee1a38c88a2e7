//! Options that several commands share, and those of the reference (configuration.md §13).

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use webscripts_config::{OverrideValue, Overrides, Sources};

/// Where the configuration is.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigurationOptions {
    /// Working directory of the instance [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Further INI configuration files
    #[arg(short = 'c', long, value_name = "FILE", num_args = 1..)]
    pub config_cfg: Vec<PathBuf>,
    /// Further JSON configuration files
    #[arg(short = 'j', long, value_name = "FILE", num_args = 1..)]
    pub config_json: Vec<PathBuf>,
}

impl ConfigurationOptions {
    /// What the configuration is read from, without further values of the command line.
    ///
    /// # Errors
    ///
    /// When the directory does not exist.
    pub fn sources(&self) -> anyhow::Result<Sources> {
        let given = self.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        let directory = given
            .canonicalize()
            .with_context(|| format!("the directory `{}` cannot be used", given.display()))?;
        Ok(Sources {
            directory,
            ini_files: self.config_cfg.clone(),
            json_files: self.config_json.clone(),
            overrides: Overrides::default(),
            insecure: false,
            process_user: rustix::process::geteuid().as_raw(),
        })
    }
}

/// Options of the server. The names and meanings are those of the reference.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command line")]
pub struct ServeOptions {
    #[command(flatten)]
    pub configuration: ConfigurationOptions,
    /// Listening address
    #[arg(short, long, value_name = "ADDRESS")]
    pub interface: Option<String>,
    /// Listening port; 0 lets the system choose
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<u16>,
    /// More words in error answers
    #[arg(short, long)]
    pub debug: bool,
    /// Switch security headers and file permission checks off
    #[arg(short, long)]
    pub security: bool,
    /// Switch signing in off: everybody is accepted
    #[arg(short, long)]
    pub active_auth: bool,
    /// Name of the script that checks credentials
    #[arg(long, value_name = "NAME")]
    pub auth_script: Option<String>,
    /// Accept people who have not signed in
    #[arg(long)]
    pub accept_unauthenticated_user: bool,
    /// Accept people whose session does not fit
    #[arg(long)]
    pub accept_unknow_user: bool,
    /// Failed sign-ins that block
    #[arg(short = 'b', long, value_name = "NUMBER")]
    pub auth_failures_to_blacklist: Option<u32>,
    /// Seconds a block lasts
    #[arg(short = 'B', long, value_name = "SECONDS")]
    pub blacklist_time: Option<u32>,
    /// Path prefixes that need no sign-in
    #[arg(long, alias = "e-auth-paths", value_name = "PATH", num_args = 1..)]
    pub exclude_auth_paths: Vec<String>,
    /// Paths that need no sign-in
    #[arg(long, alias = "e-auth-pages", value_name = "PATH", num_args = 1..)]
    pub exclude_auth_pages: Vec<String>,
    /// Directories of scripts
    #[arg(short = 'S', long, value_name = "DIR", num_args = 1..)]
    pub scripts_path: Vec<String>,
    /// Script configuration files: patterns that end in .json or .ini
    #[arg(short = 'C', long, value_name = "PATTERN", num_args = 1..)]
    pub scripts_config: Vec<String>,
    /// Modules that are on
    #[arg(short, long, value_name = "NAME", num_args = 1..)]
    pub modules: Vec<String>,
    /// Directories of modules
    #[arg(short = 'I', long, value_name = "DIR", num_args = 1..)]
    pub modules_path: Vec<String>,
    /// Patterns of documentation files
    #[arg(short = 'D', long, value_name = "PATTERN", num_args = 1..)]
    pub documentations_path: Vec<String>,
    /// Patterns of files below /js/
    #[arg(short = 'J', long, value_name = "PATTERN", num_args = 1..)]
    pub js_path: Vec<String>,
    /// Patterns of files below /static/
    #[arg(short = 'T', long, value_name = "PATTERN", num_args = 1..)]
    pub statics_path: Vec<String>,
    /// Level of the log
    #[arg(short, long, value_name = "LEVEL",
          value_parser = ["0", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])]
    pub log_level: Option<String>,
    /// File of the log
    #[arg(short = 'f', long, value_name = "FILE")]
    pub log_filename: Option<String>,
    /// Format of the log
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Format of dates in the log
    #[arg(long, value_name = "FORMAT")]
    pub log_date_format: Option<String>,
    /// Encoding of the log
    #[arg(long, value_name = "NAME")]
    pub log_encoding: Option<String>,
    /// Mail server
    #[arg(long, alias = "s-server", value_name = "HOST")]
    pub smtp_server: Option<String>,
    /// STARTTLS with the mail server
    #[arg(long, alias = "s-tls")]
    pub smtp_starttls: bool,
    /// Password of the mail server; visible in the process list, so prefer the environment
    #[arg(
        long,
        alias = "s-password",
        value_name = "PASSWORD",
        env = "WEBSCRIPTS_SMTP_PASSWORD",
        hide_env_values = true
    )]
    pub smtp_password: Option<String>,
    /// Port of the mail server
    #[arg(long, alias = "s-port", value_name = "PORT")]
    pub smtp_port: Option<u16>,
    /// TLS with the mail server from the start
    #[arg(long, alias = "s-ssl")]
    pub smtp_ssl: bool,
    /// Addresses of the administrators
    #[arg(long, alias = "a-adr", value_name = "ADDRESS", num_args = 1..)]
    pub admin_adresses: Vec<String>,
    /// Sender of mail
    #[arg(long, alias = "n-adr", value_name = "ADDRESS")]
    pub notification_address: Option<String>,
    /// Do everything except serving
    #[arg(long, hide = true)]
    pub test_running: bool,
}

impl ServeOptions {
    /// What the configuration is read from, with the values of the command line.
    ///
    /// # Errors
    ///
    /// When the directory does not exist, or a script configuration has an unknown extension.
    pub fn sources(&self) -> anyhow::Result<Sources> {
        let mut sources = self.configuration.sources()?;
        sources.insecure = self.security;
        sources.overrides = self.overrides()?;
        Ok(sources)
    }

    fn overrides(&self) -> anyhow::Result<Overrides> {
        let flags = [
            ("debug", self.debug, true),
            ("security", self.security, false),
            ("active_auth", self.active_auth, false),
            ("accept_unauthenticated_user", self.accept_unauthenticated_user, true),
            ("accept_unknow_user", self.accept_unknow_user, true),
            ("smtp_starttls", self.smtp_starttls, true),
            ("smtp_ssl", self.smtp_ssl, true),
        ];
        let number = |value: Option<u32>| value.map(|number| number.to_string());
        let port = |value: Option<u16>| value.map(|number| number.to_string());
        let texts = [
            ("interface", self.interface.clone()),
            ("port", port(self.port)),
            ("auth_script", self.auth_script.clone()),
            ("auth_failures_to_blacklist", number(self.auth_failures_to_blacklist)),
            ("blacklist_time", number(self.blacklist_time)),
            ("log_level", self.log_level.clone()),
            ("log_filename", self.log_filename.clone()),
            ("log_format", self.log_format.clone()),
            ("log_date_format", self.log_date_format.clone()),
            ("log_encoding", self.log_encoding.clone()),
            ("smtp_server", self.smtp_server.clone()),
            ("smtp_password", self.smtp_password.clone()),
            ("smtp_port", port(self.smtp_port)),
            ("notification_address", self.notification_address.clone()),
        ];
        let (json, ini) = self.script_configurations()?;
        let lists = [
            ("exclude_auth_paths", &self.exclude_auth_paths),
            ("exclude_auth_pages", &self.exclude_auth_pages),
            ("scripts_path", &self.scripts_path),
            ("json_scripts_config", &json),
            ("ini_scripts_config", &ini),
            ("modules", &self.modules),
            ("modules_path", &self.modules_path),
            ("documentations_path", &self.documentations_path),
            ("js_path", &self.js_path),
            ("statics_path", &self.statics_path),
            ("admin_adresses", &self.admin_adresses),
        ];
        let flags = flags
            .into_iter()
            .filter(|(_, given, _)| *given)
            .map(|(key, _, value)| (key.to_owned(), OverrideValue::Flag(value)));
        let texts = texts
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), OverrideValue::Text(value?))));
        let lists = lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(key, values)| (key.to_owned(), OverrideValue::List(values.clone())));
        Ok(flags.chain(texts).chain(lists).collect())
    }

    /// `--scripts-config` by extension.
    fn script_configurations(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let has = |pattern: &str, extension: &str| {
            std::path::Path::new(pattern)
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case(extension))
        };
        let (json, rest): (Vec<String>, Vec<String>) =
            self.scripts_config.iter().cloned().partition(|pattern| has(pattern, "json"));
        if let Some(other) = rest.iter().find(|pattern| !has(pattern, "ini")) {
            anyhow::bail!("--scripts-config `{other}` must end in .json or .ini");
        }
        Ok((json, rest))
    }
}
