//! `GET /api/runs/{id}`, and how a run looks in every answer.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use webscripts_app::runs::screen::TaskProgress;
use webscripts_app::runs::{Can, RunView};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{Outcome, RecordedArgument, RecordedValue, StartedVia};

use super::run_id;
use crate::Web;
use crate::api::json;
use crate::caller::WhoCalls;
use crate::problem::Problem;

/// What is known of one run.
pub async fn record(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = web.app.run(&caller, run_id(&id)?).await?;
    Ok(json(to_json(&Record::new(&view, web.app.now()))))
}

/// A run in an answer: also what the viewer may do with it.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Record<'a> {
    id: String,
    script: &'a str,
    label: &'a str,
    script_known: bool,
    state: &'static str,
    arguments: Vec<Argument<'a>>,
    user: User<'a>,
    address: IpAddr,
    started_via: &'static str,
    again_of: Option<String>,
    created: String,
    started: Option<String>,
    ended: Option<String>,
    duration_ms: Option<u64>,
    timeout_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usual_duration_ms: Option<u64>,
    exit_code: Option<i32>,
    signal: Option<Signal>,
    reason: Option<&'a str>,
    cpu_ms: Option<u64>,
    peak_memory_bytes: Option<u64>,
    stdout_bytes: u64,
    stderr_bytes: u64,
    dropped_bytes: u64,
    output_expired: bool,
    next_sequence: u64,
    progress: Option<Progress>,
    queue_position: Option<usize>,
    terminal: bool,
    interactive: bool,
    content_type: &'a str,
    stderr_content_type: &'a str,
    can: Rights,
}

