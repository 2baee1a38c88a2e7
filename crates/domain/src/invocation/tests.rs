#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::access::{authorize, authorize_sign_in};
use crate::arguments::check;
use crate::catalogue::SecretsVia;
use crate::request::RunRequest;
use crate::run::{RecordedArgument, RecordedValue};
use crate::sandbox::Preset;
use crate::testkit::{argument, caller, script, surroundings};

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
struct Ordered {
    /// Words behind the script; contents of files in `<…>`.
    words: Vec<String>,
    stdin: String,
    /// The same words as they are shown.
    shown: Vec<String>,
    secrets: Vec<String>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn order_of(what: &Invocation) -> Ordered {
    let words = what.arguments().iter().map(|word| match word {
        Word::Plain(word) => text(word.as_bytes()),
        Word::SecretFile(secret) => format!("<{}>", text(secret.expose())),
    });
    Ordered {
        words: words.collect(),
        stdin: text(what.stdin()),
        shown: what.command_line().iter().skip(1).map(|word| text(word.as_bytes())).collect(),
        secrets: what.secrets().iter().map(|secret| text(secret.expose())).collect(),
    }
}

fn ordered(words: &[&str], stdin: &str, shown: &[&str], secrets: &[&str]) -> Ordered {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Ordered {
        words: owned(words),
        stdin: stdin.to_owned(),
        shown: owned(shown),
        secrets: owned(secrets),
    }
}

fn invocation(checked: &CheckedArguments<'_>) -> Invocation {
    let surroundings = surroundings(Path::new("/work"), Path::new("/runs"));
    Invocation::new(RunId::from_bytes([0; 16]), checked, vec![], &surroundings, Wishes::default())
}

/// A script with a password, a secret list, a secret input and two plain values.
fn login(via: SecretsVia) -> Script {
    script("login")
        .argument(argument("--password").kind("password"))
        .argument(argument("--keys").secret().list())
        .argument(argument("host"))
        .argument(argument("token").secret().input())
        .argument(argument("note").input())
        .runs(|rules| rules.secrets_via = via)
        .build()
}

fn run(script: &Script, arguments: &str) -> Ordered {
    let caller = caller("alice").build();
    let request = request(arguments);
    order_of(&invocation(&check(authorize(&caller, script).unwrap(), &request).unwrap()))
}

fn refusals(script: &Script, arguments: &str) -> Vec<String> {
    let caller = caller("alice").build();
    let errors = check(authorize(&caller, script).unwrap(), &request(arguments)).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn request(arguments: &str) -> RunRequest {
    RunRequest::parse(format!(r#"{{"arguments":{arguments}}}"#).as_bytes()).unwrap()
}

const BY_NAME: &str = r#"{"note":{"value":"n","input":true},"--password":{"value":"pass"},
    "host":{"value":"h"},"token":{"value":"tok","input":true},
    "--keys":{"value":["key1","key2"]}}"#;

#[test]
fn secrets_are_words_by_default() {
    assert_eq!(
        run(&login(SecretsVia::Argv), BY_NAME),
        ordered(
            &["--password", "pass", "h", "--keys", "key1", "key2"],
            "n\ntok",
            &["--password", "…", "h", "--keys", "…", "…"],
            &["pass", "key1", "key2", "tok"],
        )
    );
}

#[test]
fn secrets_are_lines_of_standard_input_when_the_script_wants_it() {
    assert_eq!(
        run(&login(SecretsVia::Stdin), BY_NAME),
        ordered(&["h"], "pass\nkey1\nkey2\nn\ntok", &["h"], &["pass", "key1", "key2", "tok"])
    );
}

#[test]
fn secrets_are_files_when_the_script_wants_it() {
    assert_eq!(
        run(&login(SecretsVia::Descriptor), BY_NAME),
        ordered(
            &["--password", "<pass>", "h", "--keys", "<key1>", "<key2>"],
            "n\ntok",
            &["--password", "/dev/fd/N", "h", "--keys", "/dev/fd/N", "/dev/fd/N"],
            &["pass", "key1", "key2", "tok"],
        )
    );
}

#[test]
fn words_of_the_client_hold_the_same_secrets() {
    let sent = r#"{"--password=pass":{"value":true},"--keys":{"value":true},
        "arg_1":{"value":"key1"},"arg_2":{"value":"key2"},"input_1":{"value":"tok","input":true}}"#;
    let secrets = ["pass", "key1", "key2", "tok"];

    assert_eq!(
        run(&login(SecretsVia::Argv), sent),
        ordered(
            &["--password=pass", "--keys", "key1", "key2"],
            "tok",
            &["--password=…", "--keys", "…", "…"],
            &secrets
        )
    );
    assert_eq!(
        run(&login(SecretsVia::Stdin), sent),
        ordered(&[], "pass\nkey1\nkey2\ntok", &[], &secrets)
    );
    assert_eq!(
        run(&login(SecretsVia::Descriptor), sent),
        ordered(
            &["--password", "<pass>", "--keys", "<key1>", "<key2>"],
            "tok",
            &["--password", "/dev/fd/N", "--keys", "/dev/fd/N", "/dev/fd/N"],
            &secrets
        )
    );
}

#[test]
fn a_secret_in_a_name_nobody_declared_is_found() {
    let mut open = login(SecretsVia::Descriptor);
    open.accept_undeclared = true;

    assert_eq!(
        run(&open, r#"{"--password=pass":{"value":true},"--other=x":{"value":true}}"#),
        ordered(
            &["--password", "<pass>", "--other=x"],
            "",
            &["--password", "/dev/fd/N", "--other=x"],
            &["pass"]
        )
    );
}

#[test]
fn the_place_of_a_secret_is_right_behind_a_launcher() {
    let script = script("x").launcher("python3").argument(argument("pin").secret()).build();

    assert_eq!(
        run(&script, r#"{"pin":{"value":"1234"}}"#),
        ordered(&["/scripts/x", "1234"], "", &["/scripts/x", "…"], &["1234"])
    );
}

#[test]
fn what_is_searched_in_the_output_has_no_line_ends_and_is_there_once() {
    let script = script("x")
        .argument(argument("a").secret().input())
        .argument(argument("b").secret().list());
    let script = script.build();

    let secrets = run(
        &script,
        r#"{"a":{"value":"\r\nfirst line\nshort\nsecond line\n","input":true},
            "b":{"value":["twice","twice","\n"]}}"#,
    )
    .secrets;

    assert_eq!(secrets, ["twice", "first line\nshort\nsecond line", "first line", "second line"]);
}

#[test]
fn secrets_that_were_sent_as_latin_1_are_found_as_such() {
    let caller = caller("alice").build();
    let script = script("x").argument(argument("a").secret().input()).build();
    let request = request(r#"{"a":{"value":"é!","input":true}}"#);
    let checked = check(authorize(&caller, &script).unwrap(), &request).unwrap();

    let what = invocation(&checked);

    let secrets: Vec<&[u8]> = what.secrets().iter().map(SecretBytes::expose).collect();
    assert_eq!(secrets, ["é!".as_bytes(), b"\xe9!"]);
}

#[test]
fn secrets_that_cannot_be_passed_on_are_refused() {
    let keys = format!(r#"{{"--keys":{{"value":[{}]}}}}"#, vec![r#""k""#; 65].join(","));

    assert_eq!(
        refusals(&login(SecretsVia::Stdin), r#"{"--password":{"value":"a\nb"}}"#),
        ["`--password` may hold no line break: it reaches the script as a line"]
    );
    assert_eq!(
        refusals(
            &login(SecretsVia::Stdin),
            r#"{"--password=a\rb":{"value":true},"arg_1":{"value":"h"}}"#
        ),
        ["`--password` may hold no line break: it reaches the script as a line"]
    );
    assert_eq!(
        refusals(&login(SecretsVia::Descriptor), &keys),
        ["`--keys` makes more than 64 secrets, which is as many as can be passed on"]
    );
    assert_eq!(run(&login(SecretsVia::Argv), &keys).words.len(), 66);
}

#[test]
fn output_of_the_authentication_script_is_not_changed() {
    let visitor = caller("x").build();
    let script = login(SecretsVia::Argv);
    let request = request(r#"{"--password":{"value":"1"}}"#);
    let checked = check(authorize_sign_in(&visitor, &script), &request).unwrap();

    assert!(invocation(&checked).secrets().is_empty());
}

#[test]
fn a_command_about_a_script_has_its_sandbox_and_can_read_it() {
    let strict = Sandbox { preset: Preset::Strict, ..Sandbox::default() };
    let script = script("x").runs(|rules| rules.sandbox = Some(strict.clone())).build();
    let surroundings = surroundings(Path::new("/work"), Path::new("/runs")).about(&script);
    let words = vec!["make".to_owned()];

    let what = Invocation::documentation(RunId::from_bytes([0; 16]), words, vec![], &surroundings)
        .unwrap();

    assert_eq!(what.sandbox(), &Sandbox { read: vec!["/scripts/x".into()], ..strict });
}

#[test]
fn an_order_shows_no_secret_when_it_is_debugged() {
    let caller = caller("alice").build();
    let script = login(SecretsVia::Argv);
    let request = request(BY_NAME);
    let checked = check(authorize(&caller, &script).unwrap(), &request).unwrap();

    let shown = format!("{:?} {checked:?}", invocation(&checked));

    for secret in ["pass\"", "key1", "tok\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_record_holds_no_secret_however_it_was_sent() {
    let caller = caller("alice").build();
    let script = login(SecretsVia::Argv);
    let record = |arguments: &str| {
        let request = request(arguments);
        check(authorize(&caller, &script).unwrap(), &request).unwrap().recorded(&request)
    };
    let secret = |name: &str, input| RecordedArgument {
        name: name.to_owned(),
        value: RecordedValue::Secret,
        input,
        cut: false,
    };
    let plain = |name: &str, json: &str, input| RecordedArgument {
        value: RecordedValue::Json(json.to_owned()),
        ..secret(name, input)
    };

    assert_eq!(
        record(BY_NAME),
        [
            plain("note", r#""n""#, true),
            secret("--password", false),
            plain("host", r#""h""#, false),
            secret("token", true),
            secret("--keys", false),
        ]
    );
    assert_eq!(
        record(
            r#"{"--password=pass":{"value":true},"arg_1":{"value":"h"},"--keys":{"value":true},
               "arg_2":{"value":"key1"},"input_1":{"value":"tok","input":true},
               "input_2":{"value":"n","input":true}}"#
        ),
        [
            secret("--password", false),
            plain("arg_1", r#""h""#, false),
            plain("--keys", "true", false),
            secret("arg_2", false),
            secret("input_1", true),
            plain("input_2", r#""n""#, true),
        ]
    );
}
