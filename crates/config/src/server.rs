//! From the keys of `server` to the settings (configuration.md §7).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use webscripts_domain::catalogue::{Catalogue, ScriptName};
use webscripts_domain::identity::GroupId;
use webscripts_domain::sandbox::Sandbox;

use crate::guard::Role;
use crate::load::{Loader, reason};
use crate::merge::Merged;
use crate::pattern::{escape, files_matching};
use crate::runs;
use crate::settings::{
    AccessSettings, ClearSiteData, ListenSettings, LogSettings, MailSettings, PageSettings,
    RunSettings, Settings,
};
use crate::typed::Typed;

/// Builds the settings but for `files` and the sandbox of runs; what does not fit is reported.
pub fn settings(
    loader: &mut Loader,
    merged: &Merged,
    keys: &Typed<'_>,
    catalogue: &Catalogue,
) -> Settings {
    Settings {
        directory: loader.directory.clone(),
        files: Vec::new(),
        listen: listen(loader, keys),
        access: access(loader, keys, catalogue),
        runs: run_settings(loader, keys),
        pages: pages(loader, merged, keys),
        logs: LogSettings {
            file: loader.absolute(&keys.text("log_filename")),
            level: u8::try_from(keys.whole("log_level")).unwrap_or(u8::MAX),
        },
        mail: mail(loader, keys),
        data_dir: data_dir(loader, keys),
        debug: keys.flag("debug"),
        security: keys.flag("security"),
        force_file_permissions: keys.flag("force_file_permissions"),
        modules: keys.texts("modules"),
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn listen(loader: &mut Loader, keys: &Typed<'_>) -> ListenSettings {
    let tls_certificate = tls_file(loader, keys, "tls_certificate");
    let tls_key = tls_file(loader, keys, "tls_key");
    for (given, missing) in [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")] {
        if keys.value(given).is_some() && keys.value(missing).is_none() {
            let message = format!("`{missing}` is missing");
            loader.report.error(keys.spot(given), message, "write both or neither");
        }
    }
    ListenSettings {
        interface: interface(loader, keys),
        port: u16::try_from(keys.whole("port")).unwrap_or_default(),
        tls_certificate,
        tls_key,
        allow_public_without_tls: keys.flag("allow_public_without_tls"),
        base_url: base_url(loader, keys),
        webproxy_number: keys.whole_if_set("webproxy_number").map(small),
        trusted_proxies: trusted_proxies(loader, keys),
        allowed_origins: allowed_origins(loader, keys),
        max_connections: size(keys.whole("max_connections")),
        max_body_bytes: size(keys.whole("max_body_bytes")),
    }
}

fn interface(loader: &mut Loader, keys: &Typed<'_>) -> IpAddr {
    let text = keys.text("interface");
    let text = text.trim();
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = address.parse() {
        return address;
    }
    let found: Vec<IpAddr> = match text {
        name if !is_host_name(name) => Vec::new(),
        name => (name, 0).to_socket_addrs().map_or_else(
            |_| Vec::new(),
            |addresses| addresses.map(|address| address.ip()).collect(),
        ),
    };
    if let Some(address) = found.iter().find(|address| address.is_ipv4()).or(found.first()) {
        return *address;
    }
    loader.report.error(
        keys.spot("interface"),
        format!("`{text}` is no address and no host name that can be resolved"),
        "write an address such as 127.0.0.1 or ::1",
    );
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// Whether a name is worth a look-up: letters, digits and hyphens, no number at the end.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.trim_end_matches('.').split('.').all(label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn tls_file(loader: &mut Loader, keys: &Typed<'_>, name: &str) -> Option<PathBuf> {
    let path = loader.absolute(keys.text_if_set(name)?);
    let role = if name == "tls_key" { Role::PrivateKey } else { Role::Shared };
    if let Err(error) = loader.guard.look_at(&path, role, keys.spot(name)) {
        let message = format!("`{}` cannot be used: {}", path.display(), reason(&error));
        loader.report.error(keys.spot(name), message, "write the path of a PEM file");
    }
    Some(path)
}

fn base_url(loader: &mut Loader, keys: &Typed<'_>) -> String {
    let text = keys.text("base_url");
    let path = text.trim_end_matches('/');
    let strange = |c: char| c.is_whitespace() || c.is_control() || "?#\\".contains(c);
    if path.contains("//") || path.contains(strange) || path.split('/').any(|part| part == "..") {
        loader.report.error(
            keys.spot("base_url"),
            format!("`{text}` is no path"),
            "write only the path, such as `/scripts`",
        );
        return String::new();
    }
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Whoever names networks means these alone: loopback is trusted only where nothing is named.
fn trusted_proxies(loader: &mut Loader, keys: &Typed<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    let mut named = keys.texts("trusted_proxies");
    if named.is_empty() {
        named = ["127.0.0.0/8", "::1/128"].map(str::to_owned).to_vec();
    }
    for text in named {
        let network = text.parse::<IpNet>().ok();
        match network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)) {
            Some(network) => networks.push(network),
            None => loader.report.error(
                keys.spot("trusted_proxies"),
                format!("`{text}` is no network"),
                "write a network such as 10.0.0.0/8 or an address",
            ),
        }
    }
    networks
}

fn allowed_origins(loader: &mut Loader, keys: &Typed<'_>) -> Vec<String> {
    let origins = keys.texts("allowed_origins");
    for origin in &origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', '*', ' ']))
        {
            loader.report.error(
                keys.spot("allowed_origins"),
                format!("`{origin}` is no origin"),
                "write scheme, host and port only, such as `https://scripts.example.org`",
            );
        }
    }
    origins
}

