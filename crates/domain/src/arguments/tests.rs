#![expect(clippy::unwrap_used, clippy::unnecessary_wraps, reason = "tests")]

use super::*;
use crate::access::authorize;
use crate::catalogue::Script;
use crate::testkit::{argument, caller, script};

type Checked = Result<(Vec<String>, Vec<String>), Vec<String>>;

fn run(script: &Script, arguments: &str) -> Checked {
    let caller = caller("alice").build();
    let authorized = authorize(&caller, script).unwrap();
    let body = format!(r#"{{"arguments":{arguments}}}"#);
    let request = RunRequest::parse(body.as_bytes()).unwrap();
    match check(authorized, &request) {
        Ok(checked) => Ok((
            checked.shown_words(),
            checked.inputs().iter().map(|input| input.expose().to_owned()).collect(),
        )),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
    }
}

fn argv(words: &[&str]) -> Checked {
    Ok((words.iter().map(|&word| word.to_owned()).collect(), vec![]))
}

fn refused(texts: &[&str]) -> Checked {
    Err(texts.iter().map(|&text| text.to_owned()).collect())
}

fn open() -> Script {
    script("open").accepts_undeclared().accepts_option_like().build()
}

#[test]
fn undeclared_values_become_what_the_reference_makes_of_them() {
    let arguments = r#"{"--opt":{"value":["a",1,true,null,"",2]},"pos":{"value":"-x"},
        "n":{"value":1.50},"big":{"value":1e22},"t":{"value":true},"f":{"value":false},
        "nul":{"value":null},"i1":{"value":"l1","input":true},
        "i2":{"value":["x",3,1.5,true],"input":true},"--i3":{"value":"opt","input":true},
        "e":{"value":""}}"#;
    let words = ["--opt", "a", "1", "True", "2", "-x", "1.5", "1e+22", "t", "--i3", "opt"];
    let inputs = ["l1", "x", "3", "1.5", "True"];

    assert_eq!(
        run(&open(), arguments),
        Ok((words.map(str::to_owned).to_vec(), inputs.map(str::to_owned).to_vec()))
    );
}

