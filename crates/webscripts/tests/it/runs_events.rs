//! Following runs: event streams, coming back, polls, watchers that are slow.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::{Runs, eventually};
use crate::runs_watch::{Watcher, texts};
use crate::stage::{instance, numbers};

/// Prints a line for every line it reads, to standard error if it begins with `e`.
const STEPS: &str = r#"#!/bin/sh
while read -r line; do
    case "$line" in e*) echo "$line" >&2 ;; *) echo "$line" ;; esac
done
printf 'unfinished'
exit 4
"#;

fn server() -> Server {
    instance()
        .script("steps.sh", STEPS, &json!({"interactive": true}))
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

/// A run that has printed these lines, one after the other; it is over.
fn printed(ada: &Runs<'_>, lines: &[&str]) -> String {
    let run = ada.start("steps.sh", &json!({}));
    let mut printed = 0;
    for line in lines {
        let text = format!("{line}\n");
        printed += text.len() as u64;
        let answer = ada.post(&format!("/api/runs/{run}/input"), &json!({"text": text}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        ada.until(&run, |record| {
            let bytes = |name: &str| record[name].as_u64().unwrap();
            bytes("stdout_bytes") + bytes("stderr_bytes") == printed
        });
    }
    let answer = ada.post(&format!("/api/runs/{run}/close_input"), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    ada.end(&run);
    run
}

#[test]
fn a_stream_can_be_taken_up_again_behind_every_event() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = printed(&ada, &["one", "error", "two", "three"]);
    let path = format!("/api/runs/{run}/events");
    let whole = texts(&Watcher::open(&server, &ada.token, &path).rest());
    let words: Vec<_> = whole.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(words, ["one\n", "error\n", "two\n", "three\n", "unfinished"]);

    for seen in 0..whole.len() {
        let last = whole[seen].0.to_string();
        let request = Request::get(&path).api_token(&ada.token).header("Last-Event-ID", &last);
        let rest = Watcher::send(&server, &request).rest();
        assert_eq!(texts(&rest), whole[seen + 1..], "behind {last}");
        assert_eq!(rest.first().unwrap().name, "state");
        assert_eq!(rest.last().unwrap().name, "end");
        let from = format!("{path}?from={last}");
        let from = Watcher::open(&server, &ada.token, &from).rest();
        assert_eq!(texts(&from), whole[seen..], "from {last}");
    }
    let beyond = Watcher::open(&server, &ada.token, &format!("{path}?from=1000000")).rest();
    assert_eq!(texts(&beyond), []);
    assert_eq!(beyond.last().unwrap().name, "end");
}

#[test]
fn polls_and_streams_tell_the_same() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = printed(&ada, &["one", "error", "two"]);
    let streamed = Watcher::open(&server, &ada.token, &format!("/api/runs/{run}/events")).rest();

    let mut polled = Vec::new();
    let mut next = 0;
    loop {
        let answer = ada.get(&format!("/api/runs/{run}/poll?from={next}&wait=0"));
        let poll = answer.json().unwrap();
        next = poll["next"].as_u64().unwrap();
        let events = poll["events"].as_array().unwrap();
        if !events.iter().any(|event| event["event"] == "output") {
            assert_eq!(poll["run"]["state"], "failed");
            break;
        }
        polled.extend(events.iter().filter(|event| event["event"] == "output").cloned());
    }
    let streamed: Vec<Value> = streamed
        .into_iter()
        .filter(|event| event.name == "output")
        .map(|event| {
            let mut data = json!({"event": "output"});
            for (name, value) in event.data.as_object().unwrap() {
                data[name] = value.clone();
            }
            data
        })
        .collect();
    assert_eq!(polled, streamed);
}

#[test]
fn lines_are_there_while_the_script_runs_and_a_poll_waits_for_them() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({}));
    let mut watcher = Watcher::open(&server, &ada.token, &format!("/api/runs/{run}/events"));
    let first = watcher.next().unwrap();
    assert_eq!((first.name.as_str(), &first.data["state"]), ("state", &json!("running")));

    std::thread::scope(|scope| {
        let poll = scope.spawn(|| ada.get(&format!("/api/runs/{run}/poll?from=0&wait=30")));
        ada.post(&format!("/api/runs/{run}/input"), &json!({"text": "hello\n"}));
        let event = watcher.until(|event| event.name == "output");
        assert_eq!(
            (&event.data["text"], &event.data["stream"]),
            (&json!("hello\n"), &json!("stdout"))
        );
        assert_eq!(event.data["offset"], 0);
        let poll = poll.join().unwrap().json().unwrap();
        assert_eq!(poll["run"]["state"], "running");
    });
    assert!(ada.until_printed(&run, "hello").starts_with("hello\n"));
    ada.post(&format!("/api/runs/{run}/stop"), &json!({}));
    let end = watcher.until(|event| event.name == "end");
    assert_eq!(end.data["state"], "stopped");
    assert_eq!(watcher.next(), None);
}

