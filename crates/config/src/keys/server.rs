//! Keys of the section `server` (configuration.md §7), with the values the program ships.

use super::Key;
use super::Kind::{Bytes, Flag, Level, Text, Texts, Whole, Wholes, Word};
use super::run;

const fn key(
    name: &'static str,
    kind: super::Kind,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key::new(name, kind, Some(default), meaning)
}

const fn open(name: &'static str, kind: super::Kind, meaning: &'static str) -> Key {
    Key::new(name, kind, None, meaning)
}

/// Keys of the section `server`.
pub const SERVER_KEYS: &[Key] = &[
    // Listening.
    key("interface", Text, r#""127.0.0.1""#, "Address or host name to listen on."),
    key("port", Whole { least: 0, most: 65535 }, "8000", "Port to listen on; 0: any free one."),
    open("tls_certificate", Text, "PEM file with the certificate chain; without it plain HTTP."),
    open("tls_key", Text, "PEM file with the private key of the certificate."),
    key(
        "allow_public_without_tls",
        Flag,
        "false",
        "Plain HTTP on an address that other machines reach.",
    ),
    key("base_url", Text, r#""""#, "Prefix of all paths, such as `/scripts`."),
    key(
        "webproxy_number",
        Whole { least: 0, most: 255 },
        "0",
        "HTTP proxies in front of the server; unset: forwarding headers are ignored.",
    ),
    open(
        "trusted_proxies",
        Texts,
        "Networks the last proxy connects from; unset: this machine alone.",
    ),
    open("allowed_origins", Texts, "Public origins besides the `Host` of the request."),
    key("max_connections", Whole { least: 1, most: 1_000_000 }, "4096", "Open connections."),
    key(
        "max_body_bytes",
        Bytes { least: 1024, most: 1 << 40 },
        "16777216",
        "Longest request body, in bytes.",
    ),
    // Who may come in.
    key("active_auth", Flag, "true", "People sign in; false: everybody may do everything."),
    key(
        "auth_script",
        Text,
        r#""auth.py""#,
        "Script that checks credentials; the built-in accounts when no script is called `auth.py`.",
    ),
    key("accept_unauthenticated_user", Flag, "false", "Visitors who have not signed in may enter."),
    key("accept_unknow_user", Flag, "false", "Callers with a session of another address enter."),
    key(
        "exclude_auth_paths",
        Texts,
        r#"["/static/", "/js/"]"#,
        "Prefixes of paths that need no sign-in.",
    ),
    key(
        "exclude_auth_pages",
        Texts,
        r#"["/api/", "/auth/", "/web/auth/"]"#,
        "Paths that need no sign-in.",
    ),
    key(
        "auth_failures_to_blacklist",
        super::Kind::from(0),
        "3",
        "Failed sign-ins that block an address or user; 0 is as 1.",
    ),
    key("blacklist_time", super::Kind::from(0), "30", "Seconds a block lasts; 0: no blocks."),
    key("admin_groups", Wholes, "[1000]", "Groups of administrators."),
    key("session_max_time", super::Kind::from(1), "3600", "Seconds a session lasts."),
    key(
        "max_sessions_per_user",
        Whole { least: 1, most: 10_000 },
        "16",
        "Sessions of one user; the oldest ends when there are more.",
    ),
    key("csrf_max_time", super::Kind::from(1), "300", "Seconds a CSRF token is valid."),
    key(
        "clear_site_data",
        Word(&["auth", "always"]),
        r#""auth""#,
        "When browsers are told to forget data: on sign-in and sign-out, or on every answer.",
    ),
    // Scripts.
    key(
        "scripts_path",
        Texts,
        r#"["./scripts/rss", "./scripts/account", "./scripts/passwords", "./scripts/uploads"]"#,
        "Directories of scripts without `path`.",
    ),
    key(
        "json_scripts_config",
        Texts,
        r#"["./config/scripts/*.json"]"#,
        "Patterns of JSON files that declare scripts.",
    ),
    key(
        "ini_scripts_config",
        Texts,
        r#"["./config/scripts/*.ini"]"#,
        "Patterns of INI files that declare scripts.",
    ),
    key("documentations_path", Texts, r#"["./doc/*.html"]"#, "Patterns of documentation files."),
    key(
        "accept_undeclared_arguments",
        Flag,
        "false",
        "Scripts get arguments that are not declared.",
    ),
    key("accept_option_like_values", Flag, "false", "Text of arguments may begin with `-`."),
    open("script_environment", Texts, "Variables of the server that scripts inherit besides."),
    key(
        "default_timeout",
        Whole { least: 1, most: 31_536_000 },
        "600",
        "Seconds after which a script without `timeout` is ended.",
    ),
    // Runs.
    key("run_output_bytes", run::OUTPUT, "67108864", "Output kept of one run, in bytes."),
    key("max_runs", run::RUNS, "64", "Runs at the same time."),
    key("max_runs_per_user", run::RUNS, "16", "Runs of one user at the same time."),
    key("queue_length", run::QUEUE, "1024", "Runs that may wait for their turn."),
    run::RATE_LIMIT,
    key(
        "runs_keep_days",
        Whole { least: 1, most: 36_500 },
        "30",
        "Days after which runs are forgotten with their output.",
    ),
    key(
        "runs_keep_bytes",
        Bytes { least: 1 << 20, most: 1 << 50 },
        "10737418240",
        "Output kept of all runs, in bytes; the oldest is removed when there is more.",
    ),
    key(
        "stop_grace",
        Whole { least: 0, most: 3600 },
        "5",
        "Seconds between asking a run to end and ending it.",
    ),
    key(
        "shutdown_wait",
        Whole { least: 0, most: 86_400 },
        "10",
        "Seconds that runs may finish in when the server stops.",
    ),
    run::MEMORY_LIMIT,
    run::CPU_LIMIT,
    run::PROCESS_LIMIT,
    run::OPEN_FILES_LIMIT,
    run::FILE_SIZE_LIMIT,
    key(
        "sandbox",
        run::SANDBOX,
        r#""default""#,
        "What runs of scripts without `sandbox` may reach: none, default, strict or a section.",
    ),
    key(
        "sandbox_required",
        Flag,
        "false",
        "Nothing runs in a sandbox that this machine cannot enforce in full.",
    ),
    // Pages and files.
    key("urls_section", Text, r#""urls""#, "Section that says which directory answers for which."),
    key("js_path", Texts, r#"["./static/js/*.js"]"#, "Patterns of files below `/js/`."),
    key(
        "statics_path",
        Texts,
        r#"["./static/html/*.html", "./static/css/*.css", "./static/images/*.png", "./static/images/*.jpg", "./static/pdf/*.pdf"]"#,
        "Patterns of files below `/static/`.",
    ),
    key("product_name", Text, r#""WebScripts""#, "Name shown on pages."),
    open("sign_in_message", Text, "Text above the sign-in form."),
    key(
        "modules",
        Texts,
        r#"["error_pages", "share", "cgi", "rss", "JsonRpc", "notification"]"#,
        "Parts of the server that are on.",
    ),
    key("modules_path", Texts, r#"["./modules", "./modules/"]"#, "Directories of modules."),
    key("cgi_path", Texts, r#"["cgi-bin"]"#, "Directories of CGI scripts."),
    // Safety of the instance.
    key("data_dir", Text, r#""data""#, "Directory of saved state."),
    key("security", Flag, "true", "Security headers are sent."),
    key("debug", Flag, "false", "More words in error answers."),
    key(
        "force_file_permissions",
        Flag,
        "true",
        "Scripts and configuration must be safe from other accounts.",
    ),
    open("unset", Texts, "Keys whose values from files of lower priority are forgotten."),
    // Logs and mail.
    key("log_level", Level, "0", "Level of the root log, a number or a name such as `INFO`."),
    key("log_filename", Text, r#""./logs/root.logs""#, "File of the root log."),
    open("log_format", Text, "Form of the lines of the root log."),
    key("log_date_format", Text, r#""%d/%m/%Y %H:%M:%S""#, "Form of dates in the root log."),
    key("log_encoding", Text, r#""utf-8""#, "Encoding of the root log."),
    open("smtp_server", Text, "Mail server; without it no mail is sent."),
    open(
        "smtp_port",
        Whole { least: 1, most: 65535 },
        "Port of the mail server: 587 with STARTTLS, 465 with TLS, else 25.",
    ),
    key("smtp_starttls", Flag, "false", "The connection to the mail server changes to TLS."),
    key("smtp_ssl", Flag, "false", "The connection to the mail server begins with TLS."),
    open("smtp_password", Text, "Password of `notification_address`; needs TLS."),
    open("admin_adresses", Texts, "Mail addresses of the administrators."),
    open("notification_address", Text, "Mail address the server sends from."),
];

/// The section `urls` that the program ships (configuration.md §8).
pub const URLS: &[(&str, &str)] = &[
    ("/authentication/", "/web/auth/"),
    ("/cgi-bin/", "/cgi/bin/"),
    ("/bin/", "/cgi/bin/"),
    ("/cgi/", "/cgi/bin/"),
];
