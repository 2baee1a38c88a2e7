//! `POST /api/scripts/{name}`: runs a script; the answer has the shape existing clients know
//! (http-api.md §5).

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use webscripts_app::run_script::Ended;
use webscripts_domain::catalogue::Script;
use webscripts_domain::description::write_string;
use webscripts_domain::identity::Caller;
use webscripts_domain::output;
use webscripts_domain::run::{RunEnd, Stream};

use super::kept::Kept;
use super::output_text::{Form, Segment, Segments, TextReader};
use super::{body, json};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::problem::Problem;

/// Output up to here is collected in memory.
const COLLECTED_BYTES: u64 = 4 * 1024 * 1024;

/// Runs a script and answers when it has ended, or at once with a key if its output is live.
pub async fn run_script(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let app = &web.app;
    let known = app.find_script(&configuration, &caller, &name);
    let limit = configuration.settings.listen.max_body_bytes;
    let request = body::read_request(&headers, body, limit).await?;
    if known.is_ok_and(|script| script.real_time) {
        let (key, script) = app.start_live(&caller, &name, &request, &facts.context).await?;
        let csrf = app.issue_csrf_token(&caller)?;
        return Ok(json(Reply { key: Some(key), csrf, ..Reply::running(&script) }.to_json()));
    }
    let ended = app.run_script(&caller, &name, &request, &facts.context).await?;
    let csrf = app.issue_csrf_token(&caller)?;
    let printed = ended.end.printed;
    if printed.stdout.saturating_add(printed.stderr) > COLLECTED_BYTES {
        return long_answer(&web, &caller, &ended, csrf).await;
    }
    let collected = app.collect_ended(&ended).await?;
    let reply = Reply { csrf, ..Reply::finished(&ended.script, &ended.end) };
    let reply = Reply {
        stdout: output::decode(&collected.stdout),
        stderr: stderr_text(&collected.stderr, printed.dropped),
        ..reply
    };
    Ok(json(reply.to_json()))
}

/// The answer to a run that printed much: read and written piece by piece.
async fn long_answer(
    web: &Web,
    caller: &Arc<Caller>,
    ended: &Ended,
    csrf: Option<String>,
) -> Result<Response, Problem> {
    let read = |stream| {
        let kept = Kept::new(web, caller, ended.run, ended.end.printed, stream);
        TextReader::open(kept, true, Form::Json)
    };
    let reply = Reply { csrf, ..Reply::finished(&ended.script, &ended.end) };
    let notice = dropped_notice(ended.end.printed.dropped);
    let segments = Segments::new([
        Segment::Literal("{\"stdout\": \"".to_owned()),
        Segment::Text(read(Stream::Stdout).await?),
        Segment::Literal("\", \"stderr\": \"".to_owned()),
        Segment::Text(read(Stream::Stderr).await?.with_notice(notice)),
        Segment::Literal(format!("\"{}", reply.behind_output())),
    ]);
    segments.into_json_response().await
}

/// The answer of the reference.
pub struct Reply<'a> {
    /// `stdout`.
    pub stdout: Cow<'a, str>,
    /// `stderr`.
    pub stderr: Cow<'a, str>,
    /// `code`: `None` while it runs.
    pub code: Option<i32>,
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Stderr-Content-Type`.
    pub stderr_content_type: &'a str,
    /// `error`: `None` at the start of a live run.
    pub error: Option<&'a str>,
    /// `key`, only while a live run goes on.
    pub key: Option<String>,
    /// `csrf`, only for callers that need tokens.
    pub csrf: Option<String>,
}

impl<'a> Reply<'a> {
    /// A live run that has begun.
    pub fn running(script: &'a Script) -> Self {
        Self {
            stdout: "".into(),
            stderr: "".into(),
            code: None,
            content_type: &script.content_type,
            stderr_content_type: &script.stderr_content_type,
            error: None,
            key: None,
            csrf: None,
        }
    }

    /// A run that has ended, without its output.
    pub fn finished(script: &'a Script, end: &RunEnd) -> Self {
        Self {
            code: Some(end.outcome.code()),
            error: Some(end.outcome.error()),
            ..Self::running(script)
        }
    }

    /// JSON text with the keys in the order of the reference.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.stdout.len() + self.stderr.len() + 512);
        out.push_str("{\"stdout\": ");
        write_string(&mut out, &self.stdout);
        out.push_str(", \"stderr\": ");
        write_string(&mut out, &self.stderr);
        out.push_str(&self.behind_output());
        out
    }

    /// What stands behind the output.
    fn behind_output(&self) -> String {
        let mut out = String::from(", \"code\": ");
        let text = |out: &mut String, key: &str, value: &str| {
            out.push_str(", \"");
            out.push_str(key);
            out.push_str("\": ");
            write_string(out, value);
        };
        out.push_str(&self.code.map_or_else(|| "null".to_owned(), |code| code.to_string()));
        text(&mut out, "Content-Type", self.content_type);
        text(&mut out, "Stderr-Content-Type", self.stderr_content_type);
        match self.error {
            Some(error) => text(&mut out, "error", error),
            None => out.push_str(", \"error\": null"),
        }
        if let Some(key) = &self.key {
            text(&mut out, "key", key);
        }
        if let Some(csrf) = &self.csrf {
            text(&mut out, "csrf", csrf);
        }
        out.push('}');
        out
    }
}

/// Standard error, and a line about output that was dropped because there was too much of it
/// (scripts.md §8). It stands here because standard output may be data.
pub fn stderr_text(stderr: &[u8], dropped_bytes: u64) -> Cow<'_, str> {
    let text = output::decode(stderr);
    let Some(notice) = dropped_notice(dropped_bytes) else { return text };
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{line_end}{notice}").into()
}

fn dropped_notice(dropped_bytes: u64) -> Option<String> {
    let notice = "bytes of output were dropped (`run_output_bytes`)";
    (dropped_bytes > 0).then(|| format!("WebScripts: {dropped_bytes} {notice}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_written_as_the_reference_writes_it() {
        let reply = Reply {
            stdout: "é\n".into(),
            stderr: "".into(),
            code: Some(-9),
            content_type: "text/plain",
            stderr_content_type: "text/plain",
            error: Some("TimeoutError"),
            key: None,
            csrf: Some("t".to_owned()),
        };

        assert_eq!(
            reply.to_json(),
            "{\"stdout\": \"\\u00e9\\n\", \"stderr\": \"\", \"code\": -9, \
             \"Content-Type\": \"text/plain\", \"Stderr-Content-Type\": \"text/plain\", \
             \"error\": \"TimeoutError\", \"csrf\": \"t\"}"
        );
    }
}
