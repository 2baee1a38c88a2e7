//! Behind a prefix, behind a proxy, and the `urls` map.

use std::net::Ipv4Addr;

use serde_json::{Map, json};
use webscripts_testkit::{Account, Request, Server};

use crate::stage::{Probes as _, assert_error, error_text, instance, run, seen, variables};

#[test]
fn everything_works_behind_a_prefix() {
    let server = instance()
        .probe("probe.sh", &json!({"category": "Samples"}))
        .environment_probe("environment.sh")
        .setting("base_url", "/prefix/")
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let sign_in = Request::post("/prefix/auth/")
        .run(&json!({"--username": "ada", "--password": "a long password of ada"}));
    let cookie = server.send(&sign_in).unwrap().header("Set-Cookie").unwrap().to_owned();
    assert!(cookie.starts_with("SessionID=2:") && cookie.contains("; Path=/;"), "{cookie}");
    let get = |path: &str| {
        let request = Request::get(path).cookie(&cookie).header("Accept", "text/html");
        server.send(&request).unwrap()
    };

    let base = get("/prefix");
    assert_eq!((base.status, base.header("Location")), (301, Some("/prefix/")));
    assert_eq!(get("/prefix/").header("Location"), Some("web/"));
    for (path, to_root) in [("/prefix/web/", "../"), ("/prefix/web/scripts/probe.sh", "../../")] {
        let page = get(path);
        assert_eq!(page.status, 200, "{path}");
        for part in page.text().split(['"', '\'']).filter(|part| part.contains("web/assets/")) {
            assert!(part.starts_with(&format!("{to_root}web/assets/")), "{path}: {part}");
        }
        for attribute in ["href=\"/", "src=\"/"] {
            assert!(!page.text().contains(attribute), "{path} holds an absolute address");
        }
    }
    for outside in ["/web/", "/prefixed/web/", "/prefi/web/", "/", "/api/"] {
        assert_eq!(get(outside).status, 404, "{outside}");
    }
    let visitor = server.send(&Request::get("/prefix/web/scripts/probe.sh")).unwrap();
    assert_eq!((visitor.status, visitor.header("Location")), (302, Some("../../web/auth/")));
    let ran =
        Request::post("/prefix/api/scripts/environment.sh").api_token(&cookie).run(&json!({}));
    let variables = variables(&server.send(&ran).unwrap());
    let value = |name: &str| variables.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(value("PATH_INFO"), "/api/scripts/environment.sh");
    assert_eq!(value("URL_PATH"), "/prefix/api/scripts/environment.sh");
    assert_eq!(server.send(&Request::get("/prefix/health/live")).unwrap().status, 200);
}

#[test]
fn probes_come_without_the_headers_of_a_proxy() {
    let server = instance()
        .setting("base_url", "/prefix")
        .setting("webproxy_number", 1)
        .account(Account::user("ada"))
        .start()
        .unwrap();

    for path in ["/prefix/health/live", "/prefix/health/ready"] {
        assert_eq!(server.send(&Request::get(path)).unwrap().status, 200, "{path}");
    }
    assert_error(&server.send(&Request::get("/prefix/web/auth/")).unwrap(), 403);
}

#[test]
fn the_map_of_addresses_replaces_a_directory() {
    let mut sections = Map::new();
    sections
        .insert("urls".to_owned(), json!({"/tools/": "/web/scripts/", "/login/": "/web/auth/"}));
    let server = instance()
        .probe("probe.sh", &json!({}))
        .sections(sections)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let get = |path: &str| {
        let request = Request::get(path).api_token(&token).header("Accept", "text/html");
        server.send(&request).unwrap()
    };

    assert_eq!(get("/tools/probe.sh").status, 200);
    assert!(get("/tools/probe.sh").text().contains("probe.sh"));
    assert_eq!(get("/authentication/").status, 200, "the shipped map is kept");
    assert_eq!(get("/tools/deeper/probe.sh").status, 404);
    // Whether signing in is needed is decided by the address that was asked for.
    for path in ["/login/", "/tools/probe.sh"] {
        assert_eq!(server.send(&Request::get(path)).unwrap().status, 302, "{path}");
    }
}

fn behind_a_proxy() -> Server {
    instance()
        .environment_probe("environment.sh")
        .setting("webproxy_number", 1)
        .setting("trusted_proxies", json!(["127.0.0.1"]))
        .account(Account::user("ada").address("203.0.113.*"))
        .start()
        .unwrap()
}

