//! Sessions of an account: several, bounded, listed, ended.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use webscripts_testkit::{Account, InstanceBuilder, Request, Server};

use crate::stage::{assert_error, csrf_token, instance};

fn two_users() -> InstanceBuilder {
    instance().account(Account::user("ada")).account(Account::user("eve"))
}

fn is_open(server: &Server, token: &str) -> bool {
    server.send(&Request::get("/web/").api_token(token)).unwrap().status == 200
}

fn list(server: &Server, token: &str) -> Vec<Value> {
    let request = Request::get("/api/session/list").api_token(token);
    let body = server.send(&request).unwrap().json().unwrap();
    body["sessions"].as_array().unwrap().clone()
}

fn end(server: &Server, token: &str, id: &str) -> webscripts_testkit::Answer {
    let request = Request::post(&format!("/api/session/end/{id}")).api_token(token);
    server.send(&request.same_origin()).unwrap()
}

#[test]
fn a_user_has_several_sessions_and_the_oldest_ends_when_there_are_too_many() {
    let server = two_users().setting("max_sessions_per_user", 3).start().unwrap();
    let other = server.sign_in("eve").unwrap();
    let sessions: Vec<String> = (0..4).map(|_| server.sign_in("ada").unwrap()).collect();

    let open: Vec<bool> = sessions.iter().map(|token| is_open(&server, token)).collect();
    assert_eq!(open, [false, true, true, true]);
    assert!(is_open(&server, &other), "another user is not concerned");
}

#[test]
fn the_owner_lists_and_ends_sessions() {
    let server = two_users().start().unwrap();
    let here = server.sign_in("ada").unwrap();
    let there = server.sign_in_from("ada", Ipv4Addr::new(127, 0, 0, 6)).unwrap();
    server.sign_in("eve").unwrap();

    let listed = list(&server, &here);
    let facts: Vec<(&str, bool)> = listed
        .iter()
        .map(|one| (one["address"].as_str().unwrap(), one["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(facts.len(), 2);
    assert!(
        facts.contains(&("127.0.0.1", true)) && facts.contains(&("127.0.0.6", false)),
        "{facts:?}"
    );
    let mut keys: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["address", "current", "expires", "id", "opened"]);

    let other = listed.iter().find(|one| one["current"] == false).unwrap();
    let answer = end(&server, &here, other["id"].as_str().unwrap());
    assert_eq!((answer.status, &answer.json().unwrap()["ended"]), (200, &json!(1)));
    assert_eq!(answer.header("Clear-Site-Data"), Some("\"cache\""));
    assert_eq!(list(&server, &here).len(), 1);
    let gone = Request::get("/web/").api_token(&there).from(Ipv4Addr::new(127, 0, 0, 6));
    assert_eq!(server.send(&gone).unwrap().status, 302);
}

#[test]
fn nobody_ends_the_session_of_somebody_else() {
    let server = two_users().start().unwrap();
    let ada = server.sign_in("ada").unwrap();
    let eve = server.sign_in("eve").unwrap();
    let id = list(&server, &ada)[0]["id"].as_str().unwrap().to_owned();

    assert_error(&end(&server, &eve, &id), 404);
    for unknown in [
        "0000000000000000",
        "x",
        "%00",
        &id[1..],
        &id.to_uppercase().replace(char::is_numeric, "F"),
    ] {
        assert_error(&end(&server, &eve, unknown), 404);
    }
    assert!(is_open(&server, &ada) && is_open(&server, &eve));
}

#[test]
fn all_sessions_of_an_account_end_together() {
    let server = two_users().start().unwrap();
    let sessions: Vec<String> = (0..3).map(|_| server.sign_in("ada").unwrap()).collect();
    let eve = server.sign_in("eve").unwrap();

    let answer = end(&server, &sessions[0], "");

    assert_eq!(answer.json().unwrap()["ended"], 3);
    assert!(sessions.iter().all(|token| !is_open(&server, token)));
    assert!(is_open(&server, &eve));
}

#[test]
fn signing_out_ends_the_session_on_the_server_and_clears_the_browser() {
    let server = two_users().start().unwrap();
    let cookie = server.sign_in("ada").unwrap();
    let other = server.sign_in("ada").unwrap();
    let body = json!({"csrf_token": csrf_token(&server, &cookie)});
    let request = Request::post("/web/auth/logout").cookie(&cookie).same_origin().json(&body);

    let answer = server.send(&request).unwrap();

    assert_eq!((answer.status, answer.json().unwrap()), (200, json!({"signed_out": true})));
    assert_eq!(
        answer.header("Set-Cookie"),
        Some("SessionID=; Path=/; SameSite=Strict; Max-Age=0; Secure; HttpOnly")
    );
    assert_eq!(answer.header("Clear-Site-Data"), Some("\"cache\", \"storage\""));
    assert!(!is_open(&server, &cookie) && is_open(&server, &other));
    let page = server.send(&Request::get("/web/").cookie(&cookie)).unwrap();
    assert_eq!((page.status, page.header("Location")), (302, Some("../web/auth/")));
}

#[test]
fn a_session_survives_a_restart_of_the_server() {
    let server = two_users().start().unwrap();
    let token = server.sign_in("ada").unwrap();
    let server = server.stop().unwrap().instance.serve().unwrap();

    assert!(is_open(&server, &token));
}

#[test]
fn who_is_signed_in_can_be_asked() {
    let server = two_users().start().unwrap();
    let token = server.sign_in("ada").unwrap();
    let ask = |request: Request| server.send(&request).unwrap().json().unwrap();

    let known = ask(Request::get("/api/session/").api_token(&token));
    assert_eq!(known["user"], json!({"id": 2, "name": "ada"}));
    assert!(known["expires"].as_str().unwrap().ends_with('Z'), "{known}");
    let program = ask(Request::get("/api/session/csrf").api_token(&token));
    assert_eq!(program, json!({"csrf_token": null}), "programs need none");
}

#[test]
fn signing_in_as_somebody_else_ends_the_session_before() {
    let server = two_users().start().unwrap();
    let ada = server.sign_in("ada").unwrap();

    let request = Request::sign_in("eve", "a long password of eve").cookie(&ada);
    let answer = server.send(&request).unwrap();

    assert!(answer.header("Set-Cookie").unwrap().starts_with("SessionID=3:"));
    assert!(!is_open(&server, &ada));
}

#[test]
fn a_page_comes_back_to_where_its_reader_wanted_to_go() {
    let server = two_users().start().unwrap();
    let location = |path: &str, accept: &str| {
        let answer = server.send(&Request::get(path).header("Accept", accept)).unwrap();
        assert_eq!(answer.status, 302);
        answer.header("Location").unwrap().to_owned()
    };

    assert_eq!(location("/web/scripts/a.sh", "*/*"), "../../web/auth/");
    assert_eq!(
        location("/web/scripts/a.sh?x=1&y=%2F", "text/html"),
        "../../web/auth/?next=web%2Fscripts%2Fa%2Esh%3Fx%3D1%26y%3D%252F"
    );
    assert_eq!(location("/web/", "text/html"), "../web/auth/");
}
