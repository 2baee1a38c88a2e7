//! Values on their way to the program: rows 1, 2, 3, 4, 6, 7 and 10.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Server};

use crate::stage::{
    Probes as _, assert_refused, code_of, fields_of, files, instance, run, run_raw, seen, started,
    try_run, words,
};

/// Everything a shell would act on.
const SHELL: [&str; 8] = [
    "; touch made",
    "`touch made`",
    "$(touch made)",
    "a|touch made",
    "a&&touch made",
    "a\ntouch made\n",
    "> made",
    "'\"\\ $HOME * ~ !! {a,b}",
];

/// Types of text that take any text. Of those, `password` is missing: it is masked in the output.
const FREE: [&str; 5] = ["text", "search", "tel", "textarea", "hidden"];
/// Types whose values have a form.
const STRICT: [&str; 9] =
    ["number", "range", "date", "time", "datetime-local", "month", "week", "color", "email"];

fn server(keys: &Value) -> (Server, String) {
    let server = instance().probe("probe.sh", keys).account(Account::user("ada")).start().unwrap();
    let token = server.sign_in("ada").unwrap();
    (server, token)
}

fn arguments_of(types: &[&str]) -> Value {
    let entries = types.iter().map(|kind| ((*kind).to_owned(), json!({"html_type": kind})));
    json!({ "args": Value::Object(entries.collect()) })
}

/// The same value for every argument.
fn everywhere(types: &[&str], value: &str) -> Value {
    types.iter().map(|kind| ((*kind).to_owned(), json!(value))).collect()
}

#[test]
fn attack_01_shell_syntax_reaches_argv_byte_for_byte() {
    let mut keys = arguments_of(&FREE);
    keys["args"]["--option"] = json!({});
    keys["args"]["list"] = json!({"list": true});
    keys["args"]["choice"] = json!({"predefined_values": SHELL});
    keys["args"]["line"] = json!({"input": true});
    let (server, token) = server(&keys);
    let before = files(&server);

    for value in SHELL {
        let mut arguments = everywhere(&FREE, value);
        arguments["--option"] = json!(value);
        arguments["list"] = json!([value, value]);
        arguments["choice"] = json!(value);
        arguments["line"] = json!(value);
        let mut expected = vec![value; FREE.len()];
        expected.extend(["--option", value, value, value, value]);

        let answer = run(&server, &token, "probe.sh", &arguments);

        assert_eq!(words(&answer), expected);
        assert_eq!(seen(&answer).stdin, value.as_bytes());
    }
    assert_eq!(files(&server), before);
}

#[test]
fn attack_01_shell_syntax_reaches_standard_input_byte_for_byte() {
    let (server, token) = server(&json!({"args": {"line": {"input": true}}}));
    let before = files(&server);

    for value in SHELL {
        let body = json!({"arguments": {"line": {"value": value, "input": true}}}).to_string();
        let answer = run_raw(&server, &token, "probe.sh", body);

        assert_eq!(seen(&answer).stdin, value.as_bytes());
        assert_eq!(seen(&answer).argv, [b""; 0]);
    }
    assert_eq!(files(&server), before);
}

