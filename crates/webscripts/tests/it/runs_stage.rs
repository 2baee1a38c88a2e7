//! Runs over HTTP, and looks at the processes they consist of.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use webscripts_testkit::{Answer, Request, Server};

/// Far away: a test that reaches it has failed.
pub const LONG: Duration = Duration::from_mins(2);

/// A user of a server, and what they do with runs.
pub struct Runs<'a> {
    pub server: &'a Server,
    pub token: String,
}

impl<'a> Runs<'a> {
    /// Signs in.
    pub fn of(server: &'a Server, name: &str) -> Self {
        Self { server, token: server.sign_in(name).unwrap() }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.server.send(&Request::get(path).api_token(&self.token)).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).api_token(&self.token).same_origin();
        self.server.send(&request.json(body)).unwrap()
    }

    /// Starts a script and answers the identifier of its run.
    #[track_caller]
    pub fn start(&self, script: &str, arguments: &Value) -> String {
        let answer = self.try_start(script, arguments, "id");
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json().unwrap()["run"]["id"].as_str().unwrap().to_owned()
    }

    /// As [`Runs::start`], with another form of answer.
    pub fn try_start(&self, script: &str, arguments: &Value, answer: &str) -> Answer {
        let arguments = webscripts_testkit::json::run_body(arguments)["arguments"].clone();
        self.post(
            "/api/runs/",
            &json!({"script": script, "arguments": arguments, "answer": answer}),
        )
    }

    /// What is known of a run.
    #[track_caller]
    pub fn record(&self, run: &str) -> Value {
        let answer = self.get(&format!("/api/runs/{run}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()
    }

    /// Waits until a run is over.
    #[track_caller]
    pub fn end(&self, run: &str) -> Value {
        self.until(run, |record| !matches!(record["state"].as_str(), Some("queued" | "running")))
    }

    /// Waits until what is known of a run fits.
    #[track_caller]
    pub fn until(&self, run: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut next = 0;
        let deadline = Instant::now() + LONG;
        loop {
            let record = self.record(run);
            if fits(&record) {
                return record;
            }
            assert!(Instant::now() < deadline, "the run stays {record}");
            let poll = self.get(&format!("/api/runs/{run}/poll?from={next}&wait=1"));
            assert_eq!(poll.status, 200, "{}", poll.text());
            next = poll.json().unwrap()["next"].as_u64().unwrap();
        }
    }

    /// Waits until a run has printed this text to standard output, and answers all of it.
    #[track_caller]
    pub fn until_printed(&self, run: &str, text: &str) -> String {
        let deadline = Instant::now() + LONG;
        let mut next = 0;
        let mut printed = String::new();
        while !printed.contains(text) {
            assert!(Instant::now() < deadline, "the run printed only {printed:?}");
            let poll = self.get(&format!("/api/runs/{run}/poll?from={next}&wait=5"));
            assert_eq!(poll.status, 200, "{}", poll.text());
            let poll = poll.json().unwrap();
            for event in poll["events"].as_array().unwrap() {
                if event["stream"] == "stdout" {
                    printed.push_str(event["text"].as_str().unwrap());
                }
            }
            next = poll["next"].as_u64().unwrap();
        }
        printed
    }

    /// What a run printed, as stored.
    #[track_caller]
    pub fn output(&self, run: &str, stream: &str) -> Vec<u8> {
        let answer = self.get(&format!("/api/runs/{run}/output?stream={stream}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }
}

/// Numbers of all processes whose environment or command line holds `mark`.
pub fn processes_with(mark: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let holds = |file: &str| {
            std::fs::read(entry.path().join(file))
                .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(mark))
        };
        let is_alive = std::fs::read_to_string(entry.path().join("stat"))
            .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or("Z").starts_with(['Z', 'X']));
        if is_alive && (holds("environ") || holds("cmdline")) {
            found.insert(number);
        }
    }
    found
}

/// Waits until a condition holds.
#[track_caller]
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}
