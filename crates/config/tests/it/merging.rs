//! Search order and merge rule (configuration.md §1 and §3).

use serde_json::json;
use webscripts_config::OverrideValue;

use crate::instance::Instance;

/// An instance in which every source sets `product_name` to its own name.
fn all_sources() -> Instance {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nproduct_name=cwd ini\n")
        .file("config/server.json", r#"{"server": {"product_name": "cwd json"}}"#)
        .file("a.ini", "[server]\nproduct_name=-c\n")
        .file("a.json", r#"{"server": {"product_name": "-j"}}"#);
    let (ini, json) = (instance.path("a.ini"), instance.path("a.json"));
    instance.with(|sources| {
        sources.ini_files.push(ini);
        sources.json_files.push(json);
        let name = OverrideValue::Text("command line".to_owned());
        sources.overrides.push(("product_name".to_owned(), name));
    })
}

#[test]
fn later_sources_win_over_earlier_ones() {
    let name = |instance: &Instance| instance.loaded().settings.pages.product_name;
    let mut instance = all_sources();
    assert_eq!(name(&instance), "command line");

    instance.sources.overrides.clear();
    assert_eq!(name(&instance), "-j");
    instance.sources.json_files.clear();
    assert_eq!(name(&instance), "-c");
    instance.sources.ini_files.clear();
    assert_eq!(name(&instance), "cwd json");
    std::fs::remove_file(instance.path("config/server.json")).unwrap();
    assert_eq!(name(&instance), "cwd ini");
    std::fs::remove_file(instance.path("config/server.ini")).unwrap();
    assert_eq!(name(&instance), "WebScripts");
}

#[test]
fn the_files_that_were_read_are_named_in_order() {
    let instance = all_sources().script(&json!({}));

    let expected =
        ["config/server.ini", "config/server.json", "a.ini", "a.json", "config/scripts/s.json"]
            .map(|name| instance.path(name));
    assert_eq!(instance.loaded().settings.files, expected);
}

#[test]
fn lists_grow_and_keep_their_order() {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nexclude_auth_pages=/a/, /api/\n")
        .server(&json!({"exclude_auth_pages": ["/b/", "/a/"]}))
        .with(|sources| {
            let more = OverrideValue::List(vec!["/c/".to_owned(), "/b/".to_owned()]);
            sources.overrides.push(("exclude_auth_pages".to_owned(), more));
        });

    assert_eq!(
        instance.loaded().settings.access.exclude_auth_pages,
        ["/api/", "/auth/", "/web/auth/", "/a/", "/b/", "/c/"]
    );
}

#[test]
fn null_changes_nothing() {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nport=1\nproduct_name\n")
        .server(&json!({"port": null, "auth_failures_to_blacklist": null}));

    let settings = instance.loaded().settings;

    assert_eq!(settings.listen.port, 1);
    assert_eq!(settings.pages.product_name, "WebScripts");
    assert_eq!(settings.access.auth_failures_to_blacklist, Some(3));
}

#[test]
fn items_of_a_json_root_are_server_keys_and_server_wins_over_them() {
    let instance = Instance::new().file(
        "config/server.json",
        r#"{"server": {"port": 2, "modules": ["b"]}, "port": 1, "debug": true, "modules": ["a"]}"#,
    );

    let settings = instance.loaded().settings;

    assert_eq!((settings.listen.port, settings.debug), (2, true));
    assert!(settings.modules.ends_with(&["a".to_owned(), "b".to_owned()]));
}

#[test]
fn sections_are_merged_key_by_key() {
    let instance = Instance::new()
        .file("config/server.ini", "[urls]\n/a/=/1/\n/b/=/2/\n")
        .json("config/server.json", &json!({"urls": {"/b/": "/3/", "/c/": "/4/"}}));

    let urls = instance.loaded().settings.pages.urls;

    let own: Vec<(&str, &str)> =
        urls.iter().skip(4).map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(own, [("/a/", "/1/"), ("/b/", "/3/"), ("/c/", "/4/")]);
}

#[test]
fn a_section_may_be_called_like_a_server_key() {
    let instance = Instance::new()
        .json("config/server.json", &json!({"modules": {"a": "b"}, "server": {"modules": ["x"]}}));

    let loaded = instance.loaded();

    assert!(loaded.settings.modules.contains(&"x".to_owned()));
    assert_eq!(
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["config/server.json:2: [modules] nothing refers to this section"]
    );
}

#[test]
fn a_script_may_be_declared_by_two_files_together() {
    let instance = Instance::new()
        .file_with_mode("scripts/a.sh", "", 0o500)
        .file("config/server.ini", "[scripts]\na.sh=a\n[a]\npath=scripts/a.sh\nlabel=INI\n")
        .json("config/server.json", &json!({"a": {"label": "JSON", "category": "C"}}));

    let loaded = instance.loaded();

    let script = loaded.catalogue.iter().next().unwrap();
    assert_eq!((script.label.as_deref(), script.category.as_str()), (Some("JSON"), "C"));
    assert_eq!(script.declared_in, instance.path("config/server.ini"));
}

#[test]
fn unset_forgets_what_lower_sources_said() {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nport=1\nexclude_auth_pages=/a/\n")
        .server(&json!({
            "unset": ["exclude_auth_pages", "webproxy_number", "port", "unknown"],
            "exclude_auth_pages": ["/auth/", "/web/auth/"],
        }));

    let settings = instance.loaded().settings;

    assert_eq!(settings.access.exclude_auth_pages, ["/auth/", "/web/auth/"]);
    assert_eq!((settings.listen.webproxy_number, settings.listen.port), (None, 8000));
    assert_eq!(
        instance.warnings(),
        ["config/server.json:3: [server] unset: `unknown` is no key of the server"]
    );
}

#[test]
fn a_list_that_another_source_calls_an_object_is_an_error() {
    let instance = Instance::new()
        .file("config/server.json", r#"{"server": {"x": ["a"], "y": {"a": 1}}}"#)
        .file("b.json", "{\"server\": {\"x\": 1,\n\"y\": 2}}");
    let file = instance.path("b.json");
    let instance = instance.with(|sources| sources.json_files.push(file));

    assert_eq!(
        instance.errors(),
        [
            "b.json:1: [server] x: the value is a list in another place; write a list here too",
            "b.json:2: [server] y: the value is an object in another place; write an object here",
        ]
    );
}

#[test]
fn values_of_the_command_line_are_read_like_ini() {
    let text = |text: &str| OverrideValue::Text(text.to_owned());
    let instance = Instance::new().with(|sources| {
        sources.overrides = vec![
            ("port".to_owned(), text("1234")),
            ("active_auth".to_owned(), OverrideValue::Flag(false)),
        ];
    });
    let settings = instance.loaded().settings;
    assert_eq!((settings.listen.port, settings.access.active_auth), (1234, false));

    let instance = Instance::new().with(|sources| {
        sources.overrides = vec![("port".to_owned(), text("http"))];
    });
    assert_eq!(
        instance.errors(),
        ["[command line] port: `http` is no whole number; write a whole number from 0 to 65535"]
    );
}

#[test]
fn scripts_config_of_the_command_line_is_sorted_by_extension() {
    let instance = Instance::new()
        .file_with_mode("scripts/a.sh", "", 0o500)
        .file_with_mode("scripts/b.sh", "", 0o500)
        .file("more/x.cfg", "[scripts]\na.sh=s\n[s]\npath=scripts/a.sh\n")
        .json("more/x.json", &json!({"scripts": {"b.sh": "s"}, "s": {"path": "scripts/b.sh"}}))
        .with(|sources| {
            let files = vec!["more/x.json".to_owned(), "more/x.cfg".to_owned()];
            sources.overrides.push(("scripts_config".to_owned(), OverrideValue::List(files)));
        });

    let loaded = instance.loaded();
    let names: Vec<&str> = loaded.catalogue.iter().map(|script| script.name.as_str()).collect();
    assert_eq!(names, ["a.sh", "b.sh"]);
}

#[test]
fn insecure_switches_security_off() {
    let instance = Instance::new().with(|sources| sources.insecure = true);

    assert!(!instance.loaded().settings.security);
    assert_eq!(
        instance.warnings(),
        ["file permissions are not checked; leave out `--security` to check them"]
    );
}
