//! Nothing that stands in a file makes the program fail, and many scripts are no problem.

use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert, proptest};
use serde_json::{Map, json};

use crate::instance::Instance;

/// Texts made of the words of the configuration.
fn words() -> impl Strategy<Value = String> {
    let words = [
        "[server]",
        "[scripts]",
        "[s]",
        "port",
        "unset",
        "modules",
        "urls_section",
        "urls",
        "path",
        "args",
        "pattern",
        "scripts/s.sh",
        "{",
        "}",
        "[",
        "]",
        ":",
        "=",
        ",",
        "\"",
        "\"server\"",
        "\"scripts\"",
        "\"s\"",
        "null",
        "true",
        "1",
        "-1",
        "1e999",
        "\n",
        "\n ",
        "#",
        "\u{0}",
        "é",
        "*",
        "?",
        "..",
        "/",
        "configuration_file",
        "config/server.ini",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_in_any_file_make_loading_fail(
        ini in any::<Vec<u8>>(), json in any::<Vec<u8>>(), name in any::<u8>(),
    ) {
        let instance = Instance::new()
            .file("config/server.ini", ini)
            .file("config/server.json", &json)
            .file(format!("config/scripts/{name}.json"), &json);
        if let Err(errors) = instance.load() {
            prop_assert!(errors.errors().count() > 0);
        }
    }

    #[test]
    fn no_words_in_any_file_make_loading_fail(ini in words(), json in words(), script in words()) {
        let instance = Instance::new()
            .file("config/server.ini", &ini)
            .file("config/server.json", format!("{{{json}}}"))
            .file("config/scripts/a.ini", format!("[scripts]\ns=s\n[s]\n{script}"))
            .file("config/scripts/b.json", &json);
        if let Err(errors) = instance.load() {
            prop_assert!(errors.errors().count() > 0);
        }
    }

    #[test]
    fn no_value_of_a_key_makes_loading_fail(
        key in prop::sample::select(webscripts_config::keys::SERVER_KEYS),
        text in "[\\[\\]*?./:a-z0-9\u{0}é-]{0,20}",
    ) {
        let instance = Instance::new().server(&json!({ key.name: text }));
        if let Err(errors) = instance.load() {
            let named = errors.errors().all(|error| error.key.as_deref() == Some(key.name));
            prop_assert!(named, "{errors}");
        }
    }
}

#[test]
fn a_thousand_scripts_are_loaded() {
    let mut instance = Instance::new();
    for file in 0..20 {
        let mut sections = Map::new();
        let mut names = Map::new();
        for number in 0..50 {
            let name = format!("s{file}_{number}.sh");
            instance = instance.file_with_mode(format!("scripts/{name}"), "", 0o500);
            names.insert(name.clone(), json!(format!("section_{number}")));
            sections.insert(
                format!("section_{number}"),
                json!({"path": format!("scripts/{name}"), "args": format!("args_{number}"),
                       "category": "C", "timeout": 5, "description": "D"}),
            );
            sections
                .insert(format!("args_{number}"), json!({"--a": "arg", "b": "arg", "c": "arg"}));
        }
        sections.insert("arg".to_owned(), json!({"label": "L", "required": true, "max_length": 9}));
        sections.insert("scripts".to_owned(), json!(names));
        instance = instance.json(&format!("config/scripts/{file}.json"), &json!(sections));
    }

    let loaded = instance.loaded();

    assert_eq!((loaded.catalogue.len(), loaded.warnings.len()), (1000, 0));
}
