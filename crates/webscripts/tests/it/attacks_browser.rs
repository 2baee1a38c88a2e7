//! Other sites in the same browser: rows 45 and 47.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Answer, Request, Server};
use webscripts_web::route_rules;

use crate::stage::{
    Probes as _, assert_error, body_with_token, code_of, csrf_token, instance, secret_of, started,
};

fn server() -> (Server, String) {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .script("live.sh", "#!/bin/sh\nread line\n", &json!({"print_real_time": true}))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .start()
        .unwrap();
    let cookie = server.sign_in("ada").unwrap();
    (server, cookie)
}

/// A run as the page sends it, with a token.
fn from_page(server: &Server, cookie: &str) -> Request {
    let token = csrf_token(server, cookie);
    Request::post("/api/scripts/probe.sh")
        .cookie(cookie)
        .header("Accept", "application/json")
        .json(&body_with_token(&json!({}), &json!(token)))
}

#[track_caller]
fn assert_code(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, code_of(answer).as_str()), (status, code));
}

#[test]
fn attack_45_a_request_of_another_site_is_refused_whatever_it_carries() {
    let (server, cookie) = server();
    let host = server.host();
    let port = server.address().port();
    let origins = [
        "null".to_owned(),
        String::new(),
        "http://evil.example".to_owned(),
        format!("http://{host}.evil.example"),
        format!("http://evil.example/{host}"),
        format!("http://{host}@evil.example"),
        format!("http://evil.example?{host}"),
        format!("http://x.127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1).max(1)),
        format!("http://localhost:{port}"),
        format!("file://{host}"),
        format!("http://{host}/"),
        host.clone(),
    ];

    for origin in &origins {
        let answer = server.send(&from_page(&server, &cookie).header("Origin", origin)).unwrap();
        assert_code(&answer, 403, "foreign-origin");
    }
    assert_code(&server.send(&from_page(&server, &cookie)).unwrap(), 403, "foreign-origin");
    let twice = from_page(&server, &cookie).same_origin().same_origin().header("Origin", "null");
    assert_code(&server.send(&twice).unwrap(), 403, "foreign-origin");
    for site in ["cross-site", "same-site", "something-new", ""] {
        let request = from_page(&server, &cookie).same_origin().header("Sec-Fetch-Site", site);
        assert_code(&server.send(&request).unwrap(), 403, "foreign-origin");
    }
    for referer in ["http://evil.example/", &format!("http://{host}.evil.example/"), "about:blank"]
    {
        let request = from_page(&server, &cookie).same_origin().header("Referer", referer);
        assert_code(&server.send(&request).unwrap(), 403, "foreign-origin");
    }
    assert_eq!(started(&server), 0);

    let referer = format!("http://{host}/web/scripts/probe.sh");
    let ours = from_page(&server, &cookie)
        .same_origin()
        .header("Referer", &referer)
        .header("Sec-Fetch-Site", "same-origin");
    assert_eq!(server.send(&ours).unwrap().status, 200);
    assert_eq!(started(&server), 1);
}

#[test]
fn attack_45_what_a_form_of_another_site_can_send_is_refused() {
    let (server, cookie) = server();
    let body = body_with_token(&json!({}), &json!(csrf_token(&server, &cookie))).to_string();

    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let form = Request::post("/api/scripts/probe.sh")
            .cookie(&cookie)
            .header("Content-Type", kind)
            .header("Origin", "http://evil.example")
            .body(body.clone());
        assert_error(&server.send(&form).unwrap(), 403);
        let ours = Request::post("/api/scripts/probe.sh")
            .cookie(&cookie)
            .header("Content-Type", kind)
            .same_origin()
            .body(body.clone());
        assert_error(&server.send(&ours).unwrap(), 415);
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_45_a_token_is_needed_once_used_and_of_this_session() {
    let (server, cookie) = server();
    let eve = server.sign_in("eve").unwrap();
    let second_session = server.sign_in("ada").unwrap();
    let run = |token: &Value| {
        let body = body_with_token(&json!({}), token);
        let request = Request::post("/api/scripts/probe.sh").cookie(&cookie).same_origin();
        server.send(&request.header("Accept", "application/json").json(&body)).unwrap()
    };
    let without = Request::post("/api/scripts/probe.sh").cookie(&cookie).run(&json!({}));
    assert_error(&server.send(&without).unwrap(), 403);

    let long = "A".repeat(100_000);
    for token in [
        json!(null),
        json!(""),
        json!(1),
        json!(true),
        json!(["x"]),
        json!({"a": 1}),
        json!("x"),
        json!("A".repeat(64)),
        json!(long),
        json!("\0"),
        json!("é"),
        json!(csrf_token(&server, &eve)),
        json!(csrf_token(&server, &second_session)),
    ] {
        assert_code(&run(&token), 403, "csrf-token");
    }
    let token = json!(csrf_token(&server, &cookie));
    assert_eq!(run(&token).status, 200);
    assert_code(&run(&token), 403, "csrf-token");
    assert_eq!(started(&server), 1);
}

#[test]
fn attack_45_a_token_expires() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .setting("csrf_max_time", 1)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let cookie = server.sign_in("ada").unwrap();
    let token = csrf_token(&server, &cookie);
    let made = std::time::Instant::now();
    // Requests are what passes the time.
    while made.elapsed() < std::time::Duration::from_millis(2100) {
        server.send(&Request::get("/health/live")).unwrap();
    }

    let body = body_with_token(&json!({}), &json!(token));
    let request = Request::post("/api/scripts/probe.sh").cookie(&cookie).same_origin().json(&body);
    assert_error(&server.send(&request).unwrap(), 403);
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_45_the_answer_of_a_run_holds_the_next_token() {
    let (server, cookie) = server();
    let first = server.send(&from_page(&server, &cookie).same_origin()).unwrap().json().unwrap();

    let body = body_with_token(&json!({}), &first["csrf"]);
    let next = Request::post("/api/scripts/probe.sh").cookie(&cookie).same_origin().json(&body);
    assert_eq!(server.send(&next).unwrap().status, 200);
    let with_token = Request::post("/api/scripts/probe.sh").api_token(&cookie).run(&json!({}));
    let answer = server.send(&with_token).unwrap().json().unwrap();
    assert_eq!(answer.get("csrf"), None, "programs need no token and get none");
}

#[test]
fn attack_45_nobody_is_signed_in_or_out_by_another_site() {
    let (server, cookie) = server();
    for origin in [None, Some("http://evil.example"), Some("null")] {
        let body = webscripts_testkit::json::run_body(
            &json!({"--username": "eve", "--password": "a long password of eve"}),
        );
        let mut sign_in = Request::post("/auth/").json(&body);
        let token = csrf_token(&server, &cookie);
        let mut sign_out = Request::post("/web/auth/logout").cookie(&cookie);
        if let Some(origin) = origin {
            sign_in = sign_in.header("Origin", origin);
            sign_out = sign_out.header("Origin", origin);
        }
        let answer = server.send(&sign_in).unwrap();
        assert_error(&answer, 403);
        assert_eq!(answer.header("Set-Cookie"), None);
        let answer = server.send(&sign_out.json(&json!({"csrf_token": token}))).unwrap();
        assert_error(&answer, 403);
    }
    let without_token = Request::post("/web/auth/logout").cookie(&cookie).same_origin();
    assert_error(&server.send(&without_token).unwrap(), 403);
    for path in ["/web/auth/logout", "/web/auth/logout?csrf_token=x"] {
        assert_error(&server.send(&Request::get(path).cookie(&cookie)).unwrap(), 405);
    }
    assert_eq!(server.send(&Request::get("/web/").cookie(&cookie)).unwrap().status, 200);
}

#[test]
fn attack_45_sessions_are_ended_and_scripts_stopped_by_our_own_pages_only() {
    let (server, cookie) = server();
    let body = body_with_token(&json!({}), &json!(csrf_token(&server, &cookie)));
    let start = Request::post("/api/scripts/live.sh").cookie(&cookie).same_origin().json(&body);
    let key = server.send(&start).unwrap().json().unwrap()["key"].as_str().unwrap().to_owned();

    for path in [
        "/api/session/end/",
        "/api/session/end/0123456789abcdef",
        &format!("/api/script/stop/{key}"),
    ] {
        let token = csrf_token(&server, &cookie);
        let post = || Request::post(path).cookie(&cookie);
        let body = json!({"csrf_token": token});
        for request in [
            post(),
            post().same_origin(),
            post().json(&body),
            post().json(&body).header("Origin", "http://evil.example"),
            post().same_origin().header("X-CSRF-Token", &token),
            post().same_origin().json(&json!({"csrf_token": "A"})),
            post().same_origin().json(&json!({"csrf_token": [token]})),
        ] {
            assert_error(&server.send(&request).unwrap(), 403);
        }
    }
    assert_eq!(server.send(&Request::get("/web/").cookie(&cookie)).unwrap().status, 200);
}

/// A site on a neighbouring name can plant a cookie of its own before or behind ours.
#[test]
fn attack_45_a_planted_session_does_not_take_over_a_page() {
    let (server, ada) = server();
    let eve = server.sign_in("eve").unwrap();
    let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    let run = |cookies: String, token: String| {
        let body = body_with_token(&json!({}), &json!(token));
        let request = Request::post("/api/scripts/probe.sh").header("Cookie", &cookies);
        server.send(&request.same_origin().json(&body)).unwrap().status
    };

    let planted_first = format!("{}; {}", value(&eve), value(&ada));
    assert_eq!(run(planted_first, csrf_token(&server, &ada)), 403);
    let planted_last = format!("{}; {}", value(&ada), value(&eve));
    assert_eq!(run(planted_last.clone(), csrf_token(&server, &eve)), 403);
    assert_eq!(started(&server), 0);
    assert_eq!(run(planted_last, csrf_token(&server, &ada)), 200);
    let made_up = format!("SessionID=2:{}; {}", "0".repeat(128), value(&ada));
    assert_eq!(run(made_up, csrf_token(&server, &ada)), 200);
    assert_ne!(secret_of(&ada), secret_of(&eve));
}

/// Headers with which a server opens itself to other origins.
fn opening_headers(answer: &Answer) -> Vec<String> {
    let names = answer.headers.iter().map(|(name, _)| name.to_lowercase());
    let opens = |name: &String| {
        name.starts_with("access-control-") || name.as_str() == "timing-allow-origin"
    };
    names.filter(opens).collect()
}

#[test]
fn attack_47_no_answer_opens_the_server_to_another_origin() {
    let (server, cookie) = server();
    let host = server.host();
    let origins = [
        "http://evil.example",
        "null",
        &format!("http://{host}.evil.example"),
        &format!("http://{host}"),
        "*",
    ];
    let paths: Vec<&str> =
        route_rules().iter().map(|rule| rule.path).filter(|path| path.starts_with('/')).collect();

    for path in paths.iter().chain(&["/no/such/address", "*"]) {
        let path = path.replace(['{', '}', '*'], "");
        for origin in origins {
            for method in ["GET", "OPTIONS", "POST"] {
                let request = Request::new(method, if path.is_empty() { "*" } else { &path })
                    .cookie(&cookie)
                    .header("Origin", origin)
                    .header("Access-Control-Request-Method", "POST")
                    .header("Access-Control-Request-Headers", "Api-Key, Content-Type")
                    .header("Access-Control-Request-Private-Network", "true");
                let answer = server.send(&request).unwrap();
                assert_eq!(opening_headers(&answer), [""; 0], "{method} {path} {origin}");
                assert!(method != "OPTIONS" || !matches!(answer.status, 200..=299), "{path}");
                if answer.status < 400 {
                    let policy = answer.header("Cross-Origin-Resource-Policy");
                    assert_eq!(policy, Some("same-origin"), "{method} {path}");
                }
            }
        }
    }
}

#[test]
fn attack_47_an_allowed_origin_may_send_but_not_read_across() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .setting("allowed_origins", json!(["https://scripts.example.org"]))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let run = |origin: &str| {
        let request = Request::post("/api/scripts/probe.sh").api_token(&token);
        let body = webscripts_testkit::json::run_body(&json!({}));
        server.send(&request.header("Origin", origin).json(&body)).unwrap()
    };

    let answer = run("https://scripts.example.org");
    assert_eq!((answer.status, opening_headers(&answer)), (200, Vec::new()));
    for origin in [
        "https://scripts.example.org.evil.example",
        "https://evil-scripts.example.org",
        "https://scriptsXexample.org",
        "https://scripts.example.org:8443",
        "null",
    ] {
        assert_error(&run(origin), 403);
    }
    assert_eq!(started(&server), 1);
}
