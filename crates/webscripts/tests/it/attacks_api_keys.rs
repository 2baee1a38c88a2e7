//! API keys: row 44.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use webscripts_app::accounts::AccountAdministration;
use webscripts_domain::clock::SystemClock;
use webscripts_domain::random::SystemRandom;
use webscripts_testkit::{Account, Request, Server};

use crate::attacks_sign_in::{contains, saved_files};
use crate::stage::{assert_error, instance};

fn server() -> (Server, String) {
    let server = instance()
        .setting("auth_failures_to_blacklist", 1000)
        .account(Account::administrator("Admin"))
        .account(Account::user("ada").with_api_key())
        .start()
        .unwrap();
    let key = server.instance().account("ada").unwrap().api_key.clone().unwrap();
    (server, key)
}

fn status(server: &Server, request: &Request) -> u16 {
    server.send(request).unwrap().status
}

fn with_key(key: &str) -> Request {
    Request::get("/web/").header("Api-Key", key)
}

/// Escapes everything but letters and digits.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[test]
fn attack_44_a_key_works_in_its_header_alone() {
    let (server, key) = server();
    assert_eq!(status(&server, &with_key(&key)), 200);

    let escaped = escaped(&key);
    for path in [
        format!("/web/?api_key={escaped}"),
        format!("/web/?Api-Key={escaped}"),
        format!("/web/?--api-key={escaped}"),
        format!("/web/?api_token={escaped}&key={escaped}"),
    ] {
        assert_eq!(status(&server, &Request::get(&path)), 302, "{path}");
    }
    for (name, value) in [
        ("Cookie", format!("SessionID={key}")),
        ("Cookie", format!("Api-Key={key}")),
        ("Api-Token", key.clone()),
        ("Authorization", format!("Bearer {key}")),
        ("Authorization", format!("Basic {key}")),
        ("X-Api-Key", key.clone()),
    ] {
        assert_eq!(status(&server, &Request::get("/web/").header(name, &value)), 302, "{name}");
    }
    for wrong in [&key[1..], &key[..key.len() - 1], &format!("{key} x"), &key.to_lowercase()] {
        assert_eq!(status(&server, &with_key(wrong)), 302, "{wrong}");
    }
}

#[test]
fn attack_44_a_key_is_stored_as_a_digest_and_never_logged() {
    let (server, key) = server();
    assert_eq!(status(&server, &with_key(&key)), 200);
    status(&server, &Request::get(&format!("/web/?api_key={}", escaped(&key))));
    status(&server, &Request::get("/api/").header("Api-Key", &format!("{key}x")));
    let in_body = serde_json::json!({"--api-key": key});
    let signed_in = server.send(&Request::post("/auth/").run(&in_body)).unwrap();
    assert!(signed_in.header("Set-Cookie").unwrap().starts_with("SessionID=3:"));

    for (name, bytes) in saved_files(&server) {
        assert!(!contains(&bytes, key.as_bytes()), "the key is in {name}");
        assert!(!contains(&bytes, &key.as_bytes()[..40]), "a part of the key is in {name}");
    }
    let log = server.stop().unwrap().log;
    assert!(!log.contains(&key) && !log.contains(&escaped(&key)), "{log}");
}

#[test]
fn attack_44_a_key_ends_with_its_account() {
    let (server, key) = server();
    assert_eq!(status(&server, &with_key(&key)), 200);

    server.instance().run(["user", "disable", "ada"]).unwrap().success().unwrap();
    assert_eq!(status(&server, &with_key(&key)), 302);

    server.instance().run(["user", "delete", "ada"]).unwrap().success().unwrap();
    assert_eq!(status(&server, &with_key(&key)), 302);
}

/// Administration happens in another process than the server's, as with the commands.
async fn make_another_key(server: &Server, name: &str) -> String {
    let database = server.directory().join("data/webscripts.sqlite3");
    let stores = webscripts_store::open(&database).await.unwrap();
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let accounts = AccountAdministration::new(stores, clock, random, Vec::new()).unwrap();
    let key = accounts.make_api_key(name, "command line").await.unwrap();
    key.expose_secret().to_owned()
}

#[tokio::test]
async fn attack_44_a_key_ends_when_it_is_replaced() {
    let (server, old) = server();
    assert_eq!(status(&server, &with_key(&old)), 200);

    let new = make_another_key(&server, "ada").await;

    assert_eq!(status(&server, &with_key(&old)), 302);
    assert_eq!(status(&server, &with_key(&new)), 200);
}

#[test]
fn attack_44_a_session_and_basic_credentials_end_with_their_account() {
    let (server, _) = server();
    let session = server.sign_in("ada").unwrap();
    // `ada:a long password of ada`
    let basic = || {
        Request::get("/web/").header("Authorization", "Basic YWRhOmEgbG9uZyBwYXNzd29yZCBvZiBhZGE=")
    };
    assert_eq!(status(&server, &Request::get("/web/").api_token(&session)), 200);
    assert_eq!(status(&server, &basic()), 200);

    server.instance().run(["user", "disable", "ada"]).unwrap().success().unwrap();

    assert_eq!(status(&server, &Request::get("/web/").api_token(&session)), 302);
    assert_eq!(status(&server, &basic()), 302);
}

#[test]
fn attack_44_sessions_and_old_credentials_end_with_a_new_password() {
    let (server, _) = server();
    let session = server.sign_in("ada").unwrap();
    let basic = || {
        Request::get("/web/").header("Authorization", "Basic YWRhOmEgbG9uZyBwYXNzd29yZCBvZiBhZGE=")
    };
    assert_eq!(status(&server, &basic()), 200);

    server.instance().change_password("ada", "another long password").unwrap();

    assert_eq!(status(&server, &Request::get("/web/").api_token(&session)), 302);
    assert_eq!(status(&server, &basic()), 302);
}

#[test]
fn attack_44_a_key_has_the_rights_of_its_owner_as_they_are_now() {
    let server = instance()
        .script("for-admins.sh", "#!/bin/sh\n", &serde_json::json!({"access_groups": [1000]}))
        .account(Account::user("ada").with_api_key())
        .start()
        .unwrap();
    let key = server.instance().account("ada").unwrap().api_key.clone().unwrap();
    let run = Request::post("/api/scripts/for-admins.sh")
        .header("Api-Key", &key)
        .run(&serde_json::json!({}));

    assert_error(&server.send(&run).unwrap(), 403);
    let listing = server.send(&Request::get("/api/").header("Api-Key", &key)).unwrap();
    let listing = listing.json().unwrap();
    assert_eq!(listing.as_object().unwrap().keys().collect::<Vec<_>>(), ["/auth/"]);
}

/// A page can make a browser send them to us from anywhere (security.md §2).
#[test]
fn attack_44_a_browser_may_not_use_credentials_of_programs() {
    let (server, key) = server();
    let basic = "Basic YWRhOmEgbG9uZyBwYXNzd29yZCBvZiBhZGE=";

    for (name, value) in [("Api-Key", key.as_str()), ("Authorization", basic)] {
        assert_eq!(status(&server, &Request::get("/web/").header(name, value)), 200);
        for fetch in [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "same-origin")] {
            let request = Request::get("/web/").header(name, value).header(fetch.0, fetch.1);
            let answer = server.send(&request.header("Accept", "application/json")).unwrap();
            let error = &answer.json().unwrap()["error"];
            assert_eq!((answer.status, &error["code"]), (403, &"browser-credential".into()));
            assert!(error["message"].as_str().unwrap().contains("web/auth/"), "{error}");
        }
    }
}
