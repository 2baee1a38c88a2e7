//! Which scripts there are, and what they are (scripts.md §§1, 2, 4 and 5).

use std::time::Duration;

use serde_json::json;
use webscripts_domain::catalogue::{AccessRule, Script};
use webscripts_domain::identity::{GroupId, UserId};

use crate::instance::Instance;

fn only(instance: &Instance) -> Script {
    let loaded = instance.loaded();
    assert_eq!(loaded.catalogue.len(), 1);
    loaded.catalogue.iter().next().unwrap().as_ref().clone()
}

#[test]
fn a_script_without_keys_has_the_defaults_of_the_reference() {
    let instance = Instance::new().script(&json!({}));

    let script = only(&instance);

    assert_eq!(script.name.as_str(), "s.sh");
    assert_eq!(script.path, instance.path("scripts/s.sh"));
    assert_eq!(script.declared_in, instance.path("config/scripts/s.json"));
    assert_eq!((script.launcher, script.label, script.description), (None, None, None));
    assert_eq!(script.category, "");
    assert_eq!(
        (script.content_type.as_str(), script.stderr_content_type.as_str()),
        ("text/plain", "text/plain")
    );
    assert_eq!(script.timeout, None);
    assert!(!script.real_time && !script.no_password && !script.danger);
    assert_eq!(script.access, AccessRule::default());
    assert_eq!((script.documentation_file, script.documentation_command), (None, None));
    assert_eq!(script.documentation_content_type, "text/html");
    assert_eq!((script.confirm, script.secrets), (None, None));
    assert!(!script.accept_undeclared && !script.accept_option_like);
    assert!(script.arguments.is_empty() && script.custom.is_empty());
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn every_key_of_a_script_is_read() {
    let instance = Instance::new().file("doc/x.html", "").script(&json!({
        "launcher": "python3", "label": "L", "description": "D", "category": "C",
        "content_type": "text/html", "stderr_content_type": "text/csv", "timeout": 5,
        "print_real_time": true, "no_password": true, "minimum_access": 50,
        "access_groups": [1, "2"], "access_users": [], "documentation_file": "./doc/x.html",
        "documentation_content_type": "text/markdown",
        "command_generate_documentation": "make %(path)s", "confirm": "Sure?", "danger": true,
        "accept_undeclared_arguments": true, "accept_option_like_values": true,
        "secrets": {"token": "top"},
    }));

    let script = only(&instance);

    assert_eq!(script.launcher.as_deref(), Some("python3"));
    assert_eq!((script.label.as_deref(), script.description.as_deref()), (Some("L"), Some("D")));
    assert_eq!(script.category, "C");
    assert_eq!(
        (script.content_type.as_str(), script.stderr_content_type.as_str()),
        ("text/html", "text/csv")
    );
    assert_eq!(script.timeout, Some(Duration::from_secs(5)));
    assert!(script.real_time && script.no_password && script.danger);
    assert_eq!(
        script.access,
        AccessRule {
            minimum: Some(50),
            groups: Some(vec![GroupId(1), GroupId(2)]),
            users: Some(Vec::<UserId>::new()),
        }
    );
    assert_eq!(script.documentation_file, Some(instance.path("doc/x.html")));
    assert_eq!(script.documentation_content_type, "text/markdown");
    assert_eq!(script.documentation_command.as_deref(), Some("make %(path)s"));
    assert_eq!(script.confirm.as_deref(), Some("Sure?"));
    assert!(script.accept_undeclared && script.accept_option_like);
    assert_eq!(script.secrets, Some(json!({"token": "top"})));
    assert_eq!(json!(script.custom), json!({"label": "L", "confirm": "Sure?", "danger": true}));
}

#[test]
fn ini_text_becomes_the_type_of_its_key() {
    let instance = Instance::new().file_with_mode("scripts/s.sh", "", 0o500).file(
        "config/scripts/s.ini",
        "[scripts]\nS.SH=x\n[x]\npath=scripts/s.sh\ntimeout=0\nprint_real_time=false\n\
         no_password=true\naccess_groups=50, 1000\ncategory\nconfirm=true\n",
    );

    let script = only(&instance);

    assert_eq!((script.name.as_str(), script.timeout), ("s.sh", None));
    assert!(!script.real_time && script.no_password);
    assert_eq!(script.access.groups, Some(vec![GroupId(50), GroupId(1000)]));
    assert_eq!(script.category, "");
    assert_eq!(script.confirm.as_deref(), Some("Run this script?"));
}

#[test]
fn null_is_as_if_the_key_were_absent() {
    let keys = json!({"category": null, "timeout": null, "description": null, "label": null});
    let instance = Instance::new().script(&keys);

    let script = only(&instance);

    assert_eq!((script.category.as_str(), script.timeout, script.description), ("", None, None));
    assert!(script.custom.is_empty());
}

#[test]
fn custom_keys_keep_their_order_and_give_a_warning() {
    let instance = Instance::new().script(&json!({"zeta": [1], "label": "L", "timout": 3}));

    let custom: Vec<String> = only(&instance).custom.keys().cloned().collect();

    assert_eq!(custom, ["zeta", "label", "timout"]);
    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/s.json:6: [script] zeta: this key is not known; it is kept: clients and \
             the script itself see it",
            "config/scripts/s.json:10: [script] timout: this key is not known; did you mean \
             `timeout`?",
        ]
    );
}

