//! Steering runs: stop, kill, input, end of input, size of the terminal, again, delete.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::Runs;
use crate::stage::{code_of, csrf_token, instance};

/// Says what it reads, and what ends it.
const ECHO: &str = r#"#!/bin/sh
trap 'echo asked to end; exit 7' TERM
echo ready
while read -r line; do echo "got $line"; done
echo end of input
"#;

fn server() -> Server {
    let stubborn = "#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 1; done\n";
    let terminal = "#!/bin/sh\nstty size\nread -r line\nstty size\n";
    instance()
        .script("echo.sh", ECHO, &json!({"interactive": true, "args": {"word": {}}}))
        .script("closed.sh", "#!/bin/sh\necho ready\nsleep 600\n", &json!({}))
        .script("stubborn.sh", stubborn, &json!({}))
        .script("terminal.sh", terminal, &json!({"terminal": true}))
        .setting("stop_grace", 1)
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

fn act(ada: &Runs<'_>, run: &str, action: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(&format!("/api/runs/{run}/{action}")).api_token(&ada.token);
    let request = request.same_origin().header("Accept", "application/json").json(body);
    let answer = ada.server.send(&request).unwrap();
    (answer.status, answer.json().unwrap())
}

#[track_caller]
fn refused(ada: &Runs<'_>, run: &str, action: &str, body: &Value) -> (u16, String) {
    let (status, body) = act(ada, run, action, body);
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

#[test]
fn input_reaches_the_script_exactly_and_can_be_ended() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("echo.sh", &json!({}));
    ada.until_printed(&run, "ready\n");

    let (status, body) = act(&ada, &run, "input", &json!({"text": "caf\u{e9} \"x\"\nhalf"}));
    assert_eq!((status, &body["run"]["state"]), (200, &json!("running")));
    assert_eq!(body["run"]["can"]["input"], true);
    act(&ada, &run, "input", &json!({"text": " line\n"}));
    ada.until_printed(&run, "got half line\n");
    assert_eq!(act(&ada, &run, "close_input", &json!({})).0, 200);
    assert_eq!(ada.end(&run)["state"], "succeeded");
    assert_eq!(
        String::from_utf8(ada.output(&run, "stdout")).unwrap(),
        "ready\ngot caf\u{e9} \"x\"\ngot half line\nend of input\n"
    );
    assert_eq!(refused(&ada, &run, "input", &json!({"text": "x"})).0, 409);
}

#[test]
fn input_is_bounded_and_only_for_scripts_that_take_some() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("echo.sh", &json!({}));
    ada.until_printed(&run, "ready\n");
    let large = "x".repeat(65_537);

    assert_eq!(refused(&ada, &run, "input", &json!({"text": large})).0, 413);
    assert_eq!(refused(&ada, &run, "input", &json!({"text": "\u{1}".repeat(200_000)})).0, 413);
    assert_eq!(refused(&ada, &run, "input", &json!({})), (400, "body".to_owned()));
    assert_eq!(refused(&ada, &run, "input", &json!({"text": "x", "user": 1})).0, 400);
    assert_eq!(refused(&ada, &run, "resize", &json!({"columns": 10, "rows": 10})).0, 409);
    act(&ada, &run, "kill", &json!({}));
    ada.end(&run);

    let closed = ada.start("closed.sh", &json!({}));
    ada.until_printed(&closed, "ready\n");
    assert_eq!(
        refused(&ada, &closed, "input", &json!({"text": "x"})),
        (409, "no-input".to_owned())
    );
    act(&ada, &closed, "kill", &json!({}));
    ada.end(&closed);
}

#[test]
fn stop_asks_and_kill_does_not() {
    let server = server();
    let ada = Runs::of(&server, "ada");

    let polite = ada.start("echo.sh", &json!({}));
    ada.until_printed(&polite, "ready\n");
    let (status, body) = act(&ada, &polite, "stop", &json!({}));
    assert_eq!((status, &body["run"]["id"]), (200, &json!(polite)));
    let end = ada.end(&polite);
    assert_eq!((&end["state"], &end["reason"]), (&json!("stopped"), &json!("stopped by ada")));
    assert_eq!(ada.output(&polite, "stdout"), b"ready\nasked to end\n");

    let killed = ada.start("echo.sh", &json!({}));
    ada.until_printed(&killed, "ready\n");
    act(&ada, &killed, "kill", &json!({}));
    assert_eq!(ada.end(&killed)["state"], "stopped");
    assert_eq!(ada.output(&killed, "stdout"), b"ready\n");

    let stubborn = ada.start("stubborn.sh", &json!({}));
    ada.until_printed(&stubborn, "ready\n");
    act(&ada, &stubborn, "stop", &json!({}));
    assert_eq!(ada.end(&stubborn)["state"], "stopped");
    let (status, body) = act(&ada, &stubborn, "stop", &json!({}));
    assert_eq!((status, &body["run"]["state"]), (200, &json!("stopped")), "twice is no error");
}