#[test]
fn behind_a_trusted_proxy_the_address_is_the_one_it_names() {
    let server = behind_a_proxy();
    let from = |request: Request, client: &str| request.header("X-Forwarded-For", client);
    let sign_in = || Request::sign_in("ada", "a long password of ada");

    let elsewhere = server.send(&from(sign_in(), "198.51.100.1")).unwrap();
    assert!(elsewhere.header("Set-Cookie").unwrap().starts_with("SessionID=0:"));
    let answer = server.send(&from(sign_in(), "203.0.113.7")).unwrap();
    let cookie = answer.header("Set-Cookie").unwrap().to_owned();
    assert!(cookie.starts_with("SessionID=2:"), "{cookie}");
    let run = Request::post("/api/scripts/environment.sh").api_token(&cookie).run(&json!({}));
    let variables = variables(&server.send(&from(run, "203.0.113.7")).unwrap());
    for name in ["REMOTE_IP", "REMOTE_ADDR"] {
        assert_eq!(variables.iter().find(|(known, _)| known == name).unwrap().1, "203.0.113.7");
    }
    let page = Request::get("/web/").api_token(&cookie);
    assert_eq!(server.send(&from(page, "203.0.113.8")).unwrap().status, 302, "another address");
}

#[test]
fn a_chain_that_the_proxy_did_not_write_is_refused() {
    let server = behind_a_proxy();
    let get = || Request::get("/web/auth/");
    let one = |value: &str| server.send(&get().header("X-Forwarded-For", value)).unwrap();

    assert_eq!(one("203.0.113.7").status, 200);
    for wrong in [
        "203.0.113.7, 198.51.100.1",
        "",
        "unknown",
        "203.0.113.7,",
        "1",
        "::fffff",
        "203.0.113.7\u{e9}",
    ] {
        assert_error(&one(wrong), 403);
    }
    assert_error(&server.send(&get()).unwrap(), 403);
    let twice =
        get().header("X-Forwarded-For", "203.0.113.7").header("X-Forwarded-For", "203.0.113.8");
    assert_error(&server.send(&twice).unwrap(), 403);
    let other_peer =
        get().header("X-Forwarded-For", "203.0.113.7").from(Ipv4Addr::new(127, 0, 0, 2));
    assert_error(&server.send(&other_peer).unwrap(), 403);
    assert_eq!(server.send(&Request::get("/health/ready")).unwrap().status, 200);
}

#[test]
fn without_a_proxy_headers_of_proxies_are_refused() {
    let server = instance().account(Account::user("ada")).start().unwrap();

    for name in ["X-Forwarded-For", "X-Real-IP", "Client-IP", "X-Forwarded-Host"] {
        for path in ["/web/auth/", "/static/x", "/no/such/address"] {
            let answer = server.send(&Request::get(path).header(name, "192.0.2.1")).unwrap();
            assert_eq!((answer.status, answer.text()), (403, error_text(403)), "{name} {path}");
        }
    }
    let log = server.stop().unwrap().log;
    assert!(log.contains("wrong forwarding headers"), "{log}");
}

#[test]
fn failures_behind_a_proxy_block_the_client_and_not_the_proxy() {
    let server = behind_a_proxy();
    let from = |client: &str| Request::sign_in("nobody", "wrong").header("X-Forwarded-For", client);
    for _ in 0..3 {
        assert_eq!(server.send(&from("198.51.100.1")).unwrap().status, 302);
    }

    let page = |client: &str| Request::get("/web/auth/").header("X-Forwarded-For", client);
    assert_error(&server.send(&page("198.51.100.1")).unwrap(), 403);
    assert_eq!(server.send(&page("198.51.100.2")).unwrap().status, 200);
}

#[test]
fn everybody_may_run_what_is_open_when_signing_in_is_off() {
    let server =
        instance().probe("probe.sh", &json!({})).setting("active_auth", false).start().unwrap();

    let answer = server.send(&Request::post("/api/scripts/probe.sh").run(&json!({}))).unwrap();
    assert_eq!(seen(&answer).argv, [b""; 0]);
    assert_eq!(server.send(&Request::get("/web/")).unwrap().status, 200);
    assert_error(&server.send(&Request::get("/web/auth/")).unwrap(), 404);
    assert_error(&server.send(&Request::sign_in("x", "y")).unwrap(), 403);
    assert_eq!(run(&server, "SessionID=2:0", "probe.sh", &json!({})).status, 200);
}
