//! Bodies that are meant to exhaust or confuse: row 11.

use std::fmt::Write as _;

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::stage::{Probes as _, assert_refused, code_of, instance, run_raw, started};

/// More than any of these bodies may cost: they are at most 16 MiB long themselves.
const ALLOWANCE: u64 = 96 * 1024 * 1024;

fn server() -> (Server, String) {
    let keys = json!({"args": {"word": {}, "list": {"list": true}}});
    let server = instance().probe("probe.sh", &keys).account(Account::user("ada")).start().unwrap();
    let token = server.sign_in("ada").unwrap();
    (server, token)
}

/// An object with this many keys, a few bytes each.
fn keys(count: usize) -> String {
    let mut text = String::from("{\"arguments\":{");
    for number in 0..count {
        write!(text, "\"{number:x}\":0,").unwrap();
    }
    text.push_str("\"word\":{\"value\":1}}}");
    text
}

#[test]
fn attack_11_bodies_that_exhaust_are_refused_with_flat_memory() {
    let (server, token) = server();
    let before = server.peak_memory_bytes().unwrap();
    let nested = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        format!("{{\"arguments\":{{\"word\":{{\"value\":{open}1{close}}}}}}}")
    };
    let hostile = [
        (nested("[", "]", 100_000), 400, "values"),
        (nested("{\"a\":", "}", 100_000), 406, "not-a-request"),
        ("[".repeat(1_000_000), 400, "not-json"),
        ("{\"arguments\":".repeat(200_000), 400, "not-json"),
        (keys(1_000_000), 413, "too-many"),
        (
            format!("{{\"arguments\":{{}},\"x\":\"{}\"}}", "x".repeat(17 << 20)),
            413,
            "body-too-large",
        ),
        (
            format!("{{\"arguments\":{{\"list\":{{\"value\":[{}1]}}}}}}", "1,".repeat(20_000)),
            413,
            "too-many",
        ),
        (
            format!("{{\"arguments\":{{\"word\":{{\"value\":{}}}}}}}", "9".repeat(1_000_000)),
            400,
            "values",
        ),
        (
            format!("{{\"arguments\":{{\"word\":{{\"value\":1e{}}}}}}}", "9".repeat(100_000)),
            400,
            "values",
        ),
        (
            format!("{{\"arguments\":{{\"word\":{{\"value\":\"{}\"}}}}}}", "x".repeat(200_000)),
            400,
            "values",
        ),
    ];

    for (body, status, code) in hostile {
        let start: String = body.chars().take(60).collect();
        let answer = run_raw(&server, &token, "probe.sh", body);
        assert_eq!((answer.status, code_of(&answer).as_str()), (status, code), "{start}");
    }
    let after = server.peak_memory_bytes().unwrap();
    assert!(after - before < ALLOWANCE, "{} MiB more", (after - before) >> 20);
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_11_other_shapes_are_refused() {
    let (server, token) = server();
    let argument = r#"{"arguments":{"word":{"value":"x"}}}"#;

    for (body, status, code) in [
        (format!("{argument}x"), 400, "not-json"),
        (format!("{argument}{argument}"), 400, "not-json"),
        (format!("{argument},"), 400, "not-json"),
        (format!("[{argument}]"), 406, "not-a-request"),
        (r#"{"arguments":{"word":"x"}}"#.to_owned(), 406, "not-a-request"),
        (r#"{"arguments":{"word":{"value":{"a":1}}}}"#.to_owned(), 406, "not-a-request"),
        (r#"{"arguments":["word"]}"#.to_owned(), 406, "not-a-request"),
        ("null".to_owned(), 406, "not-a-request"),
        ("{}".to_owned(), 406, "not-a-request"),
        ("{'arguments':{}}".to_owned(), 400, "not-json"),
        ("word=x".to_owned(), 400, "not-json"),
        ("<a/>".to_owned(), 400, "not-json"),
    ] {
        let answer = run_raw(&server, &token, "probe.sh", body.clone());
        assert_eq!((answer.status, code_of(&answer).as_str()), (status, code), "{body}");
    }
    let nested = r#"{"arguments":{"list":{"value":["a",["b"]]}}}"#;
    assert_refused(
        &run_raw(&server, &token, "probe.sh", nested),
        "list",
        "may hold only text and numbers",
    );
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_11_a_body_that_does_not_say_it_is_json_is_refused() {
    let (server, token) = server();
    let body = r#"{"arguments":{"word":{"value":"x"}}}"#;

    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "APPLICATION/JSON",
        "",
    ] {
        let request = Request::post("/api/scripts/probe.sh").api_token(&token).same_origin();
        let answer = server.send(&request.header("Content-Type", kind).body(body)).unwrap();
        assert_eq!(answer.status, 415, "{kind}");
    }
    let untyped = Request::post("/api/scripts/probe.sh").api_token(&token).same_origin().body(body);
    assert_eq!(server.send(&untyped).unwrap().status, 415);
    let compressed = Request::post("/api/scripts/probe.sh")
        .api_token(&token)
        .same_origin()
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(body);
    assert_eq!(server.send(&compressed).unwrap().status, 415);
    assert_eq!(started(&server), 0);
}
