//! `POST /api/runs/`: starts a script. The client chooses what it wants to hear: the identifier of
//! the run, its result, or everything as it happens.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use webscripts_app::run_script::RunError;
use webscripts_app::runs::follow::Follow;
use webscripts_app::runs::start::{StartRun, StartedRun};
use webscripts_domain::identity::{Caller, Credential};
use webscripts_domain::invocation::{TerminalSize, Wishes};
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{StartedVia, Stream};

use super::record::{Answer, Record};
use super::{control, events};
use crate::Web;
use crate::api::body;
use crate::api::kept::Kept;
use crate::api::output_text::{Form, Segment, Segments, TextReader};
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::problem::Problem;

/// What a client wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The identifier, at once.
    Id,
    /// The end with the output; if it does not come in time, the identifier.
    Result(Option<Duration>),
    /// Everything as it happens.
    Stream,
}

/// The members of a body. Others are refused: nobody chooses the user or the state of a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    script: Option<String>,
    arguments: Option<Arguments>,
    answer: Option<Word>,
    terminal: Option<TerminalMembers>,
    csrf_token: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Word {
    Id,
    Result,
    Stream,
}

/// Columns and rows of a terminal.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct TerminalMembers {
    columns: u16,
    rows: u16,
}

/// Arguments of which only the shape is looked at here; [`RunRequest::parse`] reads them.
struct Arguments;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentMembers {
    #[serde(rename = "value")]
    _value: IgnoredAny,
    #[serde(rename = "input")]
    _input: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ArgumentsVisitor)
    }
}

struct ArgumentsVisitor;

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = Arguments;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object with the arguments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arguments, A::Error> {
        while map.next_entry::<IgnoredAny, ArgumentMembers>()?.is_some() {}
        Ok(Arguments)
    }
}

/// A request to start a run, as far as it can be checked without knowing the script.
struct Order {
    script: String,
    request: RunRequest,
    key: Option<String>,
    wishes: Wishes,
    wanted: Wanted,
}

impl Order {
    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Problem> {
        let members: Members = body::parse_strict(bytes)?;
        let request = match members.arguments {
            Some(Arguments) => RunRequest::parse(bytes).map_err(unusable)?,
            None => RunRequest { csrf_token: members.csrf_token, ..RunRequest::default() },
        };
        let missing = || {
            let fields = vec![("script".to_owned(), "must be given".to_owned())];
            let message = "`script` must be given: the name of the script.";
            Problem { fields, ..Problem::new(StatusCode::BAD_REQUEST, "body", message) }
        };
        Ok(Self {
            script: members.script.ok_or_else(missing)?,
            request,
            key: idempotency_key(headers, members.idempotency_key)?,
            wishes: Wishes { terminal: members.terminal.map(terminal_size).transpose()? },
            wanted: members.answer.map_or_else(|| wanted_by_headers(headers), Wanted::from),
        })
    }
}

impl From<Word> for Wanted {
    fn from(word: Word) -> Self {
        match word {
            Word::Id => Self::Id,
            Word::Result => Self::Result(None),
            Word::Stream => Self::Stream,
        }
    }
}

/// Everything that is wrong with the arguments of this address is 400; 406 is for those that
/// existing clients know.
fn unusable(error: webscripts_domain::request::BodyError) -> Problem {
    let problem = Problem::from(error);
    let is_406 = problem.status == StatusCode::NOT_ACCEPTABLE;
    Problem { status: if is_406 { StatusCode::BAD_REQUEST } else { problem.status }, ..problem }
}

fn terminal_size(members: TerminalMembers) -> Result<TerminalSize, Problem> {
    let TerminalMembers { columns, rows } = members;
    control::checked_size(columns, rows)
}

/// The key of the header `Idempotency-Key` or of the member; of both only if they agree.
fn idempotency_key(headers: &HeaderMap, member: Option<String>) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all("idempotency-key").iter();
    let (first, others) = (lines.next(), lines.next());
    let Some(line) = first else { return Ok(member) };
    let header = line.to_str().map_err(|_| Problem::from(RunError::InvalidKey))?;
    if others.is_some() || member.is_some_and(|member| member != header) {
        return Err(RunError::InvalidKey.into());
    }
    Ok(Some(header.to_owned()))
}