#[test]
fn undeclared_names_are_refused_by_default() {
    let greet = script("greet").argument(argument("name")).build();

    for name in ["Name", "nаme", "__proto__", "constructor", ""] {
        assert_eq!(
            run(&greet, &format!(r#"{{"{name}":{{"value":"x"}}}}"#)),
            refused(&[&format!("`{name}` is not an argument of this script")])
        );
    }
}

#[test]
fn shell_syntax_reaches_the_script_byte_for_byte() {
    let greet = script("greet").argument(argument("name")).build();

    for value in ["; touch /tmp/x", "`id`", "$(id)", "a|b", "a&&b", "a\\nid", "%PATH%"] {
        let expected = value.replace("\\n", "\n");
        assert_eq!(
            run(&greet, &format!(r#"{{"name":{{"value":"{value}"}}}}"#)),
            argv(&[&expected])
        );
    }
}

#[test]
fn text_that_looks_like_an_option_is_refused_unless_allowed() {
    let careful = script("x").argument(argument("--out")).argument(argument("a").list()).build();
    let open =
        script("x").argument(argument("a").restrict(|r| r.accept_option_like = true)).build();

    assert_eq!(
        run(&careful, r#"{"--out":{"value":"--output=/etc/x"},"a":{"value":["ok","@file"]}}"#),
        refused(&["`--out` may not begin with `-`", "`a` may not begin with `@`"])
    );
    assert_eq!(run(&open, r#"{"a":{"value":"-rf"}}"#), argv(&["-rf"]));
}

#[test]
fn numbers_are_typed_and_never_rounded() {
    let count = script("x")
        .argument(argument("n").kind("number").restrict(|r| {
            r.min = Some(-5.0);
            r.max = Some(1e20);
        }))
        .build();
    let one = |json: &str| run(&count, &format!(r#"{{"n":{{"value":{json}}}}}"#));

    assert_eq!(one("-5"), argv(&["-5"]));
    assert_eq!(one(r#""0.50""#), argv(&["0.50"]));
    assert_eq!(one("9223372036854775808"), argv(&["9223372036854775808"]));
    assert_eq!(one("-6"), refused(&["`n` must be at least -5"]));
    assert_eq!(one("1e21"), refused(&["`n` must be at most 1e+20"]));
    for wrong in [r#""1e309""#, r#""NaN""#, r#""0x10""#, r#""٣""#, r#""-0""#, r#"" 1""#, "true"] {
        assert_eq!(one(wrong), refused(&["`n` must be a number such as 12, -3 or 0.5"]), "{wrong}");
    }
    assert_eq!(
        one("0.10000000000000000001"),
        refused(&["`n` has more digits than can be handed on exactly"])
    );
}

#[test]
fn dates_and_times_exist() {
    let when = |kind: &str, value: &str| {
        let script = script("x").argument(argument("w").kind(kind)).build();
        run(&script, &format!(r#"{{"w":{{"value":"{value}"}}}}"#)).is_ok()
    };

    for (kind, good) in [
        ("date", "2024-02-29"),
        ("time", "23:59"),
        ("time", "23:59:59.5"),
        ("datetime-local", "2026-01-31T14:05"),
        ("month", "2026-12"),
        ("week", "2026-W53"),
        ("color", "#7F8bff"),
        ("email", "a.b@example.org"),
        ("url", "https://example.org/?q=1"),
    ] {
        assert!(when(kind, good), "{kind} {good}");
    }
    for (kind, bad) in [
        ("date", "0000-00-00"),
        ("date", "2023-02-29"),
        ("date", "2026-1-1"),
        ("time", "24:00"),
        ("time", "12:60"),
        ("datetime-local", "2026-01-31 14:05"),
        ("month", "2026-13"),
        ("week", "2025-W53"),
        ("color", "red"),
        ("email", "a@b@"),
        ("url", "example.org"),
    ] {
        assert!(!when(kind, bad), "{kind} {bad}");
    }
}

#[test]
fn choices_are_checked_for_every_item() {
    let pick = script("x")
        .argument(argument("one").choices(["a", "-b"]))
        .argument(argument("many").choices(["1", "2"]).list())
        .build();

    assert_eq!(
        run(&pick, r#"{"one":{"value":"-b"},"many":{"value":[1,"2"]}}"#),
        argv(&["-b", "1", "2"])
    );
    assert_eq!(
        run(&pick, r#"{"one":{"value":"c"},"many":{"value":["1","3"]}}"#),
        refused(&["`one` is not one of the choices", "`many` is not one of the choices"])
    );
}

#[test]
fn all_problems_are_reported_together() {
    let form = script("x")
        .argument(argument("who").restrict(|r| r.required = true))
        .argument(
            argument("code").restrict(|r| r.pattern = regex::Regex::new("^(?:[A-Z]{3})$").ok()),
        )
        .argument(argument("short").restrict(|r| r.max_length = Some(2)))
        .argument(argument("long").restrict(|r| r.min_length = Some(4)))
        .argument(argument("on").kind("checkbox"))
        .build();

    assert_eq!(
        run(
            &form,
            r#"{"code":{"value":"ABCD"},"short":{"value":"äöü"},"long":{"value":"äöü"},"on":{"value":"yes"}}"#
        ),
        refused(&[
            "`code` does not have the required form",
            "`short` must have at most 2 characters",
            "`long` must have at least 4 characters",
            "`on` must be true or false",
            "`who` must be given",
        ])
    );
}

#[test]
fn characters_that_deceive_are_refused_with_the_name_of_the_field() {
    let greet =
        script("greet").argument(argument("name")).argument(argument("doc").kind("file").input());
    let greet = greet.build();
    let one = |json: &str| run(&greet, &format!(r#"{{"name":{{"value":"{json}"}}}}"#));

    assert_eq!(one(r"a\u0000b"), refused(&["`name` holds a character that is not accepted: NUL"]));
    assert_eq!(one(r"\ud800"), refused(&["`name` holds text that is not valid Unicode"]));
    assert_eq!(
        one(r"\ufeffx"),
        refused(&["`name` holds a character that is not accepted: a byte order mark"])
    );
    assert_eq!(
        one(r"a\u202eb"),
        refused(&["`name` holds a character that is not accepted: a text direction control"])
    );
    assert_eq!(
        run(&greet, r#"{"doc":{"value":"\ufeffx","input":true}}"#),
        Ok((vec![], vec!["\u{feff}x".to_owned()]))
    );
}

#[test]
fn values_go_where_the_declaration_says_whatever_the_client_asks() {
    let copy = script("x").argument(argument("text").input()).argument(argument("word")).build();

    assert_eq!(
        run(&copy, r#"{"text":{"value":"-x","input":false},"word":{"value":"y"}}"#),
        Ok((vec!["y".to_owned()], vec!["-x".to_owned()]))
    );
    assert_eq!(
        run(&copy, r#"{"word":{"value":"y","input":true}}"#),
        refused(&["`word` goes to the command line, not to standard input"])
    );
}

#[test]
fn a_word_longer_than_the_system_accepts_is_refused_before_the_start() {
    let body = format!(r#"{{"a":{{"value":"{}"}}}}"#, "x".repeat(140_000));

    assert_eq!(
        run(&open(), &body),
        refused(&["`a` is longer than a command line word may be (131071 bytes)"])
    );
}

#[test]
fn words_of_the_client_are_matched_with_the_declared_arguments() {
    let users = script("view_users.py")
        .argument(argument("--ids").kind("number").list())
        .argument(argument("--name"))
        .argument(argument("license").kind("checkbox"))
        .argument(argument("--all").kind("checkbox"))
        .argument(argument("file"))
        .build();
    let sent = r#"{"--ids":{"value":true},"arg_1":{"value":"2"},"arg_2":{"value":3},
        "--name":{"value":true},"arg_3":{"value":"bob"},"--all":{"value":true},
        "arg_4":{"value":"license"},"arg_5":{"value":"x.txt"}}"#;

    assert_eq!(
        run(&users, sent),
        argv(&["--ids", "2", "3", "--name", "bob", "--all", "license", "x.txt"])
    );
    assert_eq!(
        run(&users, r#"{"arg_1":{"value":"a"},"arg_2":{"value":"b"},"--x":{"value":true}}"#),
        refused(&[
            "`arg_2` is not an argument of this script",
            "`--x` is not an argument of this script"
        ])
    );
    assert_eq!(
        run(
            &users,
            r#"{"--ids=7":{"value":true},"--name=a=b":{"value":true},"arg_1":{"value":"x"}}"#
        ),
        argv(&["--ids=7", "--name=a=b", "x"])
    );
    assert_eq!(
        run(&users, r#"{"--ids=seven":{"value":true},"arg_1":{"value":"x"}}"#),
        refused(&["`--ids=seven` must be a number such as 12, -3 or 0.5"])
    );
    assert_eq!(
        run(&users, r#"{"--ids":{"value":true},"arg_1":{"value":"x"},"--name":{"value":true}}"#),
        refused(&["`arg_1` must be a number such as 12, -3 or 0.5", "`--name` needs a value"])
    );
}

#[test]
fn inputs_of_the_client_go_to_the_declared_inputs_in_order() {
    let notes = script("notes")
        .argument(argument("title"))
        .argument(argument("first").input())
        .argument(argument("rest").input())
        .build();
    let inputs = |texts: &[&str], argv: &[&str]| -> Checked {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Ok((owned(argv), owned(texts)))
    };
    let one = r#""input_1":{"value":"a","input":true}"#;
    let more = r#""input_2":{"value":"b\n","input":true},"input_3":{"value":"c","input":true}"#;

    assert_eq!(run(&notes, &format!("{{{one}}}")), inputs(&["a"], &[]));
    assert_eq!(run(&notes, &format!("{{{one},{more}}}")), inputs(&["a", "b\n", "c"], &[]));
    assert_eq!(
        run(&notes, &format!(r#"{{"arg_1":{{"value":"x"}},{one},{more}}}"#)),
        inputs(&["a", "b\n", "c"], &["x"])
    );
    assert_eq!(
        run(&script("none").argument(argument("title")).build(), &format!("{{{one}}}")),
        refused(&["`input_1` is not an argument of this script"])
    );
    assert_eq!(
        run(&notes, r#"{"input_1":{"value":"a"}}"#),
        refused(&["`input_1` is not an argument of this script"])
    );
}
