//! `webscripts explain`: exactly what would run, or the rule that refuses.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Finished, Instance};

use crate::program::{assert_ended, describe, without_directory};

fn instance() -> Instance {
    describe()
        .script(
            "deploy.sh",
            "#!/bin/sh\n",
            &json!({
                "category": "Operations",
                "minimum_access": 500,
                "timeout": 30,
                "secrets": {"token": "t0p-secret"},
                "args": {
                    "--host": {"html_type": "text", "list": true},
                    "--force": {"html_type": "checkbox"},
                    "--password": {"html_type": "password"},
                    "count": {"html_type": "number", "min": 1, "max": 9, "required": true},
                    "note": {"html_type": "textarea", "input": true},
                },
            }),
        )
        .script(
            "login.sh",
            "#!/bin/sh\n",
            &json!({
                "secrets_via": "fd", "sandbox": "strict", "memory_limit": "64 MiB",
                "process_limit": 20, "max_concurrent": 2, "queue_length": 3,
                "rate_limit": "10/minute", "interactive": true, "view_groups": [60],
                "stop_users": [7], "sha256": "00".repeat(32),
                "args": {"--password": {"html_type": "password"}, "--key": {"secret": true}},
            }),
        )
        .account(Account::in_groups("dev", &[500]))
        .account(Account::user("bob"))
        .account(Account::in_groups("office", &[500]).category("Office").script("x"))
        .account(Account::in_groups("inside", &[500]).address("10.*"))
        .create()
        .unwrap()
}

/// Without the sandbox, whose words depend on the machine.
fn without_sandbox(text: &str) -> String {
    let (before, rest) = text.split_once("\nSandbox:\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}\n{after}")
}

fn explain(instance: &Instance, more: &[&str]) -> Finished {
    let mut arguments = vec!["explain", "deploy.sh"];
    arguments.extend(more);
    instance.run(arguments).unwrap()
}

