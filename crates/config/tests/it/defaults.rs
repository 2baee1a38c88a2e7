//! What an instance without configuration is.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use webscripts_config::settings::ClearSiteData;
use webscripts_domain::identity::GroupId;
use webscripts_domain::sandbox::{Preset, Resources, Sandbox};

use crate::instance::Instance;

#[test]
fn an_instance_without_files_has_the_shipped_values() {
    let instance = Instance::new();

    let loaded = instance.loaded();

    let settings = &loaded.settings;
    assert_eq!(settings.directory, instance.directory());
    assert_eq!(settings.data_dir, instance.path("data"));
    assert!(settings.security && settings.force_file_permissions && !settings.debug);
    assert_eq!(settings.modules, ["error_pages", "share", "cgi", "rss", "JsonRpc", "notification"]);
    assert_eq!((settings.logs.level, &settings.logs.file), (0, &instance.path("logs/root.logs")));

    let listen = &settings.listen;
    assert_eq!(listen.interface, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!((listen.port, listen.webproxy_number), (8000, Some(0)));
    assert_eq!((&listen.tls_certificate, &listen.tls_key), (&None, &None));
    assert_eq!(listen.base_url, "");
    let trusted: Vec<String> = listen.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["127.0.0.0/8", "::1/128"]);
    assert!(listen.allowed_origins.is_empty() && !listen.allow_public_without_tls);
    assert_eq!((listen.max_connections, listen.max_body_bytes), (4096, 16 << 20));

    let access = &settings.access;
    assert!(access.active_auth);
    assert!(!access.accept_unauthenticated_user && !access.accept_unknow_user);
    assert_eq!(access.auth_script, None);
    assert_eq!(access.exclude_auth_paths, ["/static/", "/js/"]);
    assert_eq!(access.exclude_auth_pages, ["/api/", "/auth/", "/web/auth/"]);
    assert_eq!((access.auth_failures_to_blacklist, access.blacklist_time_s), (Some(3), Some(30)));
    assert_eq!(access.admin_groups, [GroupId(1000)]);
    assert_eq!((access.session_max_time_s, access.csrf_max_time_s), (3600, 300));
    assert_eq!(access.max_sessions_per_user, 16);
    assert_eq!(access.clear_site_data, ClearSiteData::Auth);

    let runs = &settings.runs;
    assert_eq!((runs.default_timeout_s, runs.output_bytes), (600, 64 << 20));
    assert_eq!((runs.max_runs, runs.max_runs_per_user), (64, 16));
    assert!(!runs.accept_undeclared_arguments && !runs.accept_option_like_values);
    assert!(runs.script_environment.is_empty());
    assert_eq!((runs.queue_length, runs.rate_limit), (1024, None));
    assert_eq!((runs.keep_days, runs.keep_bytes), (30, 10 << 30));
    assert_eq!(
        (runs.stop_grace, runs.shutdown_wait),
        (Duration::from_secs(5), Duration::from_secs(10))
    );
    assert_eq!((runs.resources, &runs.sandbox), (Resources::default(), &Sandbox::default()));
    assert_eq!((runs.sandbox.preset, runs.sandbox_required), (Preset::Default, false));

    let pages = &settings.pages;
    let urls: Vec<(&str, &str)> =
        pages.urls.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(
        urls,
        [
            ("/authentication/", "/web/auth/"),
            ("/cgi-bin/", "/cgi/bin/"),
            ("/bin/", "/cgi/bin/"),
            ("/cgi/", "/cgi/bin/"),
        ]
    );
    assert!(pages.statics.is_empty() && pages.js.is_empty());
    assert_eq!(pages.documentations, [format!("{}/doc/*.html", instance.directory().display())]);
    assert_eq!((pages.product_name.as_str(), &pages.sign_in_message), ("WebScripts", &None));

    let mail = &settings.mail;
    assert_eq!((&mail.server, mail.port, mail.starttls, mail.tls), (&None, 25, false, false));
    assert!(mail.password.is_none() && mail.admin_addresses.is_empty() && mail.from.is_none());

    assert!(loaded.catalogue.is_empty() && settings.files.is_empty() && loaded.warnings.is_empty());
}
