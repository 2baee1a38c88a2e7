//! Starting runs: three forms of answer, keys against starting twice, what is refused.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::Runs;
use crate::runs_watch::{Watcher, texts};
use crate::stage::{Probes as _, code_of, csrf_token, fields_of, instance, numbers, started};

fn server() -> Server {
    let echo = "#!/bin/sh\necho \"out $1\"\necho \"err $1\" >&2\nexit 3\n";
    instance()
        .script("echo.sh", echo, &json!({"label": "Echo", "args": {"word": {}}}))
        .probe("probe.sh", &json!({"args": {"word": {}, "pin": {"html_type": "password"}}}))
        .script("denied.sh", "#!/bin/sh\n", &json!({"access_groups": [1000]}))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .start()
        .unwrap()
}

#[test]
fn the_identifier_comes_at_once_with_the_address_of_the_run() {
    let server = server();
    let ada = Runs::of(&server, "ada");

    let answer = ada.try_start("echo.sh", &json!({"word": "x"}), "id");
    let body = answer.json().unwrap();
    let id = body["run"]["id"].as_str().unwrap();

    assert_eq!((answer.status, &body["repeated"]), (202, &json!(false)));
    assert_eq!(answer.header("Location"), Some(format!("../../api/runs/{id}").as_str()));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let end = ada.end(id);
    assert_eq!(
        (&end["state"], &end["exit_code"], &end["signal"], &end["reason"]),
        (&json!("failed"), &json!(3), &Value::Null, &Value::Null)
    );
    assert_eq!(end["arguments"], json!([{"name": "word", "value": "x", "input": false}]));
    assert_eq!((&end["label"], &end["script"]), (&json!("Echo"), &json!("echo.sh")));
    assert_eq!(end["user"]["name"], "ada");
    assert_eq!((&end["stdout_bytes"], &end["stderr_bytes"]), (&json!(6), &json!(6)));
    assert_eq!(end["can"], json!({"stop": false, "delete": true, "again": true, "input": false}));
    for time in ["created", "started", "ended"] {
        let text = end[time].as_str().unwrap();
        assert!(text.len() == 24 && text.ends_with('Z'), "{time}: {text}");
    }
}

#[test]
fn the_result_comes_with_the_output() {
    let server = server();
    let ada = Runs::of(&server, "ada");

    let answer = ada.try_start("echo.sh", &json!({"word": "\u{e9}\"\\"}), "result");
    let body = answer.json().unwrap();

    assert_eq!(answer.status, 200);
    assert_eq!(
        (&body["stdout"], &body["stderr"], &body["run"]["exit_code"]),
        (&json!("out \u{e9}\"\\\n"), &json!("err \u{e9}\"\\\n"), &json!(3))
    );
}

#[test]
fn a_large_result_comes_whole() {
    let script = "#!/bin/sh\nseq 1 1000000\nprintf 'caf\\303\\251'\nseq 1 10 >&2\n";
    let server =
        instance().script("seq.sh", script, &json!({})).account(Account::user("ada")).start();
    let server = server.unwrap();
    let ada = Runs::of(&server, "ada");
    let expected = numbers(1_000_000) + "caf\u{e9}";

    let new = ada.try_start("seq.sh", &json!({}), "result").json().unwrap();
    let old = ada.post("/api/scripts/seq.sh", &json!({"arguments": {}}));
    let text = old.text();
    let old = old.json().unwrap();

    for body in [&new, &old] {
        assert!(body["stdout"] == expected && body["stderr"] == numbers(10));
    }
    assert!(text.is_ascii() && text.starts_with("{\"stdout\": \"1\\n2\\n"));
    assert!(text.ends_with(
        "\\n\", \"code\": 0, \"Content-Type\": \"text/plain\", \
         \"Stderr-Content-Type\": \"text/plain\", \"error\": \"No errors\"}"
    ));
}