#[test]
fn a_poll_without_wait_answers_at_once() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({}));

    let poll = ada.get(&format!("/api/runs/{run}/poll?from=0&wait=0")).json().unwrap();

    assert_eq!((&poll["run"]["state"], &poll["next"]), (&json!("running"), &json!(0)));
    ada.post(&format!("/api/runs/{run}/kill"), &json!({}));
    ada.end(&run);
}

#[test]
fn who_does_not_read_slows_nobody() {
    let flood = "#!/bin/sh\nseq 1 3000000\n";
    let server = instance()
        .script("flood.sh", flood, &json!({}))
        .script("steps.sh", STEPS, &json!({"interactive": true}))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("flood.sh", &json!({}));
    let path = format!("/api/runs/{run}/events");
    // These read the head of the answer and nothing more.
    let lazy: Vec<_> = (0..8).map(|_| Watcher::open(&server, &ada.token, &path)).collect();

    let mut reader = Watcher::open(&server, &ada.token, &path);
    let events = reader.rest();

    let all: String = texts(&events).into_iter().map(|(_, text)| text).collect();
    let expected = numbers(3_000_000);
    assert!(all == expected, "{} bytes, not {}", all.len(), expected.len());
    assert_eq!(ada.end(&run)["state"], "succeeded");
    drop(lazy);
}

#[test]
fn a_lazy_watcher_finds_everything_later() {
    let flood = "#!/bin/sh\nseq 1 400000\n";
    let server =
        instance().script("flood.sh", flood, &json!({})).account(Account::user("ada")).start();
    let server = server.unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("flood.sh", &json!({}));
    let mut lazy = Watcher::open(&server, &ada.token, &format!("/api/runs/{run}/events"));
    ada.end(&run);

    let all: String = texts(&lazy.rest()).into_iter().map(|(_, text)| text).collect();

    assert!(all == numbers(400_000));
}

#[test]
fn output_that_is_not_kept_is_told_as_a_cut() {
    let script =
        "#!/bin/sh\necho first\nhead -c 30000000 /dev/zero | tr '\\0' x\necho\necho last\n";
    let server = instance()
        .script("long.sh", script, &json!({"run_output_bytes": 1_048_576}))
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("long.sh", &json!({}));
    let end = ada.end(&run);

    let events = Watcher::open(&server, &ada.token, &format!("/api/runs/{run}/events")).rest();
    let output = texts(&events);
    let cuts: Vec<_> = events.iter().filter(|event| event.name == "cut").collect();

    assert_eq!(cuts.len(), 1, "the cut is told once");
    let cut = &cuts[0].data;
    assert_eq!(cut["stdout_bytes"], end["dropped_bytes"]);
    assert_eq!(cuts[0].id, cut["to_sequence"].as_u64().map(|to| to - 1));
    let kept: usize = output.iter().map(|(_, text)| text.len()).sum();
    let total = end["stdout_bytes"].as_u64().unwrap();
    assert_eq!(kept as u64 + end["dropped_bytes"].as_u64().unwrap(), total);
    assert!(output.first().unwrap().1.starts_with("first\n"));
    assert!(output.last().unwrap().1.ends_with("\nlast\n"));
}

#[test]
fn a_stopping_server_ends_streams_and_polls_at_once() {
    let server = instance()
        .script("steps.sh", STEPS, &json!({"interactive": true}))
        .setting("shutdown_wait", 2)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({}));
    let mut watcher = Watcher::open(&server, &ada.token, &format!("/api/runs/{run}/events"));
    assert_eq!(watcher.next().unwrap().name, "state");

    let since = Instant::now();
    let (rest, stopped) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| (watcher.rest(), since.elapsed()));
        let stopped = server.stop().unwrap();
        (reading.join().unwrap(), stopped)
    });

    let (events, took) = rest;
    assert!(events.iter().all(|event| event.name != "output"), "{events:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(stopped.is_clean(), "{}", stopped.log);
}

#[test]
fn a_client_that_goes_away_leaves_the_run_alone() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({}));
    let path = format!("/api/runs/{run}/events");
    for _ in 0..20 {
        let mut watcher = Watcher::open(&server, &ada.token, &path);
        assert_eq!(watcher.next().unwrap().name, "state");
    }
    let half = Request::get(&path).api_token(&ada.token).bytes(&server.host());
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.write_all(&half[..half.len() / 2]).unwrap();
    drop(stream);

    ada.post(&format!("/api/runs/{run}/input"), &json!({"text": "still here\n"}));
    ada.until_printed(&run, "still here\n");
    ada.post(&format!("/api/runs/{run}/close_input"), &json!({}));
    assert_eq!(ada.end(&run)["exit_code"], 4);
    eventually("the end of all streams", || ada.get(&format!("/api/runs/{run}")).status == 200);
}

#[test]
fn queries_that_nobody_understands_are_refused() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = printed(&ada, &[]);

    for query in ["from=x", "from=-1", "form=1", "from=1&from=2", "rendered=yes", "wait=1"] {
        assert_eq!(ada.get(&format!("/api/runs/{run}/events?{query}")).status, 400, "{query}");
    }
    for query in ["wait=x", "from=1.5", "user=1"] {
        assert_eq!(ada.get(&format!("/api/runs/{run}/poll?{query}")).status, 400, "{query}");
    }
}