#[test]
fn attack_01_shell_syntax_has_no_form_that_strict_types_take() {
    let (server, token) = server(&arguments_of(&STRICT));

    for value in SHELL {
        let answer = try_run(&server, &token, "probe.sh", &everywhere(&STRICT, value));

        let names: Vec<String> = fields_of(&answer).into_iter().map(|(name, _)| name).collect();
        assert_eq!((answer.status, names), (400, STRICT.map(str::to_owned).to_vec()), "{value:?}");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_01_shell_syntax_in_the_form_of_an_address_stays_one_word() {
    let (server, token) = server(&arguments_of(&["email", "url"]));
    let before = files(&server);
    let (email, url) = ("`touch${IFS}made`|a&&b$HOME@example.org", "x:;touch${IFS}made|`id`&$(id)");

    let answer = run(&server, &token, "probe.sh", &json!({"email": email, "url": url}));

    assert_eq!(words(&answer), [email, url]);
    assert_eq!(files(&server), before);
}

/// Values that a program could take for an option or for a file of arguments.
const OPTIONS: [(&str, &str); 5] = [
    ("-rf", "may not begin with `-`"),
    ("-", "may not begin with `-`"),
    ("--", "may not begin with `-`"),
    ("--output=/etc/x", "may not begin with `-`"),
    ("@file", "may not begin with `@`"),
];

#[test]
fn attack_02_a_value_that_looks_like_an_option_is_refused() {
    let keys = json!({"args": {"word": {}, "list": {"list": true}, "--option": {}}});
    let (server, token) = server(&keys);

    for (value, why) in OPTIONS {
        let answer = try_run(&server, &token, "probe.sh", &json!({"word": value}));
        assert_refused(&answer, "word", why);
        let answer = try_run(&server, &token, "probe.sh", &json!({"list": ["a", value, "b"]}));
        assert_refused(&answer, "list", why);
        let answer = try_run(&server, &token, "probe.sh", &json!({"--option": value}));
        assert_refused(&answer, "--option", why);
        let answer = try_run(&server, &token, "probe.sh", &json!({"arg_1": "a", "arg_2": value}));
        assert_refused(&answer, "arg_2", why);
    }
    let answer = try_run(&server, &token, "probe.sh", &json!({"arg_1": "a", "--rf": true}));
    assert_refused(&answer, "--rf", "may not begin with `-`");
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_02_a_script_or_an_argument_can_take_such_values() {
    let server = instance()
        .probe("all.sh", &json!({"accept_option_like_values": true, "args": {"word": {}}}))
        .probe(
            "one.sh",
            &json!({"args": {"any": {"accept_option_like_values": true}, "other": {}}}),
        )
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();

    for (value, why) in OPTIONS {
        assert_eq!(words(&run(&server, &token, "all.sh", &json!({"word": value}))), [value]);
        assert_eq!(words(&run(&server, &token, "one.sh", &json!({"any": value}))), [value]);
        let answer = try_run(&server, &token, "one.sh", &json!({"other": value}));
        assert_refused(&answer, "other", why);
    }
}

#[test]
fn attack_02_a_number_below_zero_is_no_option() {
    let (server, token) = server(&arguments_of(&["number"]));

    assert_eq!(words(&run(&server, &token, "probe.sh", &json!({"number": "-3"}))), ["-3"]);
    assert_eq!(words(&run(&server, &token, "probe.sh", &json!({"number": -3}))), ["-3"]);
}

#[test]
fn attack_03_an_argument_nobody_declared_is_refused() {
    let (server, token) =
        server(&json!({"args": {"name": {}, "--flag": {"html_type": "checkbox"}}}));

    for undeclared in [
        "other",
        "Name",
        "NAME",
        " name",
        "name ",
        "n\u{430}me",
        "na\u{200b}me",
        "\u{ff4e}ame",
        "__proto__",
        "constructor",
        "toString",
        "--name",
        "-flag",
        "--FLAG",
        "",
        "name\0",
        "../name",
    ] {
        let answer = try_run(&server, &token, "probe.sh", &json!({"name": "x", undeclared: "y"}));
        assert_refused(&answer, undeclared, "is not an argument of this script");
        let answer = try_run(&server, &token, "probe.sh", &json!({undeclared: true}));
        assert_refused(&answer, undeclared, "is not an argument of this script");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_03_a_name_that_occurs_twice_is_refused() {
    let (server, token) = server(&json!({"args": {"name": {}}}));

    for second in ["name", r"na\u006de"] {
        let body =
            format!(r#"{{"arguments":{{"name":{{"value":"a"}},"{second}":{{"value":"b"}}}}}}"#);
        let answer = run_raw(&server, &token, "probe.sh", body);
        assert_refused(&answer, "name", "occurs twice");
        assert_eq!(code_of(&answer), "duplicate-name");
    }
    for body in [
        r#"{"arguments":{"name":{"value":"a"}},"arguments":{"name":{"value":"b"}}}"#,
        r#"{"arguments":{"name":{"value":"a","value":"b"}}}"#,
    ] {
        let answer = run_raw(&server, &token, "probe.sh", body);
        assert_eq!((answer.status, code_of(&answer)), (400, "duplicate-name".to_owned()));
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_04_a_choice_that_is_not_in_the_list_is_refused() {
    let choices = json!({"predefined_values": ["red", "green", "1"]});
    let mut several = choices.clone();
    several["list"] = json!(true);
    let (server, token) = server(&json!({"args": {"one": choices, "some": several}}));

    for wrong in ["blue", "Red", "RED", "re", "red ", " red", "red\n", "red,green", "1.0", "*"] {
        let answer = try_run(&server, &token, "probe.sh", &json!({"one": wrong}));
        assert_refused(&answer, "one", "is not one of the choices");
        let answer = try_run(&server, &token, "probe.sh", &json!({"some": ["red", wrong]}));
        assert_refused(&answer, "some", "is not one of the choices");
        let answer = try_run(&server, &token, "probe.sh", &json!({"arg_1": wrong}));
        assert_refused(&answer, "arg_1", "is not one of the choices");
    }
    let answer = try_run(&server, &token, "probe.sh", &json!({"one": ["red", "green"]}));
    assert_refused(&answer, "one", "takes one value, not a list");
    for wrong in [json!(true), json!(1.5)] {
        let answer = try_run(&server, &token, "probe.sh", &json!({"one": wrong}));
        assert_refused(&answer, "one", "is not one of the choices");
    }
    assert_eq!(started(&server), 0);
    assert_eq!(words(&run(&server, &token, "probe.sh", &json!({"one": 1}))), ["1"]);
}

/// The value would keep a backtracking engine busy for longer than the world exists, so an answer
/// is the proof, whatever it takes.
#[test]
fn attack_06_a_pattern_that_could_backtrack_is_decided_in_linear_time() {
    let args: Value = ["(a+)+$", "(a|aa)+$", "(a|a?)+", "(.*a){20}", "^(([a-z])+.)+[A-Z]([a-z])+$"]
        .iter()
        .enumerate()
        .map(|(at, pattern)| (format!("word_{at}"), json!({"pattern": pattern})))
        .collect();
    let names: Vec<String> = args.as_object().unwrap().keys().cloned().collect();
    let (server, token) = server(&json!({"args": args}));
    let value = format!("{}!", "a".repeat(50_000));

    for name in names {
        let answer = try_run(&server, &token, "probe.sh", &json!({ (name.as_str()): value }));
        assert_refused(&answer, &name, "does not have the required form");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_06_a_pattern_that_is_too_large_or_needs_backtracking_stops_the_start() {
    for pattern in ["((a{100}){100}){100}", r"(a)\1", "a(?=b)", "(?<!a)b", "(", "[z-a]"] {
        let keys = json!({"args": {"word": {"pattern": pattern}}});
        let error = instance().probe("probe.sh", &keys).start().unwrap_err();

        let text = format!("{error:#}");
        assert!(text.contains("probe.sh.json") && text.contains("pattern"), "{pattern}: {text}");
    }
}

/// What no value may hold, and how the refusal calls it.
const CHARACTERS: [(&str, &str); 5] = [
    (r"a\u0000b", "holds a character that is not accepted: NUL"),
    (r"\ufeffa", "holds a character that is not accepted: a byte order mark"),
    (r"a\u202eb", "holds a character that is not accepted: a text direction control"),
    (r"a\u2067b", "holds a character that is not accepted: a text direction control"),
    (r"a\ud800b", "holds text that is not valid Unicode"),
];

#[test]
fn attack_07_characters_that_deceive_are_refused_by_name_of_the_argument() {
    let keys = json!({"args": {"word": {}, "list": {"list": true}, "line": {"input": true}}});
    let (server, token) = server(&keys);

    for (text, why) in CHARACTERS {
        for (name, value, input) in [
            ("word", format!("\"{text}\""), false),
            ("list", format!("[\"a\", \"{text}\"]"), false),
            ("line", format!("\"{text}\""), true),
        ] {
            let body =
                format!(r#"{{"arguments":{{"{name}":{{"value":{value},"input":{input}}}}}}}"#);
            assert_refused(&run_raw(&server, &token, "probe.sh", body), name, why);
        }
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_07_bytes_that_are_no_utf_8_are_refused() {
    let (server, token) = server(&json!({"args": {"word": {}}}));

    for bytes in [
        &b"\xff"[..],
        b"\xc3",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ] {
        let body = [br#"{"arguments":{"word":{"value":""#, bytes, br#""}}}"#].concat();
        let answer = run_raw(&server, &token, "probe.sh", body);
        assert_eq!((answer.status, code_of(&answer)), (400, "not-json".to_owned()), "{bytes:?}");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_07_a_file_may_hold_everything_but_nul() {
    let (server, token) = server(&json!({"args": {"file": {"html_type": "file", "input": true}}}));
    let run_with = |text: &str| {
        let body = format!(r#"{{"arguments":{{"file":{{"value":"{text}","input":true}}}}}}"#);
        run_raw(&server, &token, "probe.sh", body)
    };

    let seen = seen(&run_with(r"\ufeffa\u202eb\u0001"));
    assert_eq!(seen.stdin, "\u{feff}a\u{202e}b\u{1}".as_bytes());
    assert_refused(&run_with(r"a\u0000b"), "file", "holds a character that is not accepted: NUL");
}

#[test]
fn attack_07_wrong_bytes_in_addresses_and_headers_are_no_failure_of_the_server() {
    use webscripts_testkit::Request;

    let (server, token) = server(&json!({}));
    for path in ["/api/scripts/a%00b", "/api/scripts/%ff", "/web/scripts/%c0%af", "/%00/%00"] {
        let answer = server.send(&Request::get(path).api_token(&token)).unwrap();
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
    }
    let answer = server.send(&Request::get("/web/?q=%ff%00%c3&category=%fe").api_token(&token));
    assert_eq!(answer.unwrap().status, 200);
    let answer = server.send(&Request::get("/web/").header("Api-Token", "SessionID=\u{e9}"));
    assert_eq!(answer.unwrap().status, 302);
}

#[test]
fn attack_10_a_number_is_handed_on_exactly_or_refused() {
    let (server, token) = server(&arguments_of(&["number"]));
    let body = |json: &str| format!(r#"{{"arguments":{{"number":{{"value":{json}}}}}}}"#);
    let refused = |json: &str| {
        let answer = run_raw(&server, &token, "probe.sh", body(json));
        assert_eq!(answer.status, 400, "{json}: {}", answer.text());
        assert_eq!(fields_of(&answer)[0].0, "number", "{json}");
    };

    for text in [
        "1e309", "-1e309", "NaN", "nan", "Infinity", "inf", "0x10", "\u{663}", "-0", "-0.0", "+1",
        "1_0", "1,5", " 1", "1 ", "1.", ".5", "--1", "1e", "1e5.5", "\u{ff11}",
    ] {
        refused(&format!("\"{text}\""));
    }
    for json in [
        "1e309",
        "-1e309",
        "1.00000000000000000001",
        "0.1000000000000000055511151231257827",
        "true",
    ] {
        refused(json);
    }
    assert_eq!(started(&server), 0);

    let exact =
        ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "0.1", "1e+22"];
    for digits in exact {
        assert_eq!(words(&run_raw(&server, &token, "probe.sh", body(digits))), [digits]);
        let text = format!("\"{digits}\"");
        assert_eq!(words(&run_raw(&server, &token, "probe.sh", body(&text))), [digits]);
    }
}

#[test]
fn attack_10_json_that_is_no_number_is_no_json() {
    let (server, token) = server(&arguments_of(&["number"]));

    for json in ["NaN", "Infinity", "0x10", "01", "+1", ".5", "1.", "\u{663}", "1_0"] {
        let body = format!(r#"{{"arguments":{{"number":{{"value":{json}}}}}}}"#);
        let answer = run_raw(&server, &token, "probe.sh", body);
        assert_eq!((answer.status, code_of(&answer)), (400, "not-json".to_owned()), "{json}");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_10_days_and_times_that_do_not_exist_are_refused() {
    let kinds = ["date", "time", "datetime-local", "month", "week"];
    let (server, token) = server(&arguments_of(&kinds));
    let refused = [
        ("date", "0000-00-00"),
        ("date", "2026-02-29"),
        ("date", "2026-13-01"),
        ("date", "2026-1-1"),
        ("date", "\u{662}\u{660}26-01-01"),
        ("time", "24:00"),
        ("time", "23:60"),
        ("time", "12:00:60"),
        ("time", "1:00"),
        ("datetime-local", "2026-03-29T24:00"),
        ("datetime-local", "2026-03-29 02:30"),
        ("datetime-local", "2026-03-29T02:30Z"),
        ("month", "2026-00"),
        ("week", "2025-W53"),
        ("week", "2026-W00"),
    ];

    for (kind, value) in refused {
        let answer = try_run(&server, &token, "probe.sh", &json!({kind: value}));
        assert_eq!(answer.status, 400, "{kind} {value}");
        assert_eq!(fields_of(&answer)[0].0, kind);
    }
    assert_eq!(started(&server), 0);
}

/// A form has no time zone: an hour that clocks skip somewhere is handed on as it is written.
#[test]
fn attack_10_an_hour_that_clocks_skip_somewhere_is_not_moved() {
    let (server, token) = server(&arguments_of(&["datetime-local"]));
    let value = "2026-03-29T02:30";

    let answer = run(&server, &token, "probe.sh", &json!({"datetime-local": value}));
    assert_eq!(words(&answer), [value]);
}