#[test]
fn the_stream_tells_everything_from_the_first_line_to_the_end() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let body = json!({"script": "echo.sh", "arguments": {"word": {"value": "x"}}});
    let request = Request::post("/api/runs/").api_token(&token).same_origin();
    let request = request.header("Accept", "text/event-stream").json(&body);

    let mut watcher = Watcher::send(&server, &request);
    assert_eq!(watcher.status, 200);
    for line in [
        "content-type: text/event-stream; charset=utf-8",
        "cache-control: no-store, no-transform",
        "x-accel-buffering: no",
    ] {
        assert!(watcher.head.iter().any(|header| header == line), "{:?}", watcher.head);
    }
    let events = watcher.rest();
    assert_eq!(events.first().unwrap().name, "state");
    let end = events.last().unwrap();
    assert_eq!((end.name.as_str(), &end.data["exit_code"]), ("end", &json!(3)));
    let all: String = texts(&events).into_iter().map(|(_, text)| text).collect();
    assert!(all.contains("out x\n") && all.contains("err x\n"), "{all}");
}

#[test]
fn headers_choose_the_answer_too() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let ask = |prefer: &str| {
        let body = json!({"script": "echo.sh", "arguments": {"word": {"value": "x"}}});
        let request = Request::post("/api/runs/").api_token(&token).same_origin();
        server.send(&request.header("Prefer", prefer).json(&body)).unwrap()
    };

    assert_eq!(ask("respond-async").status, 202);
    assert_eq!(ask("wait=60").json().unwrap()["stdout"], "out x\n");
}

#[test]
fn a_wait_that_is_too_short_answers_the_identifier_and_the_run_goes_on() {
    let script = "#!/bin/sh\nread -r line < go\necho \"$line\"\n";
    let server =
        instance().script("waits.sh", script, &json!({})).account(Account::user("ada")).start();
    let server = server.unwrap();
    let ada = Runs::of(&server, "ada");
    let pipe = server.directory().join("go");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
    let request = Request::post("/api/runs/").api_token(&ada.token).same_origin();
    let request = request.header("Prefer", "wait=0").json(&json!({"script": "waits.sh"}));

    let answer = server.send(&request).unwrap();

    assert_eq!(answer.status, 202, "{}", answer.text());
    let run = answer.json().unwrap()["run"]["id"].as_str().unwrap().to_owned();
    std::fs::write(&pipe, "now\n").unwrap();
    assert_eq!(ada.end(&run)["state"], "succeeded");
    assert_eq!(ada.output(&run, "stdout"), b"now\n");
}

#[test]
fn the_same_key_starts_one_run_for_its_user() {
    let server = server();
    let (ada, eve) = (Runs::of(&server, "ada"), Runs::of(&server, "eve"));
    let start = |who: &Runs<'_>, word: &str, key: &str| {
        let body = json!({"script": "probe.sh", "arguments": {"word": {"value": word}},
            "answer": "result"});
        let request = Request::post("/api/runs/").api_token(&who.token).same_origin();
        let request = request.header("Accept", "application/json");
        server.send(&request.header("Idempotency-Key", key).json(&body)).unwrap()
    };

    let first = start(&ada, "a", "key-1").json().unwrap();
    let again = start(&ada, "a", "key-1").json().unwrap();
    assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
    assert_eq!((&first["run"]["id"], &first["stdout"]), (&again["run"]["id"], &again["stdout"]));
    assert_eq!(started(&server), 1);

    let other = start(&ada, "b", "key-1");
    assert_eq!((other.status, code_of(&other)), (409, "idempotency-key-reused".to_owned()));
    let of_eve = start(&eve, "a", "key-1").json().unwrap();
    assert_ne!(of_eve["run"]["id"], first["run"]["id"]);
    assert_eq!(started(&server), 2);
    for wrong in ["", "with space", "\u{e9}", &"k".repeat(256)] {
        let answer = start(&ada, "a", wrong);
        assert_eq!((answer.status, code_of(&answer)), (400, "idempotency-key".to_owned()));
    }
    assert_eq!(started(&server), 2);
}

