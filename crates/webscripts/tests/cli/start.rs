//! What keeps the server from starting, and what it says then.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use webscripts_testkit::{Finished, Instance, Request};

use crate::program::{assert_ended, describe, without_directory};

/// Goes through the whole start without serving; answers exit status and standard error.
fn start(instance: &Instance) -> (Option<i32>, String) {
    let Finished { status, stdout, stderr } =
        instance.run(["serve", "--test-running", "--port", "0"]).unwrap();
    assert_eq!(stdout, "");
    (status.code(), without_directory(&stderr, instance))
}

#[test]
fn a_good_configuration_passes_the_start() {
    let instance = describe().create().unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(0), "{log}");
}

#[test]
fn a_port_in_use_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let instance = describe().create().unwrap();

    let refused = instance.run(["serve", "--port", &port.to_string()]).unwrap();

    assert_ended(
        &refused,
        1,
        "",
        &format!(
            "webscripts: the server cannot listen on 127.0.0.1:{port}; `--interface` and `--port` \
             name another place\n  because Address already in use (os error 98)\n"
        ),
    );
}

#[test]
fn an_address_of_another_machine_is_said() {
    let described =
        describe().setting("interface", "192.0.2.1").setting("allow_public_without_tls", true);
    let instance = described.create().unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    let why = "webscripts: the server cannot listen on 192.0.2.1:0; `--interface` and `--port` name \
               another place\n  because Cannot assign requested address (os error 99)\n";
    assert!(log.ends_with(why), "{log}");
}

#[test]
fn a_broken_configuration_stops_the_start_with_every_error() {
    let text = "[server]\nport = many\ninterface = no address\n";
    let instance = describe().file("config/server.ini", text, 0o400).create().unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the configuration cannot be used:
    config/server.ini:2: [server] port: `many` is no whole number; write a whole number from 0 to 65535
    config/server.ini:3: [server] interface: `no address` is no address and no host name that can be resolved; write an address such as 127.0.0.1 or ::1
    ");
}

#[test]
fn a_configuration_that_cannot_be_parsed_never_means_the_defaults() {
    let instance = describe().create().unwrap();
    let file = instance.directory().join("config/server.json");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "{\"server\": {\"port\": 8000,}}").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the configuration cannot be used:
    config/server.json:1: this cannot be read as JSON: trailing comma; look at this line and the one above it
    ");
}

#[test]
fn a_configuration_that_others_may_write_stops_the_start() {
    let instance = describe().setting("force_file_permissions", false).create().unwrap();
    let file = instance.directory().join("config/server.json");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();

    let (status, log) = start(&instance);

    assert_eq!(status, Some(1));
    assert!(log.contains("config/server.json: mode 0666"), "{log}");
}

#[test]
fn a_missing_script_file_stops_the_start() {
    let described = describe().script_configuration(
        "gone.json",
        json!({"scripts": {"gone.sh": "gone"}, "gone": {"path": "./scripts/gone.sh"}}),
    );

    let (status, log) = start(&described.create().unwrap());

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the configuration cannot be used:
    config/scripts/gone.json:6: [gone] path: the script `scripts/gone.sh` cannot be used: no such file or directory; correct the path
    ");
}

#[test]
fn a_certificate_that_is_not_there_stops_the_start() {
    let described = describe()
        .setting("tls_certificate", "config/tls/chain.pem")
        .setting("tls_key", "config/tls/key.pem");

    let (status, log) = start(&described.create().unwrap());

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @r"
    webscripts: the configuration cannot be used:
    config/server.json:3: [server] tls_certificate: `DIR/config/tls/chain.pem` cannot be used: no such file or directory; write the path of a PEM file
    config/server.json:4: [server] tls_key: `DIR/config/tls/key.pem` cannot be used: no such file or directory; write the path of a PEM file
    ");
}

#[test]
fn a_certificate_that_is_none_stops_the_start() {
    let described = describe()
        .file("config/tls/chain.pem", "no certificate\n", 0o400)
        .file("config/tls/key.pem", "no key\n", 0o400)
        .setting("tls_certificate", "config/tls/chain.pem")
        .setting("tls_key", "config/tls/key.pem");

    let (status, log) = start(&described.create().unwrap());

    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @"webscripts: `DIR/config/tls/chain.pem` holds no certificate (PEM, `BEGIN CERTIFICATE`)");
}

#[test]
fn a_public_interface_needs_tls_or_an_explicit_override() {
    let refused = describe().setting("interface", "0.0.0.0").create().unwrap();
    let accepted = describe()
        .setting("interface", "0.0.0.0")
        .setting("allow_public_without_tls", true)
        .create()
        .unwrap();

    let (status, log) = start(&refused);
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(log, @"webscripts: `interface` 0.0.0.0 can be reached by others, and there is no TLS: set `tls_certificate` and `tls_key`, or listen on 127.0.0.1 behind a proxy; `allow_public_without_tls` overrides this");

    let server = accepted.serve().unwrap();
    assert_eq!(server.send(&Request::get("/health/live")).unwrap().status, 200);
    let log = server.stop().unwrap().log;
    assert!(log.contains("plain HTTP on a public address"), "{log}");
}

#[test]
fn a_script_that_cannot_be_executed_is_logged_and_the_others_run() {
    let server = describe()
        .file("scripts/plain.sh", "echo\n", 0o400)
        .script_configuration(
            "plain.json",
            json!({"scripts": {"plain.sh": "plain"}, "plain": {"path": "./scripts/plain.sh"}}),
        )
        .script("hello.sh", "#!/bin/sh\necho hello\n", &json!({}))
        .account(webscripts_testkit::Account::user("alice"))
        .start()
        .unwrap();
    let token = server.sign_in("alice").unwrap();
    let run =
        |path: &str| server.send(&Request::post(path).api_token(&token).run(&json!({}))).unwrap();

    let (plain, hello) = (run("/api/scripts/plain.sh"), run("/api/scripts/hello.sh"));

    assert_eq!(plain.status, 500);
    assert_eq!((hello.status, &hello.json().unwrap()["stdout"]), (200, &json!("hello\n")));
    let log = server.log();
    assert!(log.contains("it is not executable and has no launcher"), "{log}");
}