#[derive(Debug, Serialize)]
struct Argument<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Recorded<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    secret: bool,
    input: bool,
    #[serde(skip_serializing_if = "is_false")]
    cut: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Recorded<'a> {
    /// As the client sent it, in its digits.
    Json(&'a RawValue),
    /// The same in one line.
    OneLine(serde_json::Value),
    /// Text that is no JSON any more because it was cut.
    Text(&'a str),
}

#[derive(Debug, Serialize)]
struct User<'a> {
    id: i64,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Signal {
    number: i32,
    name: String,
}

/// Progress in an answer.
#[derive(Debug, Serialize)]
pub struct Progress {
    state: &'static str,
    percent: Option<u8>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
struct Rights {
    stop: bool,
    delete: bool,
    again: bool,
    input: bool,
}

impl<'a> Record<'a> {
    /// What the viewer is told of a run at `now`.
    pub fn new(view: &'a RunView, now: Timestamp) -> Self {
        let RunView { record, printed, queue_position, script, can, outlook } = view;
        let plain = "text/plain";
        let kinds = script.as_ref().map_or((plain, plain), |script| {
            (script.content_type.as_str(), script.stderr_content_type.as_str())
        });
        let label = script.as_ref().and_then(|script| script.label.as_deref());
        let outcome = record.end.map(|end| end.outcome);
        Self {
            id: record.id.to_string(),
            script: &record.script,
            label: label.unwrap_or(&record.script),
            script_known: can.open_script,
            state: record.state.name(),
            arguments: record.arguments.iter().map(argument).collect(),
            user: User { id: record.user.0, name: &record.user_name },
            address: record.address,
            started_via: match record.via {
                StartedVia::Page => "page",
                StartedVia::Api => "api",
                StartedVia::Again(_) => "again",
            },
            again_of: match record.via {
                StartedVia::Again(other) => Some(other.to_string()),
                StartedVia::Page | StartedVia::Api => None,
            },
            created: time(record.created),
            started: record.started.map(time),
            ended: record.ended.map(time),
            duration_ms: duration(view, now).map(milliseconds),
            timeout_s: outlook.timeout.map(|timeout| timeout.as_secs()),
            usual_duration_ms: outlook.usual.map(milliseconds),
            exit_code: match outcome {
                Some(Outcome::Exited(code)) => Some(code),
                _ => None,
            },
            signal: match outcome {
                Some(Outcome::Signalled(number)) => Some(signal(number)),
                _ => None,
            },
            reason: record.reason.as_deref(),
            cpu_ms: record.end.map(|end| milliseconds(end.usage.cpu)),
            peak_memory_bytes: record.end.map(|end| end.usage.peak_memory),
            stdout_bytes: printed.stdout,
            stderr_bytes: printed.stderr,
            dropped_bytes: printed.dropped,
            output_expired: record.output_expired,
            next_sequence: outlook.chunks,
            progress: outlook.progress.map(Progress::from),
            queue_position: *queue_position,
            terminal: record.terminal.is_some(),
            interactive: record.terminal.is_some()
                || script.as_ref().is_some_and(|script| script.runs.interactive),
            content_type: kinds.0,
            stderr_content_type: kinds.1,
            can: Rights::from(*can),
        }
    }
}

/// How long it took, or has taken up to now.
fn duration(view: &RunView, now: Timestamp) -> Option<Duration> {
    let record = &view.record;
    if let Some(end) = record.end {
        return Some(end.took);
    }
    let since = record.ended.unwrap_or(now).duration_since(record.started?);
    Some(Duration::try_from(since).unwrap_or_default())
}

impl From<TaskProgress> for Progress {
    fn from(progress: TaskProgress) -> Self {
        Self { state: progress.state.name(), percent: progress.percent }
    }
}

impl From<Can> for Rights {
    fn from(Can { stop, delete, again, input, open_script: _ }: Can) -> Self {
        Self { stop, delete, again, input }
    }
}

fn argument(argument: &RecordedArgument) -> Argument<'_> {
    let value = match &argument.value {
        RecordedValue::Secret => None,
        RecordedValue::Json(text) => Some(recorded(text)),
    };
    Argument {
        name: &argument.name,
        secret: value.is_none(),
        value,
        input: argument.input,
        cut: argument.cut,
    }
}

/// The value as it was sent, unless it would break the line of an event.
fn recorded(text: &str) -> Recorded<'_> {
    let read = if text.contains(['\n', '\r']) {
        serde_json::from_str(text).map(Recorded::OneLine)
    } else {
        serde_json::from_str(text).map(Recorded::Json)
    };
    read.unwrap_or(Recorded::Text(text))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// RFC 3339 in UTC, to the millisecond.
pub fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signal(number: i32) -> Signal {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let name = at.and_then(|at| NAMES.get(at));
    Signal { number, name: name.map_or_else(|| number.to_string(), |name| format!("SIG{name}")) }
}

/// JSON text of a value whose keys are all texts.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written");
        "null".to_owned()
    })
}

/// The answer to a request that starts a run or changes one.
#[derive(Debug, Default, Serialize)]
pub struct Answer<'a> {
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Record<'a>>,
    /// Whether an earlier request with the same idempotency key started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated: Option<bool>,
    /// The next token, for callers that need one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

impl Answer<'_> {
    /// JSON text.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl IntoResponse for Answer<'_> {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        (kind, self.to_json()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        let name = |number| signal(number).name;
        assert_eq!(
            [name(1), name(9), name(15), name(31)],
            ["SIGHUP", "SIGKILL", "SIGTERM", "SIGSYS"]
        );
        assert_eq!([name(0), name(-1), name(40)], ["0", "-1", "40"]);
    }

    #[test]
    fn recorded_values_are_told_as_they_were_sent() {
        let of = |value: &str, cut| {
            let value = RecordedValue::Json(value.to_owned());
            to_json(&argument(&RecordedArgument { name: "a".to_owned(), value, input: true, cut }))
        };

        assert_eq!(of("1.50", false), r#"{"name":"a","value":1.50,"input":true}"#);
        assert_eq!(of("[1,\n2]", false), r#"{"name":"a","value":[1,2],"input":true}"#);
        assert_eq!(of("\"abc", true), r#"{"name":"a","value":"\"abc","input":true,"cut":true}"#);
        let secret = RecordedArgument {
            name: "a".to_owned(),
            value: RecordedValue::Secret,
            input: false,
            cut: false,
        };
        assert_eq!(to_json(&argument(&secret)), r#"{"name":"a","secret":true,"input":false}"#);
    }
}
