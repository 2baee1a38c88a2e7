//! `webscripts check`: every problem with file, line and key, and an exit status.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use webscripts_testkit::{Account, Instance, InstanceBuilder};

use crate::program::{assert_ended, describe, without_directory};

const HELLO: &str = "#!/bin/sh\necho hello\n";

fn check(instance: &Instance) -> (Option<i32>, String) {
    let finished = instance.run(["check"]).unwrap();
    assert_eq!(finished.stderr, "");
    (finished.status.code(), without_directory(&finished.stdout, instance))
}

/// Checks what was described.
fn checked(described: InstanceBuilder) -> (Option<i32>, String) {
    check(&described.create().unwrap())
}

#[test]
fn a_clean_instance_has_no_finding() {
    let described = describe().script("hello.sh", HELLO, &json!({"category": "Samples"}));

    assert_eq!(
        checked(described),
        (Some(0), "0 errors, 0 warnings (2 files, 1 script)\n".to_owned())
    );
}

#[test]
fn a_broken_line_is_named_with_file_and_number() {
    let text = "# listening\nport = 8000\n[server]\nport = 8000\nport = 8001\n";
    let described = describe().file("config/server.ini", text, 0o400);

    let (status, printed) = checked(described);

    insta::assert_snapshot!(printed, @r"
    config/server.ini:2: error: text before the first section; write a line such as `[server]` above it
    config/server.ini:5: error: the key `port` is there twice in this section; remove one of them; capital letters make no difference
    2 errors, 0 warnings
    ");
    assert_eq!(status, Some(1));
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_what_to_write() {
    let described = describe().file(
        "config/server.ini",
        "[server]\ninterface = 127.0.0.1\nport = many\n",
        0o400,
    );

    let (status, printed) = checked(described);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    config/server.ini:3: error: [server] port: `many` is no whole number; write a whole number from 0 to 65535
    1 error, 0 warnings
    ");
}

#[test]
fn an_unknown_key_is_a_warning_that_only_a_strict_check_fails_on() {
    let instance =
        describe().file("config/server.ini", "[server]\nprot = 80\n", 0o400).create().unwrap();

    let (status, printed) = check(&instance);
    let strict = instance.run(["check", "--strict"]).unwrap();

    assert_eq!(status, Some(0));
    insta::assert_snapshot!(printed, @r"
    config/server.ini:2: warning: [server] prot: this key is not known; did you mean `port`?
    0 errors, 1 warning (2 files, 0 scripts)
    ");
    assert_ended(&strict, 1, &printed, "");
}

#[test]
fn a_missing_script_file_is_named_where_it_is_declared() {
    let described = describe().script_configuration(
        "gone.json",
        json!({"scripts": {"gone.sh": "gone"}, "gone": {"path": "./scripts/gone.sh"}}),
    );

    let (status, printed) = checked(described);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    config/scripts/gone.json:6: error: [gone] path: the script `scripts/gone.sh` cannot be used: no such file or directory; correct the path
    1 error, 0 warnings
    ");
}

#[test]
fn a_script_that_cannot_be_executed_is_pointed_out() {
    let described = describe().file("scripts/plain.sh", HELLO, 0o400).script_configuration(
        "plain.json",
        json!({"scripts": {"plain.sh": "plain"}, "plain": {"path": "./scripts/plain.sh"}}),
    );

    let (status, printed) = checked(described);

    insta::assert_snapshot!(printed, @r"
    config/scripts/plain.json:6: warning: [plain] path: the script `scripts/plain.sh` cannot start: it is not executable and has no launcher; run `chmod 500 DIR/scripts/plain.sh`, or set `launcher`
    0 errors, 1 warning (2 files, 1 script)
    ");
    assert_eq!(status, Some(0));
}

#[test]
fn an_unreadable_certificate_is_named() {
    let described = describe()
        .file("config/tls/chain.pem", "no certificate\n", 0o400)
        .file("config/tls/key.pem", "no key\n", 0o400)
        .setting("tls_certificate", "config/tls/chain.pem")
        .setting("tls_key", "config/tls/key.pem");

    let (status, printed) = checked(described);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    error: `DIR/config/tls/chain.pem` holds no certificate (PEM, `BEGIN CERTIFICATE`)
    1 error, 0 warnings (1 file, 0 scripts)
    ");
}

#[test]
fn a_certificate_that_is_not_there_is_named_with_its_key() {
    let described = describe()
        .setting("tls_certificate", "config/tls/chain.pem")
        .setting("tls_key", "config/tls/key.pem");

    let (status, printed) = checked(described);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    config/server.json:3: error: [server] tls_certificate: `DIR/config/tls/chain.pem` cannot be used: no such file or directory; write the path of a PEM file
    config/server.json:4: error: [server] tls_key: `DIR/config/tls/key.pem` cannot be used: no such file or directory; write the path of a PEM file
    2 errors, 0 warnings
    ");
}

#[test]
fn a_certificate_without_its_key_is_an_error() {
    let described = describe().setting("tls_certificate", "config/tls/chain.pem");

    let (status, printed) = checked(described.file("config/tls/chain.pem", "x", 0o400));

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    config/server.json:3: error: [server] tls_certificate: `tls_key` is missing; write both or neither
    1 error, 0 warnings
    ");
}

#[test]
fn a_public_interface_without_tls_is_an_error() {
    let (status, printed) = checked(describe().setting("interface", "0.0.0.0"));

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(printed, @r"
    error: `interface` 0.0.0.0 can be reached by others, and there is no TLS: set `tls_certificate` and `tls_key`, or listen on 127.0.0.1 behind a proxy; `allow_public_without_tls` overrides this
    1 error, 0 warnings (1 file, 0 scripts)
    ");
}

#[test]
fn a_mail_password_without_encryption_is_an_error_and_is_not_shown() {
    let described =
        describe().setting("smtp_server", "mail.example.org").setting("smtp_password", "h7-secret");

    let (status, printed) = checked(described);

    assert_eq!(status, Some(1));
    assert!(!printed.contains("h7-secret"), "{printed}");
    insta::assert_snapshot!(printed, @r"
    config/server.json:4: error: [server] smtp_password: the password would be sent without encryption; set `smtp_starttls` or `smtp_ssl` to true
    1 error, 0 warnings
    ");
}

#[test]
fn file_names_that_are_no_text_do_no_harm() {
    let described = describe().script("hello.sh", HELLO, &json!({"category": "Samples"}));
    let instance = described.create().unwrap();
    for (folder, name) in [
        ("scripts", &b"caf\xe9.sh"[..]),
        ("doc", b"\xff.html"),
        ("static", b"\xfe.css"),
        ("static/css", b"\xfe.css"),
    ] {
        let folder = instance.directory().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(OsStr::from_bytes(name)), HELLO).unwrap();
    }

    let (status, printed) = check(&instance);

    assert_eq!(status, Some(0), "{printed}");
    insta::assert_snapshot!(printed, @r"
    warning: [server] statics_path: `DIR/static/css/�.css` is left out: its name is not UTF-8; rename the file
    0 errors, 1 warning (2 files, 1 script)
    ");
    instance.serve().unwrap().stop().unwrap();
}

#[test]
fn a_configuration_file_whose_name_is_no_text_is_named() {
    let instance = describe().create().unwrap();
    let name = OsStr::from_bytes(b"config/scripts/caf\xe9.json");
    fs::write(instance.directory().join(name), "{").unwrap();

    let (status, printed) = check(&instance);

    assert_eq!(status, Some(0), "{printed}");
    insta::assert_snapshot!(printed, @r"
    warning: [server] ini_scripts_config: `DIR/config/scripts/caf�.json` is left out: its name is not UTF-8; rename the file
    warning: [server] json_scripts_config: `DIR/config/scripts/caf�.json` is left out: its name is not UTF-8; rename the file
    0 errors, 2 warnings (1 file, 0 scripts)
    ");
}

#[test]
fn the_database_is_examined_and_stays_as_it_is() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let file = instance.directory().join("data/webscripts.sqlite3");
    let sound = fs::read(&file).unwrap();

    assert_eq!(
        check(&instance),
        (Some(0), "0 errors, 0 warnings (1 file, 0 scripts)\n".to_owned())
    );
    assert_eq!(fs::read(&file).unwrap(), sound);
    fs::write(&file, "my shopping list\n".repeat(1000)).unwrap();
    let (status, printed) = check(&instance);

    insta::assert_snapshot!(printed, @r"
    error: the database `DIR/data/webscripts.sqlite3` cannot be opened: error returned from database: (code: 26) file is not a database
    1 error, 0 warnings (1 file, 0 scripts)
    ");
    assert_eq!(status, Some(1));
}

#[test]
fn the_records_of_runs_are_examined_as_well() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let file = instance.directory().join("data/runs.sqlite3");
    fs::write(&file, "my shopping list\n".repeat(1000)).unwrap();

    let (status, printed) = check(&instance);

    insta::assert_snapshot!(printed, @r"
    error: the database `DIR/data/runs.sqlite3` cannot be opened: error returned from database: (code: 26) file is not a database
    1 error, 0 warnings (1 file, 0 scripts)
    ");
    assert_eq!(status, Some(1));
}

#[test]
fn a_database_that_others_may_read_is_an_error() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let file = instance.directory().join("data/webscripts.sqlite3");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();

    let (status, printed) = check(&instance);

    insta::assert_snapshot!(printed, @r"
    error: the database file `DIR/data/webscripts.sqlite3` is not safe to use: other users may open it (mode 0644); take their rights away with `chmod 600`
    1 error, 0 warnings (1 file, 0 scripts)
    ");
    assert_eq!(status, Some(1));
}

#[test]
fn a_directory_that_does_not_exist_is_named() {
    let instance = crate::program::unmade();

    let finished = instance.run(["check"]).unwrap();

    assert_ended(
        &finished,
        1,
        "",
        &format!(
            "webscripts: the directory `{}` cannot be used\n  because No such file or directory \
             (os error 2)\n",
            instance.directory().display()
        ),
    );
}
