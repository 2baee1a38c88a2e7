//! Files that other accounts could change or read (security.md §10).

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};

use serde_json::json;

use crate::instance::Instance;

fn owner(instance: &Instance) -> u32 {
    fs::metadata(instance.directory()).unwrap().uid()
}

#[test]
fn modes_of_the_table_are_accepted() {
    for mode in [0o400, 0o000] {
        let instance = Instance::new().server(&json!({})).mode("config/server.json", mode);
        // Only root reads a file of mode 0000.
        if mode != 0 || owner(&instance) == 0 {
            assert_eq!(instance.warnings(), Vec::<String>::new(), "{mode:o}");
        }
    }
    for mode in [0o500, 0o100] {
        let instance = Instance::new().script(&json!({})).mode("scripts/s.sh", mode);
        assert_eq!(instance.warnings(), Vec::<String>::new(), "{mode:o}");
    }
    let launched = Instance::new().script(&json!({"launcher": "sh"})).mode("scripts/s.sh", 0o400);
    assert_eq!(launched.warnings(), Vec::<String>::new());
}

#[test]
fn every_other_mode_of_a_configuration_file_is_an_error() {
    for (mode, faults) in [
        (0o600, "the server itself could write it"),
        (0o500, "it is executable"),
        (0o440, "other accounts may read or execute it"),
        (0o404, "other accounts may read or execute it"),
        (0o420, "other accounts may write it"),
        (0o402, "other accounts may write it"),
        (0o4400, "it has a setuid, setgid or sticky bit"),
        (0o2400, "it has a setuid, setgid or sticky bit"),
        (0o1400, "it has a setuid, setgid or sticky bit"),
        (
            0o666,
            "other accounts may write it, other accounts may read or execute it, the server itself \
             could write it",
        ),
    ] {
        let instance = Instance::new().server(&json!({})).mode("config/server.json", mode);
        assert_eq!(
            instance.errors(),
            [format!(
                "config/server.json: mode {mode:04o}, owner {}: {faults}; run `chmod 400 \
                 DIR/config/server.json`",
                owner(&instance)
            )]
        );
    }
}

#[test]
fn a_script_that_others_may_change_is_an_error_that_names_the_key() {
    let instance = Instance::new().script(&json!({})).mode("scripts/s.sh", 0o755);

    assert_eq!(
        instance.errors(),
        [format!(
            "config/scripts/s.json:6: [script] path: scripts/s.sh: mode 0755, owner {}: other \
             accounts may read or execute it, the server itself could write it; run `chmod 500 \
             DIR/scripts/s.sh`",
            owner(&instance)
        )]
    );
}

#[test]
fn without_force_file_permissions_there_are_warnings() {
    let instance = Instance::new()
        .server(&json!({"force_file_permissions": false}))
        .script(&json!({}))
        .mode("config/server.json", 0o644)
        .mode("config/scripts/s.json", 0o666)
        .mode("scripts/s.sh", 0o777)
        .mode("scripts", 0o777);

    let warnings = instance.warnings();

    assert_eq!(warnings.len(), 4, "{warnings:#?}");
    assert!(warnings[3].contains("the directory DIR/scripts: mode 0777"), "{}", warnings[3]);
    assert!(
        warnings[3]
            .ends_with("other accounts may exchange what is in it; run `chmod go-w DIR/scripts`")
    );
}

#[test]
fn a_server_configuration_that_others_may_write_cannot_switch_the_check_off() {
    let instance = Instance::new()
        .server(&json!({"force_file_permissions": false}))
        .mode("config/server.json", 0o622);
    assert_eq!(instance.errors().len(), 1);

    let directory =
        Instance::new().server(&json!({"force_file_permissions": false})).mode("config", 0o777);
    assert_eq!(
        directory.errors(),
        [format!(
            "config/server.json: the directory DIR/config: mode 0777, owner {}: other accounts may \
             exchange what is in it; run `chmod go-w DIR/config`",
            owner(&directory)
        )]
    );
}

#[test]
fn a_sticky_directory_above_is_accepted() {
    let instance = Instance::new().server(&json!({})).mode("config", 0o1777);

    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn all_directories_above_are_examined_and_reported_once() {
    let instance =
        Instance::new().server(&json!({})).script(&json!({})).mode("", 0o775).mode("config", 0o757);

    let errors = instance.errors();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].contains("the directory DIR/config: mode 0757"), "{}", errors[0]);
    assert!(errors[1].contains("the directory DIR: mode 0775"), "{}", errors[1]);
}

