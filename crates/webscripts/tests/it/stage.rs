//! What the tests share: an instance of the real program, probes that leave a trace when they run,
//! and looks at what happened.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use webscripts_testkit::{Answer, InstanceBuilder, Request, Server};

/// Prints every argv word and standard input in hexadecimal, and leaves a line in `started`.
const PROBE: &str = r#"#!/bin/sh
echo >> started
for word in "$@"; do
    printf 'argv '; printf '%s' "$word" | od -An -v -tx1 | tr -d ' \n'; echo
done
printf 'stdin '; od -An -v -tx1 | tr -d ' \n'; echo
"#;

/// Prints its environment exactly as it got it, NUL between the variables.
const ENVIRONMENT: &str = "#!/bin/sh\necho >> started\ncat /proc/$$/environ\n";

/// Where probes leave a line. It is there from the beginning: runs add to files of the working
/// directory, but make none there.
const TRACE: &str = "started";

/// An instance without anything in it.
pub fn instance() -> InstanceBuilder {
    Server::builder(env!("CARGO_BIN_EXE_webscripts")).unwrap()
}

/// Probes for an instance.
pub trait Probes {
    /// A script that shows its argv and its standard input; see [`seen`].
    fn probe(self, name: &str, keys: &Value) -> Self;
    /// A script that shows its environment; see [`variables`].
    fn environment_probe(self, name: &str) -> Self;
}

impl Probes for InstanceBuilder {
    fn probe(self, name: &str, keys: &Value) -> Self {
        self.file(TRACE, "", 0o644).script(name, PROBE, keys)
    }

    fn environment_probe(self, name: &str) -> Self {
        self.file(TRACE, "", 0o644).script(name, ENVIRONMENT, &json!({}))
    }
}

/// What a probe got.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// Words behind the name of the script.
    pub argv: Vec<Vec<u8>>,
    /// Standard input.
    pub stdin: Vec<u8>,
}

/// What the probe that gave this answer got.
#[track_caller]
pub fn seen(answer: &Answer) -> Seen {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let output = answer.json().unwrap()["stdout"].as_str().unwrap().to_owned();
    let lines = |kind: &str| -> Vec<Vec<u8>> {
        let named = output.lines().filter_map(|line| line.strip_prefix(kind));
        named.map(|digits| unhex(digits.trim())).collect()
    };
    Seen { argv: lines("argv "), stdin: lines("stdin ").concat() }
}

/// The argv words that the probe got, as text.
#[track_caller]
pub fn words(answer: &Answer) -> Vec<String> {
    seen(answer).argv.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// The variables that the environment probe got, in order.
#[track_caller]
pub fn variables(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let output = answer.json().unwrap()["stdout"].as_str().unwrap().to_owned();
    let variables = output.split('\0').filter(|variable| !variable.is_empty());
    let split = |variable: &str| {
        let (name, value) = variable.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    variables.map(split).collect()
}

/// How often probes have started so far.
pub fn started(server: &Server) -> usize {
    let trace = std::fs::read_to_string(server.directory().join(TRACE));
    trace.unwrap_or_default().lines().count()
}

/// Every file below the working directory, without the trace, the databases and what is kept of
/// runs.
pub fn files(server: &Server) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(server.directory(), server.directory(), &mut found);
    found
}

/// How the names of databases and of what is kept of runs begin.
const DATA: [&str; 2] = ["data/webscripts.sqlite3", "data/runs"];

fn collect(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(root, &path, found);
        } else if name != TRACE && !DATA.iter().any(|data| name.starts_with(data)) {
            found.insert(name);
        }
    }
}

/// A run of `script` by the user of `token`, an `Api-Token`.
pub fn run(server: &Server, token: &str, script: &str, arguments: &Value) -> Answer {
    let request = Request::post(&format!("/api/scripts/{script}")).api_token(token);
    server.send(&request.run(arguments)).unwrap()
}

/// A run with this body, sent as JSON although it need not be any; error answers as JSON.
pub fn run_raw(server: &Server, token: &str, script: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = Request::post(&format!("/api/scripts/{script}")).api_token(token);
    let request = request.same_origin().header("Content-Type", "application/json");
    server.send(&request.header("Accept", "application/json").body(body)).unwrap()
}

/// As [`run`], with error answers as JSON, which name the arguments.
pub fn try_run(server: &Server, token: &str, script: &str, arguments: &Value) -> Answer {
    let request = Request::post(&format!("/api/scripts/{script}")).api_token(token);
    server.send(&request.header("Accept", "application/json").run(arguments)).unwrap()
}

/// The code of a refusal in JSON.
#[track_caller]
pub fn code_of(answer: &Answer) -> String {
    answer.json().unwrap()["error"]["code"].as_str().unwrap().to_owned()
}

/// What a refusal in JSON says of each argument.
#[track_caller]
pub fn fields_of(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json().unwrap();
    let fields = body["error"]["fields"].as_object().unwrap().iter();
    fields.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
}

/// Asserts that a run was refused with 400 because of exactly this argument.
#[track_caller]
pub fn assert_refused(answer: &Answer, argument: &str, why: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(fields_of(answer), [(argument.to_owned(), why.to_owned())]);
}

/// What `seq` prints: the numbers from 1 on, one per line.
pub fn numbers(last: u32) -> String {
    use std::fmt::Write as _;

    (1..=last).fold(String::new(), |mut text, number| {
        writeln!(text, "{number}").unwrap();
        text
    })
}

/// The text of errors that existing clients know.
pub fn error_text(status: u16) -> String {
    format!("---------------\n** ERROR {status} **\n---------------\n")
}

/// Asserts an error answer in the form of the reference.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.text()), (status, error_text(status)));
}

/// A token against requests of other sites, for the session in this cookie.
#[track_caller]
pub fn csrf_token(server: &Server, cookie: &str) -> String {
    let answer = server.send(&Request::get("/api/session/csrf").cookie(cookie)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().unwrap()["csrf_token"].as_str().unwrap().to_owned()
}

/// The secret part of a session, as it stands in the cookie.
pub fn secret_of(cookie: &str) -> &str {
    cookie.split(';').next().unwrap().split_once(':').unwrap().1
}

/// A body that runs a script with these arguments and this token.
pub fn body_with_token(arguments: &Value, token: &Value) -> Value {
    let mut body = webscripts_testkit::json::run_body(arguments);
    body["csrf_token"] = token.clone();
    body
}
