//! Types of keys: what is accepted, and what is said of everything else (configuration.md §6).

use serde_json::{Value, json};
use webscripts_domain::identity::GroupId;

use crate::instance::Instance;

/// The one error that this value of a server key gives, from JSON, without the place.
#[track_caller]
fn refusal(key: &str, value: &Value) -> String {
    let errors = Instance::new().server(&json!({ key: value })).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let place = format!("config/server.json:3: [server] {key}: ");
    errors[0].strip_prefix(&place).unwrap_or_else(|| panic!("{}", errors[0])).to_owned()
}

#[test]
fn flags_are_true_or_false() {
    let ini = Instance::new()
        .file("config/server.ini", "[server]\ndebug=true\nforce_file_permissions=false\n");
    let settings = ini.loaded().settings;
    assert!(settings.debug && !settings.force_file_permissions);

    for (value, shown) in
        [(json!("True"), "`True`"), (json!(1), "`1`"), (json!(""), "``"), (json!([]), "a list")]
    {
        assert_eq!(
            refusal("debug", &value),
            format!("{shown} is neither `true` nor `false`; write `true` or `false`")
        );
    }
}

#[test]
fn whole_numbers_have_ascii_digits_only() {
    let ini = Instance::new().file("config/server.ini", "[server]\nport=0080\nwebproxy_number=2\n");
    let listen = ini.loaded().settings.listen;
    assert_eq!((listen.port, listen.webproxy_number), (80, Some(2)));

    for (value, said) in [
        (json!(-1), "`-1` is negative"),
        (json!("-80"), "`-80` is negative"),
        (json!("+80"), "`+80` is no whole number"),
        (json!(" 80"), "` 80` is no whole number"),
        (json!(""), "`` is no whole number"),
        (json!("٨٠"), "`٨٠` is no whole number"),
        (json!("²"), "`²` is no whole number"),
        (json!(80.5), "`80.5` is no whole number"),
        (json!(80.0), "`80.0` is no whole number"),
        (json!(true), "`true` is no whole number"),
        (json!([80]), "a list is no whole number"),
        (json!(65536), "`65536` is too large"),
        (json!("99999999999999999999999"), "`99999999999999999999999` is too large"),
    ] {
        let expected = format!("{said}; write a whole number from 0 to 65535");
        assert_eq!(refusal("port", &value), expected);
    }
    assert_eq!(
        refusal("session_max_time", &json!(0)),
        "`0` is too small; write a whole number from 1 to 4294967295"
    );
}

#[test]
fn lists_are_split_at_commas_and_trimmed() {
    let ini = Instance::new()
        .file("config/server.ini", "[server]\nallowed_origins = http://a , http://b,,\n")
        .file(
            "config/server.json",
            r#"{"server": {"admin_groups": "1, 2", "modules": ["x", 1.50]}}"#,
        );
    let settings = ini.loaded().settings;

    assert_eq!(settings.listen.allowed_origins, ["http://a", "http://b"]);
    assert_eq!(settings.access.admin_groups, [GroupId(1000), GroupId(1), GroupId(2)]);
    assert!(settings.modules.ends_with(&["x".to_owned(), "1.5".to_owned()]));

    assert_eq!(refusal("modules", &json!(1)), "`1` is no list; write a list of texts");
    assert_eq!(
        refusal("modules", &json!([["a"]])),
        "the list holds a list; write texts or numbers in the list"
    );
}

#[test]
fn lists_of_numbers_hold_nothing_else() {
    let one = Instance::new().server(&json!({"admin_groups": 5}));
    assert_eq!(one.loaded().settings.access.admin_groups, [GroupId(1000), GroupId(5)]);

    let whole = "write a whole number from 0 to 9223372036854775807";
    for (value, said) in [
        (json!(""), format!("`` is no whole number; {whole}")),
        (json!("1,x"), format!("`x` is no whole number; {whole}")),
        (json!([1, -2]), format!("`-2` is negative; {whole}")),
        (json!([1.5]), format!("`1.5` is no whole number; {whole}")),
        (json!(true), "`true` is no list of whole numbers; write 50 or [50, 1000]".to_owned()),
    ] {
        assert_eq!(refusal("admin_groups", &value), said);
    }
}

#[test]
fn text_that_is_no_text_is_not_repeated() {
    assert_eq!(
        refusal("smtp_password", &json!(123_456)),
        "the value is no text; write text in quotes"
    );
}

#[test]
fn long_values_are_cut_and_control_characters_escaped() {
    assert_eq!(
        refusal("debug", &json!(format!("\n{}", "x".repeat(100)))),
        format!("`\\n{}…` is neither `true` nor `false`; write `true` or `false`", "x".repeat(59))
    );
}

#[test]
fn levels_are_numbers_or_names() {
    for (value, expected) in
        [(json!("INFO"), 20), (json!("7"), 7), (json!(255), 255), (json!("TRACE"), 5)]
    {
        let instance = Instance::new().server(&json!({ "log_level": value }));
        assert_eq!(instance.loaded().settings.logs.level, expected);
    }
    assert_eq!(
        refusal("log_level", &json!("LOUD")),
        "`LOUD` is no level; write a number or one of TRACE, DEBUG, INFO, AUTH, ACCESS, RESPONSE, \
         COMMAND, WARNING, ERROR, CRITICAL"
    );
    assert_eq!(
        refusal("log_level", &json!(256)),
        "`256` is too large; write a whole number from 0 to 255"
    );
}

#[test]
fn words_are_those_that_are_known() {
    assert_eq!(
        refusal("clear_site_data", &json!("never")),
        "`never` is not known here; write `auth` or `always`"
    );
}

#[test]
fn every_error_is_reported_not_only_the_first() {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nport = x\ndebug = yes\n")
        .server(&json!({"max_runs": 0}));

    assert_eq!(
        instance.errors(),
        [
            "config/server.ini:2: [server] port: `x` is no whole number; write a whole number from \
             0 to 65535",
            "config/server.ini:3: [server] debug: `yes` is neither `true` nor `false`; write `true` \
             or `false`",
            "config/server.json:3: [server] max_runs: `0` is too small; write a whole number from 1 \
             to 10000",
        ]
    );
}
