//! The key `sandbox`, its sections, and what is protected whatever they say.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};
use webscripts_config::protected;
use webscripts_domain::sandbox::{Network, Preset, Sandbox};

use crate::instance::Instance;

fn with_section(keys: &Value) -> Instance {
    Instance::new().sections(&json!({"sandbox": "box"}), &json!({ "box": keys }))
}

fn of_script(instance: &Instance) -> Sandbox {
    instance.loaded().catalogue.iter().next().unwrap().runs.sandbox.clone().unwrap()
}

/// The one error or warning of the section, without the place.
#[track_caller]
fn said(all: &[String], key: &str) -> String {
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].split_once(&format!("[box] {key}: ")).unwrap().1.to_owned()
}

#[test]
fn a_section_says_what_runs_reach_besides() {
    let instance = with_section(&json!({
        "preset": "strict", "read": ["/usr/../etc", "doc"], "write": "./shared/, /var/tmp",
        "network": [443, "80"], "user": "nobody", "group": "nogroup",
    }))
    .file("shared/x", "");

    assert_eq!(
        of_script(&instance),
        Sandbox {
            preset: Preset::Strict,
            read: vec![PathBuf::from("/usr/../etc"), instance.path("doc")],
            write: vec![instance.path("shared"), PathBuf::from("/var/tmp")],
            network: Some(Network::Ports(vec![443, 80])),
            user: Some("nobody".to_owned()),
            group: Some("nogroup".to_owned()),
        }
    );
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn a_section_without_keys_is_the_preset_default() {
    assert_eq!(of_script(&with_section(&json!({}))), Sandbox::default());
    for (network, expected) in [(true, Network::Allowed), (false, Network::None)] {
        let instance = with_section(&json!({ "network": network }));
        assert_eq!(of_script(&instance).network, Some(expected));
    }
}

#[test]
fn the_server_has_sections_too() {
    let instance = Instance::new().json(
        "config/server.json",
        &json!({"server": {"sandbox": "all"}, "all": {"preset": "strict"}}),
    );

    assert_eq!(instance.loaded().settings.runs.sandbox.preset, Preset::Strict);
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn a_word_that_is_neither_preset_nor_section_is_an_error() {
    let refused = |word: &str| Instance::new().script(&json!({ "sandbox": word })).errors();

    assert_eq!(
        refused("strikt"),
        [
            "config/scripts/s.json:6: [script] sandbox: `strikt` is no preset and no section of this \
          file; did you mean `strict`?"
        ]
    );
    assert_eq!(
        refused("box"),
        ["config/scripts/s.json:6: [script] sandbox: `box` is no preset and no section of this \
          file; write `none`, `default` or `strict`, or add the section `box` to this file"]
    );
    let elsewhere = Instance::new()
        .json("config/server.json", &json!({"server": {"sandbox": "all"}, "all": {}}))
        .script(&json!({"sandbox": "all"}));
    assert_eq!(elsewhere.errors().len(), 1, "sections of other files are not looked at");
}

#[test]
fn keys_of_a_section_are_checked() {
    let refused = |key: &str, value: Value| {
        let instance = with_section(&json!({ key: value }));
        said(&instance.errors(), key)
    };

    assert_eq!(
        refused("preset", json!("loose")),
        "`loose` is not known here; write `none` or `default` or `strict`"
    );
    for ports in [json!([0]), json!(65536), json!("http"), json!([]), json!({})] {
        let said = refused("network", ports);
        assert!(
            said.ends_with(
                "is no list of ports; write `true`, `false` or TCP ports such as [80, 443]"
            ),
            "{said}"
        );
    }
    assert_eq!(
        refused("read", json!(["nowhere/../data"])),
        "`nowhere/../data` goes up with `..` from a directory that does not exist; write the path \
         without `..`"
    );
    assert_eq!(refused("read", json!([""])), "this is no path; write a path");
    let unknown = with_section(&json!({"raed": ["/usr"]}));
    assert_eq!(said(&unknown.warnings(), "raed"), "this key is not known; did you mean `read`?");
}

#[test]
fn nothing_in_the_data_directory_can_be_declared() {
    let refused = |key: &str, path: &str| {
        let instance = with_section(&json!({ key: [path] }));
        fs::create_dir_all(instance.path("data/runs")).unwrap();
        symlink(instance.path("data"), instance.path("link")).unwrap();
        said(&instance.errors(), key)
    };

    for (written, shown) in [
        ("data", "data"),
        ("./data/runs/x", "data/runs/x"),
        ("doc/../data/runs", "doc/../data/runs"),
        ("link", "link"),
        ("link/new", "link/new"),
    ] {
        for key in ["read", "write"] {
            assert_eq!(
                refused(key, written),
                format!(
                    "`{shown}` is in the data directory of the server, which no run may reach; move \
                     what scripts need out of it"
                )
            );
        }
    }
}

#[test]
fn what_is_declared_of_the_configuration_or_is_not_there_gives_a_warning() {
    let config = with_section(&json!({"read": ["config/scripts"]}));
    assert_eq!(
        said(&config.warnings(), "read"),
        "`config/scripts` belongs to the server; runs reach it because of this; move what scripts \
         need out of it"
    );
    let missing = with_section(&json!({"write": ["/nowhere/at/all"]}));
    assert_eq!(
        said(&missing.warnings(), "write"),
        "there is no `/nowhere/at/all`; it is ignored as long as that is so; make it, or correct \
         the path"
    );
    let unrestricted = with_section(&json!({"preset": "none", "write": ["/tmp"]}));
    assert_eq!(
        said(&unrestricted.warnings(), "write"),
        "the preset `none` restricts no files; this changes nothing; leave it out, or write another \
         `preset`"
    );
}

#[test]
fn everything_of_the_server_and_every_script_is_protected() {
    let instance = Instance::new()
        .file("elsewhere/key.pem", "")
        .file("elsewhere/cert.pem", "")
        .file("real/db", "")
        .mode("real", 0o700)
        .file("more.json", r#"{"server": {"log_filename": "elsewhere/log"}}"#)
        .server(&json!({
            "tls_key": "elsewhere/key.pem", "tls_certificate": "elsewhere/cert.pem",
            "data_dir": "saved",
        }))
        .script(&json!({}));
    symlink(instance.path("real"), instance.path("saved")).unwrap();
    let more = instance.path("more.json");
    let instance = instance.with(|sources| sources.json_files.push(more));

    let loaded = instance.loaded();
    let protected = protected(&loaded.settings, &loaded.catalogue);

    let server = ["config", "elsewhere/key.pem", "elsewhere/log", "logs", "more.json", "real"];
    assert_eq!(protected.server, server.map(|name| instance.path(name)));
    assert_eq!(protected.scripts, [instance.path("scripts/s.sh")]);
}