#[test]
fn the_command_line_the_input_and_the_rule_are_shown_and_secrets_are_not() {
    let instance = instance();

    let explained = explain(
        &instance,
        &[
            "--user",
            "dev",
            "--arg",
            "count=3",
            "--arg",
            "--host=a b",
            "--arg",
            "--host=c'd",
            "--arg",
            "--force",
            "--arg",
            "--password=s3cret word",
            "--arg",
            "note=one\ntwo",
        ],
    );

    assert_eq!((explained.status.code(), explained.stderr.as_str()), (Some(0), ""));
    assert!(!explained.stdout.contains("s3cret") && !explained.stdout.contains("t0p"));
    let shown = without_sandbox(&without_directory(&explained.stdout, &instance));
    insta::assert_snapshot!(shown, @r"
    Script:      deploy.sh
    User:        dev (number 2, groups 500)
    Address:     127.0.0.1
    Allowed:     a group of the user is at least `minimum_access`
    Directory:   DIR
    Time limit:  30 s
    Output kept: 67108864 bytes

    Command line, one word a line:
      DIR/scripts/deploy.sh
      3
      --host
      'a b'
      'c'\''d'
      --force
      --password
      …

    Standard input: 7 bytes
      one
      two

    Runs:
      at the same time: 64 in all, 16 of one user
      waiting: 1024 in all
      when stopped: asked to end, ended 5 s later
      input and output: pipes; standard input ends after what is sent
      secret arguments: words of the command line, which other accounts can see

    Environment, with the values of WEBSCRIPTS_* (headers of a request add HTTP_*):
      PATH
      HOME
      LANG
      WEBSCRIPTS_PATH=DIR
      WEBSCRIPTS_DATA_PATH=DIR/data
      WEBSCRIPTS_DOCUMENTATION_PATH='DIR/doc/*.html'
      WEBSCRIPTS_MODULES=error_pages:share:cgi:rss:JsonRpc:notification
      WEBSCRIPTS_LOGS_PATH=DIR/logs
      WEBSCRIPTS_LOGS_FILES='all?DIR/logs/00-server.logs|trace?DIR/logs/05-trace.logs|debug?DIR/logs/10-debug.logs|info?DIR/logs/20-info.logs|warning?DIR/logs/30-warning.logs|error?DIR/logs/40-error.logs|critical?DIR/logs/50-critical.logs|access?DIR/logs/25-access.logs|response?DIR/logs/26-response.logs|command?DIR/logs/27-command.logs'
      REQUEST_METHOD
      QUERY_STRING
      CONTENT_TYPE
      SERVER_NAME
      SERVER_PORT
      SERVER_PROTOCOL
      SERVER_SOFTWARE
      GATEWAY_INTERFACE
      REMOTE_ADDR
      REMOTE_HOST
      REMOTE_IP
      REMOTE_PORT
      SCRIPT_NAME
      PATH_INFO
      URL_PATH
      SUB_DIRECTORIES_NUMBER
      wsgi.version
      wsgi.url_scheme
      wsgi.multithread
      wsgi.multiprocess
      USER
      SCRIPT_CONFIG
    ");
}

#[test]
fn json_is_the_same_for_programs() {
    let instance = instance();

    let explained = explain(
        &instance,
        &["--user", "dev", "--arg", "count=3", "--arg", "--password=s3cret word", "--json"],
    );

    let printed = without_directory(&explained.stdout, &instance);
    let mut shown: Value = serde_json::from_str(&printed).unwrap();
    let environment = shown.as_object_mut().unwrap().remove("environment").unwrap();
    let rules = shown.as_object_mut().unwrap().remove("rules").unwrap();
    assert_eq!(explained.status.code(), Some(0));
    assert_eq!(
        shown,
        json!({
            "script": "deploy.sh",
            "user": {"id": 2, "name": "dev", "groups": [500]},
            "address": "127.0.0.1",
            "allowed": true,
            "rule": "a group of the user is at least `minimum_access`",
            "directory": "DIR",
            "timeout_s": 30.0,
            "output_bytes": 67_108_864,
            "argv": ["DIR/scripts/deploy.sh", "3", "--password", "…"],
            "stdin": {"bytes": 0, "text": ""},
        })
    );
    assert_eq!(rules["sandbox"]["preset"], "default");
    assert_eq!((&rules["limits"], &rules["secrets_via"]), (&json!({}), &json!("argv")));
    assert_eq!(environment["WEBSCRIPTS_PATH"], "DIR");
    assert_eq!(environment["SCRIPT_CONFIG"], Value::Null);
    assert!(environment.as_object().unwrap().contains_key("USER"));
}

#[test]
fn the_rules_of_its_runs_are_shown() {
    let instance = instance();
    let secret = ["--user", "dev", "--arg", "--password=s3cret word", "--arg", "--key=-k3y"];
    let explain = |more: &[&str]| {
        let arguments = ["explain", "login.sh"].iter().chain(&secret).chain(more);
        instance.run(arguments).unwrap().success().unwrap()
    };

    let text = explain(&[]).stdout;
    let json: Value = serde_json::from_str(&explain(&["--json"]).stdout).unwrap();

    assert!(!text.contains("s3cret") && !text.contains("k3y"), "{text}");
    for line in [
        "  --password\n  /dev/fd/N\n  --key\n  /dev/fd/N\n",
        "  at the same time: 64 in all, 16 of one user, 2 of this script\n",
        "  waiting: 1024 in all, 3 of this script\n",
        "  rate: 10/minute of one user, for this script\n",
        "  input and output: pipes; standard input stays open\n",
        "  secret arguments: files that only the run can open\n",
        "  file: started only if it has the recorded SHA-256 digest\n",
        "  others who see its runs: groups [60], users []\n",
        "  others who stop its runs: groups [], users [7]\n",
        "\nSandbox:\n  preset: strict\n",
        "  limits: 67108864 bytes of memory; 20 processes and threads\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let mut rules = json["rules"].clone();
    rules.as_object_mut().unwrap().remove("not_enforced");
    assert_eq!(
        rules,
        json!({
            "max_runs": 64, "max_runs_per_user": 16, "max_concurrent": 2, "queue_length": 3,
            "rate_limit": "10/minute", "stop_grace_s": 5.0, "terminal": false, "interactive": true,
            "secrets_via": "fd", "sha256": true, "view": {"groups": [60], "users": []},
            "stop": {"groups": [], "users": [7]},
            "limits": {"memory_limit": 67_108_864, "process_limit": 20},
            "sandbox": {
                "preset": "strict", "read": [], "write": [], "network": false, "user": null,
                "group": null, "required": false,
            },
        })
    );
}

#[test]
fn values_that_cannot_be_used_are_all_named() {
    let instance = instance();

    let refused = explain(
        &instance,
        &["--user", "dev", "--arg", "count=12", "--arg", "--host=-x", "--arg", "more=1"],
    );

    assert_eq!((refused.status.code(), refused.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(refused.stdout, @r"
    Script:      deploy.sh
    User:        dev (number 2, groups 500)
    Address:     127.0.0.1
    Refused:     some values cannot be used
      `count` must be at most 9
      `--host` may not begin with `-`
      `more` is not an argument of this script
    ");
}

#[test]
fn the_access_key_that_refuses_is_shown() {
    let instance = instance();

    let refused = explain(&instance, &["--user", "bob", "--arg", "count=3"]);

    assert_eq!((refused.status.code(), refused.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(refused.stdout, @r#"
    Script:      deploy.sh
    User:        bob (number 3, groups 50)
    Address:     127.0.0.1
    Refused:     none of `minimum_access`, `access_groups`, `access_users` fits the user

    Access keys of the script:
      minimum_access: 500
      category: "Operations"

    Limits of the account:
      categories: ["*"]
      scripts: ["*"]
    "#);
}

#[test]
fn every_reason_to_refuse_has_its_words() {
    let instance = instance();
    instance.run(["user", "add", "gone", "--group", "500"]).unwrap().success().unwrap();
    instance.run(["user", "disable", "gone"]).unwrap().success().unwrap();

    for (arguments, reason) in [
        (
            &["--user", "office"][..],
            "neither `categories` nor `scripts` of the account fits this script",
        ),
        (&["--user", "inside"], "the account may not sign in from 127.0.0.1"),
        (&["--user", "gone"], "the account is disabled"),
        (&[], "visitors have to sign in first"),
    ] {
        let refused = explain(&instance, arguments);
        let line = format!("Refused:     {reason}\n");
        assert!(refused.stdout.contains(&line), "{}", refused.stdout);
        assert_eq!((refused.status.code(), refused.stderr.as_str()), (Some(1), ""));
    }
    let inside = explain(&instance, &["--user", "inside", "--ip", "10.1.2.3", "--arg", "count=1"]);
    assert_eq!(inside.status.code(), Some(0), "{}", inside.stdout);
}

#[test]
fn an_unknown_script_or_account_is_named() {
    let instance = instance();

    let script = instance.run(["explain", "none.sh", "--user", "dev"]).unwrap();
    let account = explain(&instance, &["--user", "nobody"]);

    assert!(script.stdout.contains("Refused:     there is no script of this name\n"));
    assert_eq!(script.status.code(), Some(1));
    assert_ended(&account, 1, "", "webscripts: there is no account `nobody`\n");
}
