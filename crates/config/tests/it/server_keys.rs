//! Keys of the section `server` (configuration.md §7 and §8).

use std::net::IpAddr;

use secrecy::ExposeSecret;
use serde_json::json;
use webscripts_config::settings::ClearSiteData;

use crate::instance::Instance;

#[test]
fn every_setting_is_read() {
    let instance = Instance::new()
        .file("cert.pem", "")
        .file("key.pem", "")
        .file("elsewhere/x", "")
        .mode("elsewhere", 0o700)
        .server(&json!({
            "interface": "::1", "port": 0, "tls_certificate": "cert.pem", "tls_key": "./key.pem",
            "allow_public_without_tls": true, "base_url": "tools/", "trusted_proxies": ["10.0.0.1"],
            "allowed_origins": ["https://example.org:8443"], "max_connections": 5,
            "max_body_bytes": 2048, "accept_unauthenticated_user": true, "session_max_time": 60,
            "csrf_max_time": 61, "max_sessions_per_user": 2, "clear_site_data": "always",
            "auth_failures_to_blacklist": 4, "blacklist_time": 62, "default_timeout": 7,
            "run_output_bytes": 4096, "max_runs": 3, "max_runs_per_user": 1,
            "accept_undeclared_arguments": true, "accept_option_like_values": true,
            "script_environment": ["TZ"], "product_name": "Tools", "sign_in_message": "Hello",
            "data_dir": "elsewhere", "smtp_server": "mail", "smtp_ssl": true,
            "smtp_password": "s3cret", "admin_adresses": ["a@b"], "notification_address": "c@d",
        }));

    let settings = instance.loaded().settings;

    let listen = &settings.listen;
    assert_eq!((listen.interface, listen.port), ("::1".parse::<IpAddr>().unwrap(), 0));
    assert_eq!(listen.tls_certificate, Some(instance.path("cert.pem")));
    assert_eq!(listen.tls_key, Some(instance.path("key.pem")));
    assert!(listen.allow_public_without_tls);
    assert_eq!(listen.base_url, "/tools");
    let trusted: Vec<String> = listen.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.1/32"]);
    assert_eq!(listen.allowed_origins, ["https://example.org:8443"]);
    assert_eq!((listen.max_connections, listen.max_body_bytes), (5, 2048));
    let access = &settings.access;
    assert!(access.accept_unauthenticated_user && !access.accept_unknow_user);
    assert_eq!((access.session_max_time_s, access.csrf_max_time_s), (60, 61));
    assert_eq!(access.max_sessions_per_user, 2);
    assert_eq!(access.clear_site_data, ClearSiteData::Always);
    assert_eq!((access.auth_failures_to_blacklist, access.blacklist_time_s), (Some(4), Some(62)));
    let runs = &settings.runs;
    assert_eq!((runs.default_timeout_s, runs.output_bytes), (7, 4096));
    assert_eq!((runs.max_runs, runs.max_runs_per_user), (3, 1));
    assert!(runs.accept_undeclared_arguments && runs.accept_option_like_values);
    assert_eq!(runs.script_environment, ["TZ"]);
    assert_eq!(settings.pages.product_name, "Tools");
    assert_eq!(settings.pages.sign_in_message.as_deref(), Some("Hello"));
    assert_eq!(settings.data_dir, instance.path("elsewhere"));
    let mail = &settings.mail;
    assert_eq!((mail.server.as_deref(), mail.port, mail.tls), (Some("mail"), 465, true));
    assert_eq!(mail.password.as_ref().unwrap().expose_secret(), "s3cret");
    assert_eq!(
        (mail.admin_addresses.as_slice(), mail.from.as_deref()),
        (&["a@b".to_owned()][..], Some("c@d"))
    );
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn without_sign_in_everybody_is_accepted() {
    let access = Instance::new().server(&json!({"active_auth": false})).loaded().settings.access;

    assert!(access.accept_unauthenticated_user && access.accept_unknow_user);
}

#[test]
fn a_blacklist_that_is_switched_off_is_worth_a_warning() {
    let instance = Instance::new().server(&json!({"blacklist_time": 0}));

    assert_eq!(instance.loaded().settings.access.blacklist_time_s, None);
    assert_eq!(
        instance.warnings(),
        [
            "config/server.json:3: [server] blacklist_time: without `blacklist_time` passwords can be \
          guessed without limit; write `blacklist_time = 30`"
        ]
    );
}

#[test]
fn no_failure_allowed_is_not_no_limit() {
    let instance = Instance::new().server(&json!({"auth_failures_to_blacklist": 0}));

    assert_eq!(instance.loaded().settings.access.auth_failures_to_blacklist, Some(0));
    assert!(instance.warnings().is_empty());
}

#[test]
fn host_names_are_resolved_and_others_refused() {
    let local = Instance::new().server(&json!({"interface": "localhost"}));
    assert!(local.loaded().settings.listen.interface.is_loopback());

    for (text, shown) in [("256.1.1.1", "`256.1.1.1`"), ("", "``"), ("a b", "`a b`")] {
        assert_eq!(
            Instance::new().server(&json!({"interface": text})).errors(),
            [format!(
                "config/server.json:3: [server] interface: {shown} is no address and no host name \
                 that can be resolved; write an address such as 127.0.0.1 or ::1"
            )]
        );
    }
}

#[test]
fn a_base_url_is_a_path() {
    for (written, expected) in [("/", ""), ("", ""), ("/a/b/", "/a/b"), ("a", "/a")] {
        let listen = Instance::new().server(&json!({"base_url": written})).loaded().settings.listen;
        assert_eq!(listen.base_url, expected);
    }
    for written in ["https://x/", "/a?b", "/../a", "/a b"] {
        assert_eq!(
            Instance::new().server(&json!({"base_url": written})).errors(),
            [format!(
                "config/server.json:3: [server] base_url: `{written}` is no path; write only the \
                 path, such as `/scripts`"
            )]
        );
    }
}

#[test]
fn certificate_and_key_belong_together_and_must_be_there() {
    let instance = Instance::new().server(&json!({"tls_certificate": "no.pem"}));
    assert_eq!(
        instance.errors(),
        [
            "config/server.json:3: [server] tls_certificate: `DIR/no.pem` cannot be used: no such \
             file or directory; write the path of a PEM file",
            "config/server.json:3: [server] tls_certificate: `tls_key` is missing; write both or \
             neither",
        ]
    );
}

#[test]
fn networks_and_origins_are_checked() {
    let instance = Instance::new().server(&json!({
        "allowed_origins": ["https://a/b"],
        "script_environment": ["A=B"],
        "trusted_proxies": "10.0.0.0/33",
    }));
    assert_eq!(
        instance.errors(),
        [
            "config/server.json:9: [server] trusted_proxies: `10.0.0.0/33` is no network; write a \
             network such as 10.0.0.0/8 or an address",
            "config/server.json:3: [server] allowed_origins: `https://a/b` is no origin; write \
             scheme, host and port only, such as `https://scripts.example.org`",
            "config/server.json:6: [server] script_environment: `A=B` is no name of a variable; \
             write names only, without values",
        ]
    );
}

#[test]
fn a_mail_password_is_never_sent_in_the_clear() {
    let instance = Instance::new().server(&json!({"smtp_password": "s3cret"}));

    assert_eq!(
        instance.errors(),
        ["config/server.json:3: [server] smtp_password: the password would be sent without \
             encryption; set `smtp_starttls` or `smtp_ssl` to true"]
    );
    let starttls =
        Instance::new().server(&json!({"smtp_password": "s3cret", "smtp_starttls": true}));
    assert_eq!(starttls.loaded().settings.mail.port, 587);
}

#[test]
fn the_data_directory_must_be_there() {
    let instance = Instance::new().server(&json!({"data_dir": "nowhere"}));

    assert_eq!(
        instance.errors(),
        ["config/server.json:3: [server] data_dir: there is no directory `DIR/nowhere`; make it \
             with `mkdir -m 700 DIR/nowhere`"]
    );
}

#[test]
fn an_authentication_script_must_be_configured() {
    let script = Instance::new().script(&json!({})).server(&json!({"auth_script": "s.sh"}));
    assert_eq!(script.loaded().settings.access.auth_script.as_deref(), Some("s.sh"));

    let built_in = Instance::new().server(&json!({"auth_script": "auth.py"}));
    assert_eq!(built_in.loaded().settings.access.auth_script, None);

    let inactive = Instance::new().server(&json!({"auth_script": "ldap.py", "active_auth": false}));
    assert_eq!(inactive.loaded().settings.access.auth_script, None);

    let missing = Instance::new().server(&json!({"auth_script": "ldap.py"}));
    assert_eq!(
        missing.errors(),
        ["config/server.json:3: [server] auth_script: no script is called `ldap.py`; configure \
             it, or leave out `auth_script` to use the built-in accounts"]
    );
}

#[test]
fn urls_come_from_the_section_that_is_named() {
    let own = Instance::new().json(
        "config/server.json",
        &json!({"server": {"urls_section": "routes"}, "routes": {"/a/": "/b/"}}),
    );
    assert_eq!(own.loaded().settings.pages.urls, [("/a/".to_owned(), "/b/".to_owned())]);
    assert_eq!(own.warnings(), Vec::<String>::new());

    let none = Instance::new().server(&json!({"unset": ["urls_section"]}));
    assert!(none.loaded().settings.pages.urls.is_empty());

    let missing = Instance::new().server(&json!({"urls_section": "routes"}));
    assert_eq!(
        missing.errors(),
        ["config/server.json:3: [server] urls_section: there is no section `routes`; write the \
             section, or correct the name"]
    );

    let wrong =
        Instance::new().file("config/server.json", "{\"urls\": {\"/a/\": 1,\n\"/b\": \"/c/\"}}");
    assert_eq!(
        wrong.errors(),
        ["config/server.json:1: [urls] /a/: the value is no text; write a directory such as \
             `/web/auth/`"]
    );
    let relative = Instance::new().file("config/server.json", r#"{"urls": {"/b": "/c/"}}"#);
    assert_eq!(
        relative.warnings(),
        ["config/server.json:1: [urls] /b: both sides must begin and end with `/` to match; \
             write `/from/` and `/to/`"]
    );
}

#[test]
fn unknown_keys_and_sections_are_kept_with_a_warning() {
    let instance = Instance::new().file(
        "config/server.json",
        "{\"server\": {\n\"prot\": 1,\n\"colour\": \"red\"},\n\"extra\": {}}",
    );

    assert_eq!(
        instance.warnings(),
        [
            "config/server.json:2: [server] prot: this key is not known; did you mean `port`?",
            "config/server.json:3: [server] colour: this key is not known; it is kept, but nothing \
             uses it",
            "config/server.json:4: [extra] nothing refers to this section",
        ]
    );
}