#[test]
fn attributes_that_the_server_computes_cannot_be_written() {
    let instance = Instance::new().script(&json!({"dirname": "/"}));

    assert!(only(&instance).custom.is_empty());
    assert_eq!(
        instance.warnings().last().unwrap(),
        "config/scripts/s.json:6: [script] dirname: the server computes this attribute; the value \
         is ignored; use another name"
    );
}

#[test]
fn a_script_without_path_is_searched_in_scripts_path() {
    let declared = json!({"server": {"scripts_path": ["a", "b"]}, "scripts": {"s": "x"}, "x": {}});
    let instance = Instance::new()
        .json("config/server.json", &declared)
        .file_with_mode("b/s", "", 0o500)
        .file_with_mode("c/s", "", 0o500);
    assert_eq!(only(&instance).path, instance.path("b/s"));

    let missing = Instance::new().json("config/server.json", &declared);
    assert_eq!(
        missing.errors(),
        [
            "config/server.json:11: [x] there is no file `s` in `./scripts/rss`, `./scripts/account`, \
          `./scripts/passwords`, `./scripts/uploads`, `a`, `b`; write where it is with the key \
          `path`"
        ]
    );
}

#[test]
fn a_script_whose_file_is_missing_is_an_error() {
    let instance = Instance::new().script(&json!({}));
    std::fs::remove_file(instance.path("scripts/s.sh")).unwrap();
    assert_eq!(
        instance.errors(),
        [
            "config/scripts/s.json:6: [script] path: the script `scripts/s.sh` cannot be used: no such \
          file or directory; correct the path"
        ]
    );

    std::fs::create_dir(instance.path("scripts/s.sh")).unwrap();
    assert_eq!(
        instance.errors(),
        [
            "config/scripts/s.json:6: [script] path: the script `scripts/s.sh` cannot be used: it is \
          no regular file; correct the path"
        ]
    );
}

#[test]
fn a_script_that_cannot_be_executed_gives_a_warning() {
    let instance = Instance::new().script(&json!({})).mode("scripts/s.sh", 0o400);
    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/s.json:6: [script] path: the script `scripts/s.sh` cannot start: it is not \
          executable and has no launcher; run `chmod 500 DIR/scripts/s.sh`, or set `launcher`"
        ]
    );

    let launched = Instance::new().script(&json!({"launcher": "sh"})).mode("scripts/s.sh", 0o400);
    assert_eq!(launched.warnings(), Vec::<String>::new());
}

#[test]
fn a_launcher_is_one_program() {
    for (launcher, expected) in [
        (
            "python3 -u",
            "`python3 -u` is read as the name of one program; write the program alone; options \
             cannot follow",
        ),
        (
            "/nowhere/python3 -u",
            "there is no program `/nowhere/python3 -u`; write the program alone; options cannot \
             follow",
        ),
        ("./python3", "there is no program `./python3`; correct the path, or write the name alone"),
    ] {
        let instance = Instance::new().script(&json!({"launcher": launcher}));
        let expected = format!("config/scripts/s.json:6: [script] launcher: {expected}");
        assert_eq!(instance.warnings(), [expected]);
    }
}