#[test]
fn the_directories_of_a_link_and_of_its_target_are_examined() {
    let instance = Instance::new().file("elsewhere/real.json", "{}").mode("elsewhere", 0o777);
    symlink("../elsewhere/real.json", instance.path("config/server.json")).unwrap();

    let errors = instance.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("the directory DIR/elsewhere: mode 0777"), "{}", errors[0]);
}

#[test]
fn files_of_other_accounts_are_refused() {
    let instance = Instance::new().server(&json!({}));
    if owner(&instance) == 0 {
        chown(instance.path("config/server.json"), Some(12345), None).unwrap();
        assert_eq!(
            instance.errors(),
            ["config/server.json: mode 0400, owner 12345: it belongs to another account; run \
              `chown 0 DIR/config/server.json && chmod 400 DIR/config/server.json`"]
        );
        let theirs = instance.with(|sources| sources.process_user = 12345);
        assert_eq!(theirs.warnings(), Vec::<String>::new());
    } else {
        let theirs = instance.with(|sources| sources.process_user += 1);
        assert!(theirs.errors()[0].contains("it belongs to another account"));
    }
}

#[test]
fn insecure_skips_every_check() {
    let instance = Instance::new()
        .server(&json!({}))
        .script(&json!({}))
        .mode("config/server.json", 0o666)
        .mode("scripts/s.sh", 0o777)
        .mode("config", 0o777)
        .with(|sources| sources.insecure = true);

    assert_eq!(instance.warnings().len(), 1);
}

#[test]
fn a_private_key_may_be_written_by_the_server_only() {
    let server = json!({"tls_certificate": "cert.pem", "tls_key": "key.pem"});
    let instance = Instance::new().file_with_mode("cert.pem", "", 0o644).server(&server);
    let instance = instance.file_with_mode("key.pem", "", 0o600);
    assert_eq!(instance.warnings(), Vec::<String>::new());

    let instance = instance.mode("key.pem", 0o640);
    assert_eq!(instance.errors().len(), 1);
}

#[test]
fn the_command_quotes_names() {
    let instance = Instance::new();
    let file = instance.path("it's.json");
    let instance = instance
        .file_with_mode("it's.json", "{}", 0o600)
        .with(|sources| sources.json_files.push(file));

    assert!(instance.errors()[0].ends_with(r"run `chmod 400 'DIR/it'\''s.json'`"));
}

#[test]
fn what_people_see_and_programs_give_warnings_only() {
    let instance = Instance::new()
        .server(&json!({}))
        .file_with_mode("static/js/a.js", "", 0o664)
        .file_with_mode("launcher", "", 0o757)
        .file_with_mode("doc/s.html", "", 0o644)
        .mode("static/js", 0o775)
        .script(&json!({"launcher": "./launcher", "documentation_file": "doc/s.html"}))
        .mode("data", 0o750);

    let owner = owner(&instance);
    assert_eq!(
        instance.warnings(),
        [
            format!(
                "config/scripts/s.json:6: [script] launcher: launcher: mode 0757, owner {owner}: \
                 other accounts may write it; run `chmod go-w DIR/launcher`"
            ),
            format!(
                "[server] js_path: static/js/a.js: mode 0664, owner {owner}: other accounts may \
                 write it; run `chmod go-w DIR/static/js/a.js`"
            ),
            format!(
                "[server] js_path: the directory DIR/static/js: mode 0775, owner {owner}: other \
                 accounts may exchange what is in it; run `chmod go-w DIR/static/js`"
            ),
            format!(
                "[server] data_dir: data: mode 0750, owner {owner}: other accounts may see saved \
                 state; run `chmod 700 DIR/data`"
            ),
        ]
    );
}

#[test]
fn a_directory_of_scripts_is_an_error_even_when_something_harmless_is_in_it() {
    let instance = Instance::new()
        .file("scripts/launcher", "")
        .script(&json!({"launcher": "./scripts/launcher"}))
        .mode("scripts", 0o777);

    let errors = instance.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("[script] path: the directory DIR/scripts: mode 0777"));
}

#[test]
fn a_script_that_the_server_cannot_use_gives_a_warning() {
    let instance = Instance::new().script(&json!({"launcher": "sh"}));
    if owner(&instance) != 0 {
        return;
    }
    let instance = instance.with(|sources| sources.process_user = 12345);

    assert_eq!(
        instance.warnings(),
        ["config/scripts/s.json:7: [script] path: the script `scripts/s.sh` cannot start: the \
          account of the server cannot read it; run `chown 12345 DIR/scripts/s.sh`"]
    );
}
