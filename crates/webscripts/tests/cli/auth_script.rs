//! Credentials checked by a script of the administrator (`auth_script`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use webscripts_testkit::{Answer, InstanceBuilder, Request, Server, python};

use crate::program::{assert_ended, describe};

/// Knows one password; the names `broken` and `chatty` are for what goes wrong.
const CHECK: &str = "\
import argparse, json, sys
parser = argparse.ArgumentParser()
parser.add_argument('--username')
parser.add_argument('--password')
parser.add_argument('--api-key')
given = parser.parse_args()
if given.username == 'broken':
    sys.exit(3)
if given.username == 'chatty':
    print('welcome')
    sys.exit(0)
user = {'id': 0, 'name': 'Not Authenticated', 'ip': '*', 'groups': [0]}
if given.password == 'right word' or given.api_key == 'right key':
    user = {'id': 7, 'name': given.username or 'robot', 'ip': '*', 'groups': [50, 600],
            'categories': ['*'], 'scripts': ['*'], 'phone': '555-0100'}
print(json.dumps(user))
";

const WHO: &str = "#!/bin/sh\nprintf %s \"$USER\"\n";

fn described() -> InstanceBuilder {
    let declared = json!({
        "launcher": python().unwrap(),
        "args": {
            "--username": {"html_type": "text"},
            "--password": {"html_type": "password"},
            "--api-key": {"html_type": "password"},
        },
    });
    describe().setting("auth_script", "check.py").script("check.py", CHECK, &declared).script(
        "who.sh",
        WHO,
        &json!({"access_groups": [600]}),
    )
}

fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    server.send(&Request::sign_in(name, password)).unwrap()
}

fn who(server: &Server, request: Request) -> Answer {
    server.send(&request.run(&json!({}))).unwrap()
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[track_caller]
fn assert_is_ada(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let printed = answer.json().unwrap();
    let user: Value =
        serde_json::from_str(printed.get("stdout").and_then(Value::as_str).unwrap()).unwrap();
    assert_eq!(
        user,
        json!({"groups": [50, 600], "scripts": ["*"], "categories": ["*"], "id": 7, "name": "ada",
               "ip": "127.0.0.1", "phone": "555-0100"})
    );
}

#[test]
fn the_user_that_the_script_prints_is_signed_in_with_all_attributes() {
    let server = described().start().unwrap();

    let signed_in = sign_in(&server, "ada", "right word");

    let cookie = signed_in.header("Set-Cookie").unwrap();
    assert!(signed_in.status == 302 && cookie.starts_with("SessionID=7:"), "{signed_in:?}");
    assert_is_ada(&who(&server, Request::post("/api/scripts/who.sh").api_token(cookie)));
}

#[test]
fn basic_credentials_and_api_keys_are_checked_by_the_script() {
    let server = described().start().unwrap();
    let run = || Request::post("/api/scripts/who.sh");

    let right = who(&server, run().header("Authorization", &basic("ada", "right word")));
    let key = who(&server, run().header("Api-Key", "right key"));
    let wrong = who(&server, run().header("Authorization", &basic("ada", "wrong word")));

    assert_is_ada(&right);
    assert_eq!(key.status, 200, "{key:?}");
    assert_eq!(wrong.status, 302, "{wrong:?}");
    assert!(wrong.header("Location").unwrap().ends_with("web/auth/"), "{wrong:?}");
}

#[test]
fn the_user_0_is_nobody() {
    let server = described().start().unwrap();

    let refused = sign_in(&server, "ada", "wrong word");

    let cookie = refused.header("Set-Cookie").unwrap_or_default();
    assert!(cookie.is_empty() || cookie.starts_with("SessionID=0:"), "{refused:?}");
    let run = who(&server, Request::post("/api/scripts/who.sh").api_token(cookie));
    assert_eq!(run.status, 302, "{run:?}");
}

#[test]
fn a_value_that_the_script_would_take_for_an_option_proves_nothing() {
    let server = described().start().unwrap();

    let refused = sign_in(&server, "--api-key", "right key");

    let cookie = refused.header("Set-Cookie").unwrap_or_default();
    assert!(cookie.is_empty() || cookie.starts_with("SessionID=0:"), "{refused:?}");
}

#[test]
fn a_script_that_fails_or_prints_something_else_is_a_fault_of_the_server() {
    let server = described().setting("auth_failures_to_blacklist", 100).start().unwrap();

    for name in ["broken", "chatty"] {
        let answer = sign_in(&server, name, "right word");
        assert_eq!((answer.status, answer.header("Set-Cookie")), (500, None), "{answer:?}");
    }
    assert_eq!(sign_in(&server, "ada", "right word").status, 302);
    let log = server.stop().unwrap().log;
    assert!(log.contains("the authentication script failed"), "{log}");
    assert!(!log.contains("right word") && !log.contains("welcome"), "{log}");
}

#[test]
fn nobody_can_run_the_script_itself() {
    let server = described().start().unwrap();
    let token = sign_in(&server, "ada", "right word").header("Set-Cookie").unwrap().to_owned();

    let run = who(&server, Request::post("/api/scripts/check.py").api_token(&token));
    let listed = server.send(&Request::get("/api/").api_token(&token)).unwrap();

    assert_eq!(run.status, 404);
    assert!(listed.text().contains("who.sh"));
    assert!(!listed.text().contains("check.py"), "{}", listed.text());
}

#[test]
fn a_script_that_does_not_exist_stops_the_start() {
    let instance = describe().setting("auth_script", "gone.py").create().unwrap();

    let refused = instance.run(["serve", "--test-running", "--port", "0"]).unwrap();

    assert_eq!(refused.status.code(), Some(1));
    insta::assert_snapshot!(refused.stderr, @r"
    webscripts: the configuration cannot be used:
    config/server.json:3: [server] auth_script: no script is called `gone.py`; configure it, or leave out `auth_script` to use the built-in accounts
    ");
}

#[test]
fn explain_says_that_it_does_not_know_these_accounts() {
    let instance = described().create().unwrap();

    let explained = instance.run(["explain", "who.sh", "--user", "ada"]).unwrap();

    assert_ended(
        &explained,
        1,
        "",
        "webscripts: accounts are known to the authentication script `check.py` alone, so rights of \
         `ada` cannot be explained\n",
    );
}