#[test]
fn many_requests_with_one_key_at_once_start_one_run() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let body = json!({"script": "probe.sh", "idempotency_key": "k", "answer": "result"});

    let runs: Vec<String> = std::thread::scope(|scope| {
        let ask = || ada.post("/api/runs/", &body).json().unwrap()["run"]["id"].to_string();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    assert_eq!(started(&server), 1);
}

#[test]
fn attack_29_nobody_chooses_what_only_the_server_knows() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let ask = |body: &Value| {
        let request = Request::post("/api/runs/").api_token(&ada.token).same_origin();
        server.send(&request.header("Accept", "application/json").json(body)).unwrap()
    };

    for name in ["user", "owner", "state", "id", "exit_code", "role", "started_via", "created"] {
        let answer = ask(&json!({"script": "probe.sh", "arguments": {}, name: 1}));
        assert_eq!((answer.status, code_of(&answer)), (400, "body".to_owned()), "{name}");
        assert_eq!(fields_of(&answer)[0].0, name);
    }
    let inner = json!({"script": "probe.sh", "arguments": {"word": {"value": "x", "role": 1}}});
    assert_eq!(fields_of(&ask(&inner))[0].0, "role");
    assert_eq!(started(&server), 0);
}

#[test]
fn what_cannot_be_run_is_refused_as_for_existing_clients() {
    let server = server();
    let ada = Runs::of(&server, "ada");

    assert_eq!(ada.try_start("unknown.sh", &json!({}), "id").status, 404);
    assert_eq!(ada.try_start("denied.sh", &json!({}), "id").status, 403);
    assert_eq!(ada.try_start("probe.sh", &json!({"undeclared": "x"}), "id").status, 400);
    let foreign = Request::post("/api/runs/").api_token(&ada.token);
    let foreign = foreign.header("Origin", "http://evil.example");
    let body = json!({"script": "probe.sh"});
    assert_eq!(server.send(&foreign.json(&body)).unwrap().status, 403);
    let text = Request::post("/api/runs/").api_token(&ada.token).same_origin();
    let text = text.header("Content-Type", "text/plain").body(body.to_string());
    assert_eq!(server.send(&text).unwrap().status, 415);
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_25_get_and_head_start_nothing() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let body = json!({"script": "probe.sh"});

    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::new(method, "/api/runs/").api_token(&ada.token).same_origin();
        let answer = server.send(&request.json(&body)).unwrap();
        let is_list = matches!(method, "GET" | "HEAD");
        assert_eq!(answer.status, if is_list { 200 } else { 405 }, "{method}");
    }
    let run = ada.start("echo.sh", &json!({"word": "x"}));
    for action in ["stop", "kill", "input", "close_input", "resize", "again", "delete"] {
        let answer = ada.get(&format!("/api/runs/{run}/{action}"));
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{action}");
    }
    assert_eq!(ada.end(&run)["state"], "failed");
    assert_eq!(started(&server), 0);
}

#[test]
fn a_page_starts_runs_with_a_token_and_gets_the_next_one() {
    let server = server();
    let cookie = server.sign_in("ada").unwrap();
    let start = |token: &str| {
        let request = Request::post("/api/runs/").cookie(&cookie).same_origin();
        let body = json!({"script": "probe.sh", "answer": "result", "csrf_token": token});
        server.send(&request.json(&body)).unwrap()
    };

    assert_eq!(start("x").status, 403);
    assert_eq!(started(&server), 0);
    let token = csrf_token(&server, &cookie);
    let answer = start(&token).json().unwrap();
    assert_eq!(answer["run"]["started_via"], "page");
    let next = answer["csrf"].as_str().unwrap();
    assert_eq!((start(&token).status, start(next).status), (403, 200));
    assert_eq!(started(&server), 2);
}

#[test]
fn secrets_are_told_as_markers_only() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let answer = ada.try_start("probe.sh", &json!({"pin": "hunter2secret", "word": "x"}), "result");
    let run = answer.json().unwrap()["run"].clone();

    assert_eq!(
        run["arguments"],
        json!([
            {"name": "pin", "secret": true, "input": false},
            {"name": "word", "value": "x", "input": false},
        ])
    );
    assert_eq!(run["can"]["again"], false);
    let again = ada.post(&format!("/api/runs/{}/again", run["id"].as_str().unwrap()), &json!({}));
    assert_eq!(again.status, 409);
    assert_eq!(started(&server), 1);
}
