//! The settings of the server, typed. Every field says meaning, unit, default and limits; the
//! names are those of the configuration files (configuration.md §7).

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use webscripts_domain::catalogue::RateLimit;
use webscripts_domain::identity::GroupId;
use webscripts_domain::sandbox::{Resources, Sandbox};

/// Everything the `server` section says, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Working directory of the instance, absolute. Scripts run in it.
    pub directory: PathBuf,
    /// The files the configuration was read from, absolute, in order.
    pub files: Vec<PathBuf>,
    /// Where and how the server listens.
    pub listen: ListenSettings,
    /// Who may come in, and for how long.
    pub access: AccessSettings,
    /// Limits of runs.
    pub runs: RunSettings,
    /// Where pages and files are found.
    pub pages: PageSettings,
    /// Logs.
    pub logs: LogSettings,
    /// Mail.
    pub mail: MailSettings,
    /// `data_dir`, absolute. Default: `data`.
    pub data_dir: PathBuf,
    /// `debug`: more words in error answers. Default: false.
    pub debug: bool,
    /// `security`: security headers are sent. Default: true.
    pub security: bool,
    /// `force_file_permissions`: scripts and configuration files must be safe from other accounts.
    /// Default: true.
    pub force_file_permissions: bool,
    /// `modules`: names of the parts that are on; kept for compatibility.
    pub modules: Vec<String>,
}

/// Where and how the server listens.
#[derive(Debug, Clone)]
pub struct ListenSettings {
    /// `interface`. Default: 127.0.0.1. A host name is resolved when the configuration is loaded.
    pub interface: IpAddr,
    /// `port`. Default: 8000. 0 lets the system choose.
    pub port: u16,
    /// `tls_certificate`: PEM file with the chain, absolute. Default: none, plain HTTP.
    pub tls_certificate: Option<PathBuf>,
    /// `tls_key`: PEM file with the private key, absolute.
    pub tls_key: Option<PathBuf>,
    /// `allow_public_without_tls`: plain HTTP on an address that others can reach. Default: false.
    pub allow_public_without_tls: bool,
    /// `base_url`: prefix of all paths, beginning with `/`, without a final one; empty: none.
    pub base_url: String,
    /// `webproxy_number`: HTTP proxies in front. Default: 0; `None` (null): forwarding headers are ignored.
    pub webproxy_number: Option<u32>,
    /// `trusted_proxies`: networks the last proxy connects from. Default: `127.0.0.0/8`, `::1/128`.
    pub trusted_proxies: Vec<IpNet>,
    /// `allowed_origins`: public origins besides the `Host` of the request. Default: none.
    pub allowed_origins: Vec<String>,
    /// `max_connections`: open connections. Default: 4096.
    pub max_connections: usize,
    /// `max_body_bytes`: longest request body. Default: 16 MiB.
    pub max_body_bytes: usize,
}

/// Who may come in, and for how long.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// `active_auth`: people sign in. Default: true.
    pub active_auth: bool,
    /// `auth_script`: name of the script that checks credentials; `None`: the built-in accounts.
    pub auth_script: Option<String>,
    /// `accept_unauthenticated_user`. Default: false. True everywhere when `active_auth` is false.
    pub accept_unauthenticated_user: bool,
    /// `accept_unknow_user`. Default: false. True everywhere when `active_auth` is false.
    pub accept_unknow_user: bool,
    /// `exclude_auth_paths`: prefixes that need no sign-in. Default: `/static/`, `/js/`.
    pub exclude_auth_paths: Vec<String>,
    /// `exclude_auth_pages`: exact paths that need no sign-in. Default: `/api/`, `/auth/`, `/web/auth/`.
    pub exclude_auth_pages: Vec<String>,
    /// `auth_failures_to_blacklist`. Default: 3; `None`: nobody is blocked.
    pub auth_failures_to_blacklist: Option<u32>,
    /// `blacklist_time`, seconds. Default: 30; `None`: nobody is blocked.
    pub blacklist_time_s: Option<u32>,
    /// `admin_groups`. Default: 1000.
    pub admin_groups: Vec<GroupId>,
    /// `session_max_time`, seconds. Default: 3600.
    pub session_max_time_s: u32,
    /// `max_sessions_per_user`: the oldest ends when there are more. Default: 16.
    pub max_sessions_per_user: u32,
    /// `csrf_max_time`, seconds. Default: 300.
    pub csrf_max_time_s: u32,
    /// `clear_site_data`: when the header of that name is sent.
    pub clear_site_data: ClearSiteData,
}