#[test]
fn html_on_standard_error_gives_the_warning_of_the_founding_text() {
    let instance = Instance::new()
        .script(&json!({"stderr_content_type": "text/html", "content_type": "text/xml"}));

    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/s.json:7: [script] content_type: `text/xml` is not known and shown as \
             plain text; write `text/plain`, `text/html`, `text/csv`, `text/json`",
            "config/scripts/s.json:6: [script] stderr_content_type: you should never set \
             stderr_content_type to text/html because it may be used for XSS (HTML and javascript \
             injection); write `text/plain`",
        ]
    );
    assert_eq!(only(&instance).stderr_content_type, "text/html");
}

#[test]
fn an_access_list_without_items_gives_a_warning() {
    let instance = Instance::new().script(&json!({"access_groups": []}));

    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/s.json:6: [script] access_groups: the list is empty: nobody may run this \
          script; write a group, or leave out the key"
        ]
    );
}

#[test]
fn wrong_types_name_the_section_and_key() {
    let instance = Instance::new().script(&json!({"timeout": -1, "minimum_access": "x"}));

    assert_eq!(
        instance.errors(),
        [
            "config/scripts/s.json:6: [script] timeout: `-1` is negative; write a whole number from \
             0 to 31536000",
            "config/scripts/s.json:7: [script] minimum_access: `x` is no whole number; write a \
             whole number from 0 to 9223372036854775807",
        ]
    );
}

#[test]
fn sections_are_looked_up_in_the_same_file_only() {
    let instance = Instance::new()
        .json("config/server.json", &json!({"section": {"path": "scripts/s.sh"}}))
        .json("config/scripts/a.json", &json!({"scripts": {"a": "section", "b": 1, "../c": "x"}}));

    assert_eq!(
        instance.errors(),
        [
            "config/scripts/a.json:3: [scripts] a: there is no section `section`; write the section \
             into the same file, or correct the name",
            "config/scripts/a.json:4: [scripts] b: the value is no name of a section; write the \
             name of a section of this file",
            "config/scripts/a.json:5: [scripts] ../c: this is no name for a script; write a plain \
             name without `/`, such as `hello.py`",
        ]
    );
}

#[test]
fn a_later_definition_replaces_an_earlier_one_and_keeps_its_place() {
    let own = |name: &str| json!({"scripts": {"s.sh": "x"}, "x": {"path": "scripts/s.sh", "label": name}});
    let instance = Instance::new()
        .file_with_mode("scripts/s.sh", "", 0o500)
        .json(
            "config/server.json",
            &json!({
                "scripts": {"s.sh": "x", "t.sh": "x"},
                "x": {"path": "scripts/s.sh", "label": "server", "category": "C"},
            }),
        )
        .json("config/scripts/b.json", &own("b"))
        .json("config/scripts/a.json", &own("a"))
        .file("config/scripts/z.ini", "[scripts]\ns.sh=x\n[x]\npath=scripts/s.sh\nlabel=z\n");

    let loaded = instance.loaded();

    let scripts: Vec<(&str, Option<&str>, &str)> = loaded
        .catalogue
        .iter()
        .map(|s| (s.name.as_str(), s.label.as_deref(), s.category.as_str()))
        .collect();
    assert_eq!(scripts, [("s.sh", Some("b"), ""), ("t.sh", Some("server"), "C")]);
    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/z.ini:2: [scripts] s.sh: this replaces the script of the same name in \
             config/server.json; remove one of them",
            "config/scripts/a.json:3: [scripts] s.sh: this replaces the script of the same name in \
             config/scripts/z.ini; remove one of them",
            "config/scripts/b.json:3: [scripts] s.sh: this replaces the script of the same name in \
             config/scripts/a.json; remove one of them",
        ]
    );
}

#[test]
fn settings_of_the_server_in_a_file_of_scripts_give_a_warning() {
    let instance = Instance::new()
        .json("config/scripts/a.json", &json!({"port": 1, "server": {"port": 2}, "x": {}}));

    let elsewhere = "settings of the server are not read from files of scripts; write them into \
                     `config/server.json` or `config/server.ini`";
    assert_eq!(
        instance.warnings(),
        [
            format!("config/scripts/a.json:2: port: {elsewhere}"),
            format!("config/scripts/a.json:3: [server] {elsewhere}"),
            "config/scripts/a.json:6: [x] nothing refers to this section".to_owned(),
        ]
    );
}

