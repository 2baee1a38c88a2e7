//! Failures as clients see them: three forms, a number for each request, probes.

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::stage::{Probes as _, error_text, instance};

fn server() -> Server {
    instance()
        .probe("probe.sh", &json!({"args": {"word": {"required": true}}}))
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

#[test]
fn an_error_has_the_form_that_accept_asks_for() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let ask = |accept: Option<&str>| {
        let request = Request::get("/no/such/address").api_token(&token);
        let request = match accept {
            Some(accept) => request.header("Accept", accept),
            None => request,
        };
        server.send(&request).unwrap()
    };

    for accept in [None, Some("*/*"), Some("text/plain"), Some("image/png, */*;q=0.1"), Some("")] {
        let answer = ask(accept);
        assert_eq!((answer.status, answer.text()), (404, error_text(404)), "{accept:?}");
        assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    for accept in ["application/json", "application/json;q=0.5, */*"] {
        let answer = ask(Some(accept));
        let id = answer.header("X-Request-Id").unwrap().to_owned();
        assert_eq!(answer.status, 404);
        assert_eq!(
            answer.json().unwrap(),
            json!({"error": {
                "code": "not-found",
                "message": "There is nothing at this address.",
                "request_id": id,
                "fields": {},
            }})
        );
        assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    }
    for accept in ["text/html", "application/json, text/html", "text/html;q=0.1, */*"] {
        let answer = ask(Some(accept));
        let id = answer.header("X-Request-Id").unwrap();
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert!(answer.text().contains(&format!("<code>{id}</code>")), "{accept}");
        assert!(answer.text().contains("404"), "{accept}");
    }
}

#[test]
fn every_wrong_value_is_named_at_once() {
    let keys = json!({"args": {
        "count": {"html_type": "number", "max": 5},
        "colour": {"predefined_values": ["red"]},
        "name": {"required": true},
    }});
    let server = instance().probe("probe.sh", &keys).account(Account::user("ada")).start().unwrap();
    let token = server.sign_in("ada").unwrap();

    let answer = crate::stage::try_run(
        &server,
        &token,
        "probe.sh",
        &json!({"count": 6, "colour": "blue", "other": "x"}),
    );

    insta::assert_json_snapshot!(answer.json().unwrap()["error"]["fields"], @r#"
    {
      "count": "must be at most 5",
      "colour": "is not one of the choices",
      "other": "is not an argument of this script",
      "name": "must be given"
    }
    "#);
    assert_eq!(crate::stage::started(&server), 0);
}

#[test]
fn every_answer_has_a_number_that_its_log_line_repeats() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let requests = [
        Request::get("/health/live"),
        Request::get("/web/"),
        Request::get("/web/").api_token(&token),
        Request::get("/no/such/address").api_token(&token),
        Request::new("DELETE", "/api/").api_token(&token),
        Request::new("HEAD", "/web/").api_token(&token),
        Request::get("/web/").header("X-Forwarded-For", "192.0.2.1"),
        Request::get("/web/").header("X-Request-Id", "chosen-by-the-client"),
        Request::post("/auth/"),
        Request::post("/api/scripts/probe.sh").api_token(&token).run(&json!({"word": "x"})),
    ];

    let ids: Vec<String> = requests
        .iter()
        .map(|request| {
            let answer = server.send(request).unwrap();
            assert_eq!(answer.headers_named("X-Request-Id").count(), 1, "{request:?}");
            answer.header("X-Request-Id").unwrap().to_owned()
        })
        .collect();

    let log = server.stop().unwrap().log;
    let mut different = ids.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), ids.len());
    for id in &ids {
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(id.as_str())).collect();
        assert!(!lines.is_empty(), "{id} is not in the log:\n{log}");
    }
    let of_run = ids.last().unwrap();
    let started = log.lines().find(|line| line.contains("a run starts")).unwrap();
    assert!(started.contains(of_run), "{started}");
}

#[test]
fn an_answer_to_head_has_no_body_and_the_length_of_the_answer_to_get() {
    let server = server();
    let token = server.sign_in("ada").unwrap();

    for path in
        ["/", "/web/about/", "/web/scripts/none", "/no/such/address", "/api/", "/health/live"]
    {
        for token in [Some(&token), None] {
            let ask = |method: &str| {
                let request = Request::new(method, path);
                let request = match token {
                    Some(token) => request.api_token(token),
                    None => request,
                };
                server.send(&request).unwrap()
            };
            let (get, head) = (ask("GET"), ask("HEAD"));
            assert_eq!(head.body, b"", "{path}");
            assert_eq!(head.status, get.status, "{path}");
            assert_eq!(head.header("Content-Length"), get.header("Content-Length"), "{path}");
        }
    }
}

#[test]
fn probes_are_answered_without_signing_in() {
    let server = server();

    let live = server.send(&Request::get("/health/live")).unwrap();
    assert_eq!((live.status, live.text().as_str()), (200, "alive\n"));
    let ready = server.send(&Request::get("/health/ready")).unwrap();
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    assert_eq!(ready.header("Cache-Control"), Some("no-store"));
    // A load balancer asks without the headers of a proxy, and from anywhere.
    let forwarded = Request::get("/health/live").header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(server.send(&forwarded).unwrap().status, 200);
}

#[test]
fn a_log_line_cannot_be_forged_by_a_request() {
    let server = server();
    server.send(&Request::sign_in("x\nFORGED line\r\n\u{1b}[31m", "wrong")).unwrap();
    server.send(&Request::get("/%0aFORGED%0d%1b[31m")).unwrap();
    server.send(&Request::get("/web/").header("Authorization", "Basic eApGT1JHRUQ6eA==")).unwrap();

    let log = server.stop().unwrap().log;

    assert!(log.contains("FORGED"), "names and paths are logged:\n{log}");
    assert!(!log.lines().any(|line| line.starts_with("FORGED")), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
}