/// `Accept: text/event-stream`, then `Prefer: respond-async` and `Prefer: wait=N` (RFC 7240).
fn wanted_by_headers(headers: &HeaderMap) -> Wanted {
    let words = |name: HeaderName| {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split([',', ';'])).map(str::trim).collect::<Vec<_>>()
    };
    if words(header::ACCEPT).contains(&"text/event-stream") {
        return Wanted::Stream;
    }
    let preferences = words(HeaderName::from_static("prefer"));
    if preferences.contains(&"respond-async") {
        return Wanted::Id;
    }
    let wait = preferences.iter().find_map(|word| word.strip_prefix("wait=")?.trim().parse().ok());
    wait.map_or(Wanted::Id, |seconds: u32| {
        Wanted::Result(Some(Duration::from_secs(seconds.into())))
    })
}

/// Starts a script, or answers the run that an earlier request with the same key started.
pub async fn start(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = body::read(body, configuration.settings.listen.max_body_bytes).await?;
    body::require_json(&headers)?;
    let order = Order::read(&headers, &bytes)?;
    drop(bytes);
    let watching = match order.wanted {
        Wanted::Stream => Some(web.streams.enter(&caller)?),
        Wanted::Id | Wanted::Result(_) => None,
    };
    let from_page = caller.credential == Credential::SessionCookie;
    let started = web
        .app
        .start_run(
            &caller,
            StartRun {
                script: &order.script,
                request: &order.request,
                context: &facts.context,
                via: if from_page { StartedVia::Page } else { StartedVia::Api },
                idempotency_key: order.key.as_deref(),
                wishes: order.wishes,
            },
        )
        .await?;
    let wanted = order.wanted;
    let location = format!("{}api/runs/{}", facts.base(), started.view.record.id);
    let mut response = match (wanted, watching) {
        (Wanted::Stream, Some(place)) => {
            let id = started.view.record.id;
            let follower = web.app.follow(&caller, id, Follow::default()).await?;
            events::stream(web, follower, place)
        }
        (Wanted::Result(patience), _) => result(&web, &caller, started, patience).await?,
        (Wanted::Id | Wanted::Stream, _) => accepted(&web, &caller, &started)?,
    };
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// 202 with what is known of the run.
fn accepted(web: &Web, caller: &Caller, started: &StartedRun) -> Result<Response, Problem> {
    let text = Answer {
        run: Some(Record::new(&started.view, web.app.now())),
        repeated: Some(started.repeated),
        csrf: web.app.issue_csrf_token(caller)?,
    };
    Ok((StatusCode::ACCEPTED, text.into_response()).into_response())
}

/// Waits for the end and answers it with the output; when the client's patience ends before, 202.
async fn result(
    web: &Web,
    caller: &Arc<Caller>,
    started: StartedRun,
    patience: Option<Duration>,
) -> Result<Response, Problem> {
    let id = started.view.record.id;
    let end = web.app.wait_for_run(caller, id);
    let view = match patience {
        None => end.await?,
        Some(patience) => match tokio::time::timeout(patience, end).await {
            Ok(view) => view?,
            Err(_) => return accepted(web, caller, &started),
        },
    };
    let mut head = Answer {
        run: Some(Record::new(&view, web.app.now())),
        repeated: Some(started.repeated),
        csrf: web.app.issue_csrf_token(caller)?,
    }
    .to_json();
    // The two texts come behind the members that are short.
    head.pop();
    head.push_str(",\"stdout\":\"");
    let read = |stream| {
        let kept = Kept::new(web, caller, id, view.printed, stream);
        TextReader::open(kept, true, Form::Json)
    };
    let segments = Segments::new([
        Segment::Literal(head),
        Segment::Text(read(Stream::Stdout).await?),
        Segment::Literal("\",\"stderr\":\"".to_owned()),
        Segment::Text(read(Stream::Stderr).await?),
        Segment::Literal("\"}".to_owned()),
    ]);
    segments.into_json_response().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)], body: &str) -> Result<Order, Problem> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Order::read(&headers, body.as_bytes())
    }

    #[test]
    fn an_order_names_a_script_its_arguments_and_what_the_client_wants_to_hear() {
        let body = r#"{"script":"a.py","arguments":{"--x":{"value":[1,"b"],"input":true}},
            "answer":"result","terminal":{"columns":100,"rows":30},"csrf_token":"t",
            "idempotency_key":"k"}"#;
        let order = read(&[], body).unwrap();

        assert_eq!((order.script.as_str(), order.key.as_deref()), ("a.py", Some("k")));
        assert_eq!(order.wanted, Wanted::Result(None));
        assert_eq!(order.wishes.terminal, Some(TerminalSize { columns: 100, rows: 30 }));
        assert_eq!(order.request.csrf_token.as_deref(), Some("t"));
        assert_eq!(order.request.arguments.len(), 1);
        let without = read(&[], r#"{"script":"a.py","csrf_token":"t"}"#).unwrap();
        assert_eq!(without.request.csrf_token.as_deref(), Some("t"));
        assert_eq!((without.wanted, without.request.arguments.len()), (Wanted::Id, 0));
    }

    #[test]
    fn attack_29_members_that_nobody_knows_are_refused() {
        for (body, name) in [
            (r#"{"script":"a","user":"Admin"}"#, "user"),
            (r#"{"script":"a","state":"succeeded"}"#, "state"),
            (r#"{"script":"a","owner":2}"#, "owner"),
            (r#"{"script":"a","exit_code":0}"#, "exit_code"),
            (r#"{"script":"a","arguments":{"x":{"value":1,"role":1}}}"#, "role"),
            (r#"{"script":"a","terminal":{"columns":1,"rows":1,"user":1}}"#, "user"),
        ] {
            let problem = read(&[], body).err().unwrap();
            assert_eq!(problem.status, 400, "{body}");
            assert_eq!(problem.fields, [(name.to_owned(), "is not known here".to_owned())]);
        }
    }

    #[test]
    fn what_is_no_order_is_refused_with_400() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            r#"{"arguments":{}}"#,
            r#"{"script":1}"#,
            r#"{"script":"a","script":"b"}"#,
            r#"{"script":"a","arguments":[]}"#,
            r#"{"script":"a","arguments":{"x":1}}"#,
            r#"{"script":"a","arguments":{"x":{"value":1},"x":{"value":2}}}"#,
            r#"{"script":"a","arguments":{"x":{"value":{"y":1}}}}"#,
            r#"{"script":"a","answer":"all"}"#,
            r#"{"script":"a","terminal":{"columns":0,"rows":1}}"#,
            r#"{"script":"a","terminal":{"columns":1001,"rows":1}}"#,
        ] {
            assert_eq!(
                read(&[], body).err().map(|problem| problem.status.as_u16()),
                Some(400),
                "{body}"
            );
        }
    }

    #[test]
    fn headers_say_what_the_client_wants_when_the_body_does_not() {
        let wanted = |headers: &[(&'static str, &'static str)]| {
            read(headers, r#"{"script":"a"}"#).unwrap().wanted
        };
        let three = Some(Duration::from_secs(3));

        assert_eq!(wanted(&[]), Wanted::Id);
        assert_eq!(wanted(&[("accept", "text/event-stream")]), Wanted::Stream);
        assert_eq!(wanted(&[("prefer", "wait=3")]), Wanted::Result(three));
        assert_eq!(wanted(&[("prefer", "respond-async, wait=3")]), Wanted::Id);
        let both = read(&[("accept", "text/event-stream")], r#"{"script":"a","answer":"id"}"#);
        assert_eq!(both.unwrap().wanted, Wanted::Id);
    }

    #[test]
    fn the_key_of_header_and_body_must_agree() {
        let key = |headers: &[(&'static str, &'static str)], body| {
            read(headers, body).map(|order| order.key).map_err(|problem| problem.code)
        };
        let with_member = r#"{"script":"a","idempotency_key":"k"}"#;

        assert_eq!(key(&[("idempotency-key", "k")], r#"{"script":"a"}"#), Ok(Some("k".to_owned())));
        assert_eq!(key(&[("idempotency-key", "k")], with_member), Ok(Some("k".to_owned())));
        assert_eq!(key(&[("idempotency-key", "x")], with_member), Err("idempotency-key"));
    }
}