#[test]
fn a_specific_file_replaces_the_section() {
    let server = json!({
        "scripts": {"s.sh": "x"},
        "x": {"configuration_file": "config/own.ini", "label": "ignored"},
        "arg": {"description": "of the server"},
    });
    let instance = Instance::new()
        .file_with_mode("scripts/s.sh", "", 0o500)
        .json("config/server.json", &server)
        .file(
            "config/own.ini",
            "[script]\npath=scripts/s.sh\nargs=list\n[list]\n--a=arg\n[arg]\ndescription=own\n",
        );

    let script = only(&instance);

    assert_eq!(script.label, None);
    assert_eq!(script.arguments[0].description.as_deref(), Some("own"));
    assert_eq!(script.declared_in, instance.path("config/own.ini"));
    assert_eq!(
        instance.warnings(),
        [
            "config/server.json:7: [x] label: this key is ignored because `configuration_file` is \
             set; write it into that file",
            "config/server.json:9: [arg] nothing refers to this section",
        ]
    );
}

#[test]
fn a_specific_file_must_be_there_safe_and_have_its_section() {
    let instance = Instance::new().json(
        "config/server.json",
        &json!({"scripts": {"s.sh": "x"}, "x": {"configuration_file": "own.json"}}),
    );
    assert_eq!(
        instance.errors(),
        [
            "config/server.json:6: [x] configuration_file: the file `own.json` cannot be used: no such \
          file or directory; make the file, or correct the name"
        ]
    );

    let instance = instance.file_with_mode("own.json", r#"{"x": {}}"#, 0o600);
    let errors = instance.errors();
    assert_eq!(
        errors[0],
        "config/server.json:6: [x] configuration_file: the file `own.json` has no section `script`; \
         name the section of the script `script`"
    );
    assert!(errors[1].starts_with("own.json: mode 0600"), "{}", errors[1]);
}

#[test]
fn documentation_is_found_in_directories_at_the_start() {
    let instance = Instance::new()
        .file("doc/s.html", "")
        .file("manual/s.md", "")
        .file("manual/s.html", "")
        .server(&json!({"documentations_path": ["doc", "manual", "none"]}))
        .script(&json!({}));
    assert_eq!(only(&instance).documentation_file, Some(instance.path("manual/s.html")));

    let patterns = Instance::new().file("doc/s.html", "").script(&json!({}));
    assert_eq!(only(&patterns).documentation_file, None);
}

#[test]
fn documentation_that_is_missing_gives_a_warning_unless_it_is_generated() {
    let keys = json!({"documentation_file": "doc/no.html"});
    let instance = Instance::new().script(&keys);
    assert_eq!(
        instance.warnings(),
        ["config/scripts/s.json:6: [script] documentation_file: there is no file `doc/no.html`; \
          correct the path"]
    );

    let keys = json!({"documentation_file": "doc/no.html", "command_generate_documentation": "x"});
    let generated = Instance::new().script(&keys);
    assert_eq!(generated.warnings(), Vec::<String>::new());
    assert_eq!(only(&generated).documentation_file, Some(generated.path("doc/no.html")));
}

#[test]
fn defaults_of_the_server_reach_scripts_and_arguments() {
    let server = json!({"accept_undeclared_arguments": true, "accept_option_like_values": true});
    let instance = Instance::new().server(&server).argument(&json!({}));
    let script = only(&instance);
    assert!(script.accept_undeclared && script.accept_option_like);
    assert!(script.arguments[0].restrictions.accept_option_like);

    let instance = Instance::new().server(&server).sections(
        &json!({"args": "list", "accept_option_like_values": false}),
        &json!({
            "list": {"a": "plain", "b": "open"},
            "plain": {},
            "open": {"accept_option_like_values": true},
        }),
    );
    let script = only(&instance);
    let accepted: Vec<bool> =
        script.arguments.iter().map(|a| a.restrictions.accept_option_like).collect();
    assert_eq!((script.accept_option_like, accepted), (false, vec![false, true]));
}

#[test]
fn a_password_that_others_can_see_gives_a_warning() {
    let sections = json!({"list": {"--password": "arg"}, "arg": {"html_type": "password"}});
    let instance =
        Instance::new().sections(&json!({"args": "list", "no_password": true}), &sections);

    assert_eq!(
        instance.warnings(),
        [
            "config/scripts/s.json:7: [script] no_password: the password `--password` is part of the \
          command line, which other accounts can see; set `secrets_via` to `fd` or `stdin`, or \
          `no_password` to false"
        ]
    );
    let apart = json!({"args": "list", "no_password": true, "secrets_via": "fd"});
    assert_eq!(Instance::new().sections(&apart, &sections).warnings(), Vec::<String>::new());
}