fn access(loader: &mut Loader, keys: &Typed<'_>, catalogue: &Catalogue) -> AccessSettings {
    let active_auth = keys.flag("active_auth");
    AccessSettings {
        active_auth,
        auth_script: auth_script(loader, keys, catalogue),
        accept_unauthenticated_user: !active_auth || keys.flag("accept_unauthenticated_user"),
        accept_unknow_user: !active_auth || keys.flag("accept_unknow_user"),
        exclude_auth_paths: keys.texts("exclude_auth_paths"),
        exclude_auth_pages: keys.texts("exclude_auth_pages"),
        auth_failures_to_blacklist: or_never(loader, keys, "auth_failures_to_blacklist"),
        blacklist_time_s: or_never(loader, keys, "blacklist_time"),
        admin_groups: keys
            .wholes_if_set("admin_groups")
            .unwrap_or_default()
            .into_iter()
            .map(GroupId)
            .collect(),
        session_max_time_s: small(keys.whole("session_max_time")),
        max_sessions_per_user: small(keys.whole("max_sessions_per_user")),
        csrf_max_time_s: small(keys.whole("csrf_max_time")),
        clear_site_data: match keys.text("clear_site_data").as_str() {
            "always" => ClearSiteData::Always,
            _ => ClearSiteData::Auth,
        },
    }
}

/// A limit of the protection of passwords; unset and a time of 0 switch it off, which is worth a
/// warning.
fn or_never(loader: &mut Loader, keys: &Typed<'_>, name: &str) -> Option<u32> {
    // No failure allowed blocks at the first one; only a time of 0 blocks nobody.
    let blocks = |value: &u32| *value > 0 || name != "blacklist_time";
    let value = keys.whole_if_set(name).map(small).filter(blocks);
    if value.is_none() {
        loader.report.warning(
            keys.spot(name),
            format!("without `{name}` passwords can be guessed without limit"),
            format!("write `{name} = {}`", if name == "blacklist_time" { 30 } else { 3 }),
        );
    }
    value
}

/// The script that checks credentials; `auth.py` that nobody configured means the built-in
/// accounts, which the reference kept in a script of that name.
fn auth_script(loader: &mut Loader, keys: &Typed<'_>, catalogue: &Catalogue) -> Option<String> {
    let name = keys.text_if_set("auth_script").filter(|name| !name.is_empty())?;
    if ScriptName::parse(name).is_some_and(|name| catalogue.get(&name).is_some()) {
        return Some(name.to_owned());
    }
    if name != "auth.py" && keys.flag("active_auth") && loader.is_complete {
        loader.report.error(
            keys.spot("auth_script"),
            format!("no script is called `{name}`"),
            "configure it, or leave out `auth_script` to use the built-in accounts",
        );
    }
    None
}

fn run_settings(loader: &mut Loader, keys: &Typed<'_>) -> RunSettings {
    let script_environment = keys.texts("script_environment");
    for name in &script_environment {
        if name.contains(['=', '\0']) {
            loader.report.error(
                keys.spot("script_environment"),
                format!("`{}` is no name of a variable", name.escape_debug()),
                "write names only, without values",
            );
        }
    }
    RunSettings {
        default_timeout_s: keys.whole("default_timeout"),
        output_bytes: keys.whole("run_output_bytes"),
        max_runs: size(keys.whole("max_runs")),
        max_runs_per_user: size(keys.whole("max_runs_per_user")),
        queue_length: size(keys.whole("queue_length")),
        rate_limit: runs::rate_limit(keys),
        keep_days: small(keys.whole("runs_keep_days")),
        keep_bytes: keys.whole("runs_keep_bytes"),
        stop_grace: runs::seconds(keys, "stop_grace"),
        shutdown_wait: runs::seconds(keys, "shutdown_wait"),
        resources: runs::resources(keys),
        sandbox: Sandbox::default(),
        sandbox_required: keys.flag("sandbox_required"),
        accept_undeclared_arguments: keys.flag("accept_undeclared_arguments"),
        accept_option_like_values: keys.flag("accept_option_like_values"),
        script_environment,
    }
}