#[test]
fn a_terminal_has_the_size_that_was_asked_for() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let body = json!({"script": "terminal.sh", "terminal": {"columns": 101, "rows": 33}});
    let run =
        ada.post("/api/runs/", &body).json().unwrap()["run"]["id"].as_str().unwrap().to_owned();
    ada.until_printed(&run, "33 101");

    assert_eq!(refused(&ada, &run, "resize", &json!({"columns": 0, "rows": 5})).0, 400);
    assert_eq!(act(&ada, &run, "resize", &json!({"columns": 50, "rows": 20})).0, 200);
    let screen = ada.get(&format!("/api/runs/{run}/screen")).json().unwrap();
    assert_eq!((&screen["columns"], &screen["rows"]), (&json!(50), &json!(20)));
    assert_eq!(screen["whole"], true);
    act(&ada, &run, "input", &json!({"text": "\n"}));
    ada.until_printed(&run, "20 50");
    let end = ada.end(&run);
    assert_eq!((&end["terminal"], &end["interactive"]), (&json!(true), &json!(true)));
}

#[test]
fn again_starts_the_same_arguments_as_the_caller() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("echo.sh", &json!({"word": "x"}));
    ada.post(&format!("/api/runs/{run}/close_input"), &json!({}));
    ada.end(&run);

    let (status, body) = act(&ada, &run, "again", &json!({}));
    let again = body["run"]["id"].as_str().unwrap().to_owned();

    assert_eq!(status, 202);
    assert_ne!(again, run);
    assert_eq!(
        (&body["run"]["started_via"], &body["run"]["again_of"]),
        (&json!("again"), &json!(run))
    );
    assert_eq!(body["run"]["arguments"], ada.record(&run)["arguments"]);
    ada.post(&format!("/api/runs/{again}/close_input"), &json!({}));
    assert_eq!(ada.end(&again)["state"], "succeeded");
}

#[test]
fn a_run_is_deleted_with_its_output_when_it_is_over() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("echo.sh", &json!({}));
    ada.until_printed(&run, "ready\n");

    assert_eq!(refused(&ada, &run, "delete", &json!({})), (409, "not-over".to_owned()));
    ada.post(&format!("/api/runs/{run}/kill"), &json!({}));
    ada.end(&run);
    assert_eq!(act(&ada, &run, "delete", &json!({})), (200, json!({})));
    for path in ["", "/output", "/events", "/poll", "/files/", "/screen"] {
        assert_eq!(ada.get(&format!("/api/runs/{run}{path}")).status, 404, "{path}");
    }
    assert_eq!(ada.get("/api/runs/").json().unwrap()["runs"], json!([]));
    let page = Request::get(&format!("/web/runs/{run}")).api_token(&ada.token);
    let page = server.send(&page.header("Accept", "text/html")).unwrap();
    assert!(page.status == 404 && page.text().contains("may have been deleted"));
}

#[test]
fn attack_45_a_page_needs_a_token_for_every_step() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let cookie = server.sign_in("ada").unwrap();
    let run = ada.start("echo.sh", &json!({}));
    ada.until_printed(&run, "ready\n");
    let ask = |action: &str, body: Value| {
        let request = Request::post(&format!("/api/runs/{run}/{action}")).cookie(&cookie);
        let request = request.same_origin().header("Accept", "application/json");
        server.send(&request.json(&body)).unwrap()
    };

    for action in ["stop", "kill", "input", "close_input", "resize", "again", "delete"] {
        let answer = ask(action, json!({"csrf_token": "x"}));
        assert_eq!((answer.status, code_of(&answer)), (403, "csrf-token".to_owned()), "{action}");
        assert_eq!(ask(action, json!({})).status, 403, "{action}");
    }
    assert_eq!(ada.record(&run)["state"], "running");
    let token = csrf_token(&server, &cookie);
    let typed = ask("input", json!({"text": "a\n", "csrf_token": token})).json().unwrap();
    let next = typed["csrf"].as_str().unwrap();
    assert_ne!(next, token);
    assert_eq!(ask("input", json!({"text": "b\n", "csrf_token": token})).status, 403);
    assert_eq!(ask("kill", json!({"csrf_token": next})).status, 200);
    assert_eq!(ada.end(&run)["state"], "stopped");
    assert!(!String::from_utf8(ada.output(&run, "stdout")).unwrap().contains("got b"));
}
