//! Limits of runs: output, number at a time, and what happens to those who wait.

use std::thread;
use std::time::Duration;

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::stage::{instance, run};

/// Notes that it runs, waits until somebody writes to the pipe it is given, notes the end.
const WAITS: &str =
    "#!/bin/sh\necho begins >> running\nread -r line < \"$1\"\necho ends >> running\n";

/// A pipe in the working directory that lets one waiting script go on.
fn make_pipe(server: &Server, name: &str) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let path = server.directory().join(name);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

/// Starts a script that waits on a pipe of its own.
fn run_waiting(server: &Server, token: &str, number: usize) -> u16 {
    let name = format!("go{number}");
    make_pipe(server, &name);
    run(server, token, "waits.sh", &json!({"pipe": name})).status
}

/// Lets the script with this number go on; waits until it listens.
fn let_go(server: &Server, number: usize) {
    let path = server.directory().join(format!("go{number}"));
    let began = std::time::Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_mins(1), "{} is not made", path.display());
    }
    std::fs::write(path, "\n").unwrap();
}

/// The file in which [`WAITS`] takes notes: runs make none in the working directory.
const NOTES: &str = "running";

fn events(server: &Server) -> Vec<String> {
    let text = std::fs::read_to_string(server.directory().join(NOTES)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_run_waits_until_there_is_a_place() {
    let server = instance()
        .file(NOTES, "", 0o644)
        .script("waits.sh", WAITS, &json!({"args": {"pipe": {}}}))
        .setting("max_runs", 1)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();

    thread::scope(|scope| {
        for number in 0..3 {
            let (server, token) = (&server, &token);
            scope.spawn(move || assert_eq!(run_waiting(server, token, number), 200));
            scope.spawn(move || let_go(server, number));
        }
    });

    assert_eq!(events(&server), ["begins", "ends"].repeat(3), "one after the other");
}

#[test]
fn one_user_cannot_take_all_places() {
    let server = instance()
        .file(NOTES, "", 0o644)
        .script("waits.sh", WAITS, &json!({"args": {"pipe": {}}}))
        .script("quick.sh", "#!/bin/sh\necho quick\n", &json!({}))
        .setting("max_runs", 3)
        .setting("max_runs_per_user", 2)
        .account(Account::user("greedy"))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let greedy = server.sign_in("greedy").unwrap();
    let ada = server.sign_in("ada").unwrap();

    thread::scope(|scope| {
        for number in 0..6 {
            let (server, greedy) = (&server, &greedy);
            scope.spawn(move || assert_eq!(run_waiting(server, greedy, number), 200));
        }
        let began = std::time::Instant::now();
        while events(&server).len() < 2 {
            assert!(began.elapsed() < Duration::from_mins(1), "{:?}", events(&server));
        }
        let answer = run(&server, &ada, "quick.sh", &json!({}));
        assert_eq!(answer.json().unwrap()["stdout"], "quick\n");
        assert_eq!(events(&server), ["begins", "begins"]);
        for number in 0..6 {
            let server = &server;
            scope.spawn(move || let_go(server, number));
        }
    });
}

#[test]
fn output_above_the_limit_is_cut_with_a_notice_and_flat_memory() {
    const LIMIT: usize = 1 << 20;
    let flood = "#!/bin/sh\nhead -c 100000000 /dev/zero | tr '\\0' x\n";
    let server = instance()
        .script("flood.sh", flood, &json!({}))
        .setting("run_output_bytes", LIMIT)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let before = server.peak_memory_bytes().unwrap();

    let answer = run(&server, &token, "flood.sh", &json!({})).json().unwrap();

    let output = answer["stdout"].as_str().unwrap();
    let notice = answer["stderr"].as_str().unwrap();
    let dropped = notice.strip_prefix("WebScripts: ").and_then(|text| {
        text.strip_suffix(" bytes of output were dropped (`run_output_bytes`)\n")?.parse().ok()
    });
    let dropped: usize = dropped.expect(notice);
    let kept = 100_000_000 - dropped;
    assert!((LIMIT / 2..=LIMIT).contains(&kept), "{kept} bytes are kept");
    let cut = format!("\n[WebScripts: {dropped} bytes are not kept (`run_output_bytes`)]\n");
    let (head, tail) = output.split_once(&cut).expect("the cut is marked");
    assert_eq!(
        (head.len() + tail.len(), head.trim_matches('x'), tail.trim_matches('x')),
        (kept, "", "")
    );
    assert_eq!(answer["code"], 0);
    let grown = server.peak_memory_bytes().unwrap() - before;
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}

#[test]
fn a_script_that_takes_too_long_is_ended_with_everything_it_started() {
    let script =
        "#!/bin/sh\necho started\n(trap '' TERM; sleep 600; echo late >> late) &\nsleep 600\n";
    let server = instance()
        .script("slow.sh", script, &json!({"timeout": 1}))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();

    let answer = run(&server, &token, "slow.sh", &json!({})).json().unwrap();

    assert_eq!(answer["stdout"], "started\n");
    assert_eq!((&answer["error"], &answer["code"]), (&json!("TimeoutError"), &json!(-9)));
}

#[test]
fn a_script_that_cannot_be_started_is_a_failure_with_a_number() {
    let server = instance()
        .script("broken.sh", "#!/no/such/interpreter\n", &json!({}))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let request = Request::post("/api/scripts/broken.sh").api_token(&token);

    let answer =
        server.send(&request.header("Accept", "application/json").run(&json!({}))).unwrap();

    let id = answer.header("X-Request-Id").unwrap().to_owned();
    let error = &answer.json().unwrap()["error"];
    assert_eq!((answer.status, &error["code"]), (500, &json!("not-started")));
    assert!(!error.to_string().contains("interpreter"), "the cause is not told: {error}");
    let log = server.stop().unwrap().log;
    let line = log.lines().find(|line| line.contains("could not be started")).unwrap();
    assert!(line.contains(&id) && line.contains("broken.sh"), "{line}");
}