/// When `Clear-Site-Data` is sent (spec/README.md, decisions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearSiteData {
    /// On sign-in, sign-out, ended sessions, 401 and 403. The default.
    Auth,
    /// On every answer.
    Always,
}

/// Limits of runs.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// `default_timeout`, seconds, for scripts without `timeout`. Default: 600.
    pub default_timeout_s: u64,
    /// `run_output_bytes`: output kept of one run. Default: 64 MiB.
    pub output_bytes: u64,
    /// `max_runs`: runs at the same time. Default: 64.
    pub max_runs: usize,
    /// `max_runs_per_user`: runs of one user at the same time. Default: 16.
    pub max_runs_per_user: usize,
    /// `queue_length`: runs that may wait for their turn. Default: 1024.
    pub queue_length: usize,
    /// `rate_limit`: runs that one user may start per time. Default: `None`, any number.
    pub rate_limit: Option<RateLimit>,
    /// `runs_keep_days`: days after which runs are forgotten with their output. Default: 30.
    pub keep_days: u32,
    /// `runs_keep_bytes`: output kept of all runs. Default: 10 GiB.
    pub keep_bytes: u64,
    /// `stop_grace`: between asking a run to end and ending it. Default: 5 s.
    pub stop_grace: Duration,
    /// `shutdown_wait`: how long runs may finish when the server stops. Default: 10 s.
    pub shutdown_wait: Duration,
    /// `memory_limit`, `cpu_limit`, `process_limit`, `open_files_limit`, `file_size_limit` of runs
    /// of scripts that set none. Default: no limit, so that no script that ran before is broken.
    pub resources: Resources,
    /// `sandbox` of scripts that set none. Default: the preset `default`.
    pub sandbox: Sandbox,
    /// `sandbox_required`: nothing runs in a sandbox that this machine cannot enforce in full.
    /// Default: false.
    pub sandbox_required: bool,
    /// `accept_undeclared_arguments`: default of the scripts. Default: false.
    pub accept_undeclared_arguments: bool,
    /// `accept_option_like_values`: default of scripts and arguments. Default: false.
    pub accept_option_like_values: bool,
    /// `script_environment`: further variables of the server that scripts inherit. Default: none.
    pub script_environment: Vec<String>,
}

/// Where pages and files are found.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// `urls`: directory of a path → directory that answers (configuration.md §8).
    pub urls: Vec<(String, String)>,
    /// `statics_path`: files under `/static/`, base name → absolute path; the last one of a name wins.
    pub statics: Vec<(String, PathBuf)>,
    /// `js_path`: files under `/js/`, base name → absolute path.
    pub js: Vec<(String, PathBuf)>,
    /// `documentations_path`: absolute globs of documentation files.
    pub documentations: Vec<String>,
    /// `product_name`: shown on pages. Default: WebScripts.
    pub product_name: String,
    /// `sign_in_message`: shown above the sign-in form. Default: none.
    pub sign_in_message: Option<String>,
}

/// Logs.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// `log_filename`, absolute. Default: `logs/root.logs`.
    pub file: PathBuf,
    /// `log_level`, the number of the reference's levels. Default: 0.
    pub level: u8,
}

/// Mail, for later use.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `smtp_server`. Default: none, no mail.
    pub server: Option<String>,
    /// `smtp_port`. Default: 587 with STARTTLS, 465 with TLS, else 25.
    pub port: u16,
    /// `smtp_starttls`. Default: false.
    pub starttls: bool,
    /// `smtp_ssl`. Default: false.
    pub tls: bool,
    /// `smtp_password`. Refused without `smtp_starttls` or `smtp_ssl`.
    pub password: Option<SecretString>,
    /// `admin_adresses` (spelled as the reference does).
    pub admin_addresses: Vec<String>,
    /// `notification_address`.
    pub from: Option<String>,
}