fn pages(loader: &mut Loader, merged: &Merged, keys: &Typed<'_>) -> PageSettings {
    PageSettings {
        urls: urls(loader, merged, keys),
        statics: files_by_name(loader, keys, "statics_path"),
        js: files_by_name(loader, keys, "js_path"),
        documentations: keys
            .texts("documentations_path")
            .iter()
            .map(|pattern| absolute_pattern(loader, pattern))
            .collect(),
        product_name: keys.text("product_name"),
        sign_in_message: keys
            .text_if_set("sign_in_message")
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
    }
}

/// A pattern in which the directory of the instance stands for itself.
fn absolute_pattern(loader: &Loader, pattern: &str) -> String {
    if pattern.starts_with('/') {
        return pattern.to_owned();
    }
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    format!("{}/{pattern}", escape(&loader.directory.to_string_lossy()))
}

fn urls(loader: &mut Loader, merged: &Merged, keys: &Typed<'_>) -> Vec<(String, String)> {
    let Some(name) = keys.text_if_set("urls_section").filter(|name| !name.is_empty()) else {
        return Vec::new();
    };
    let Some(section) = merged.sections.get(name) else {
        if loader.is_complete {
            loader.report.error(
                keys.spot("urls_section"),
                format!("there is no section `{name}`"),
                "write the section, or correct the name",
            );
        }
        return Vec::new();
    };
    let mut urls = Vec::new();
    for entry in section.iter() {
        let Some(target) = entry.value.as_str() else {
            loader.report.error(
                section.spot_of(entry),
                "the value is no text",
                "write a directory such as `/web/auth/`",
            );
            continue;
        };
        if ![entry.key.as_str(), target].iter().all(|path| is_directory_of_paths(path)) {
            loader.report.warning(
                section.spot_of(entry),
                "both sides must begin and end with `/` to match",
                "write `/from/` and `/to/`",
            );
        }
        urls.push((entry.key.clone(), target.to_owned()));
    }
    urls
}

fn is_directory_of_paths(path: &str) -> bool {
    path.starts_with('/') && path.ends_with('/')
}

/// The files that patterns name, by base name; a later one replaces an earlier one.
fn files_by_name(loader: &mut Loader, keys: &Typed<'_>, name: &str) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for pattern in keys.texts(name) {
        let matches = files_matching(&loader.directory, &pattern);
        for path in matches.unreadable_names {
            let message = format!("`{}` is left out: its name is not UTF-8", path.display());
            loader.report.warning(keys.spot(name), message, "rename the file");
        }
        for path in matches.paths.into_iter().filter(|path| path.is_file()) {
            let Some(base) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let _ = loader.guard.look_at(&path, Role::Shared, keys.spot(name));
            match index.get(base).and_then(|at| files.get_mut(*at)) {
                Some((_, known)) if *known == path => {}
                Some((_, known)) => {
                    let message = format!("`{}` replaces `{}`", path.display(), known.display());
                    loader.report.warning(keys.spot(name), message, "give them different names");
                    *known = path;
                }
                None => {
                    index.insert(base.to_owned(), files.len());
                    files.push((base.to_owned(), path));
                }
            }
        }
    }
    files
}

fn mail(loader: &mut Loader, keys: &Typed<'_>) -> MailSettings {
    let starttls = keys.flag("smtp_starttls");
    let tls = keys.flag("smtp_ssl");
    let password = keys.text_if_set("smtp_password").filter(|text| !text.is_empty());
    if password.is_some() && !starttls && !tls {
        loader.report.error(
            keys.spot("smtp_password"),
            "the password would be sent without encryption",
            "set `smtp_starttls` or `smtp_ssl` to true",
        );
    }
    let usual_port = match (starttls, tls) {
        (true, _) => 587,
        (false, true) => 465,
        (false, false) => 25,
    };
    let text = |name| keys.text_if_set(name).filter(|text| !text.is_empty()).map(str::to_owned);
    MailSettings {
        server: text("smtp_server"),
        port: keys
            .whole_if_set("smtp_port")
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(usual_port),
        starttls,
        tls,
        password: password.map(SecretString::from),
        admin_addresses: keys.texts("admin_adresses"),
        from: text("notification_address"),
    }
}

fn data_dir(loader: &mut Loader, keys: &Typed<'_>) -> PathBuf {
    let path = loader.absolute(&keys.text("data_dir"));
    if !path.is_dir() {
        let message = format!("there is no directory `{}`", path.display());
        let help = format!("make it with `mkdir -m 700 {}`", path.display());
        loader.report.error(keys.spot("data_dir"), message, help);
    }
    loader.guard.look_at_data(&path, keys.spot("data_dir"));
    path
}
