//! `POST /api/scripts/{name}`: runs a script; the answer has the shape existing clients know
//! (http-api.md §5).

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use webscripts_domain::catalogue::Script;
use webscripts_domain::description::write_string;
use webscripts_domain::output;

use super::{body, json};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::problem::Problem;

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
    let finished = app.run_script(&caller, &name, &request, &facts.context).await?;
    let csrf = app.issue_csrf_token(&caller)?;
    let reply = Reply::finished(&finished.script, &finished.collected);
    Ok(json(Reply { csrf, ..reply }.to_json()))
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

    /// A run that has ended.
    pub fn finished(
        script: &'a Script,
        collected: &'a webscripts_app::run_script::Collected,
    ) -> Self {
        Self {
            stdout: output::decode(&collected.stdout),
            stderr: stderr_text(&collected.stderr, collected.end.printed.dropped),
            code: Some(collected.end.outcome.code()),
            error: Some(collected.end.outcome.error()),
            ..Self::running(script)
        }
    }

    /// JSON text with the keys in the order of the reference.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.stdout.len() + self.stderr.len() + 512);
        let text = |out: &mut String, key: &str, value: &str| {
            out.push_str(if out.is_empty() { "{" } else { ", " });
            write_string(out, key);
            out.push_str(": ");
            write_string(out, value);
        };
        text(&mut out, "stdout", &self.stdout);
        text(&mut out, "stderr", &self.stderr);
        out.push_str(", \"code\": ");
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
    if dropped_bytes == 0 {
        return text;
    }
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let notice = "bytes of output were dropped (`run_output_bytes`)";
    format!("{text}{line_end}WebScripts: {dropped_bytes} {notice}\n").into()
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
