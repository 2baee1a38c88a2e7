//! Output of a running script, line by line (http-api.md §5).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use webscripts_domain::output;

use super::run::{Reply, stderr_text};
use super::{body, json};
use crate::Web;
use crate::caller::WhoCalls;
use crate::problem::Problem;

/// `GET /api/script/get/{key}`: the next line; the rest and the end once the script has ended.
pub async fn fetch_live(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let (piece, script) = web.app.fetch_live(&caller, &key).await?;
    let ended = piece.end.map(|end| end.outcome);
    let dropped_bytes = piece.end.map_or(0, |end| end.printed.dropped);
    let reply = Reply {
        stdout: output::decode(&piece.stdout),
        stderr: stderr_text(&piece.stderr, dropped_bytes),
        code: ended.map(webscripts_domain::run::Outcome::code),
        error: Some(ended.map_or("", webscripts_domain::run::Outcome::error)),
        key: ended.is_none().then_some(key),
        ..Reply::running(&script)
    };
    Ok(json(reply.to_json()))
}

/// `POST /api/script/stop/{key}`: ends the script and everything it started.
pub async fn stop_live(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(key): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    body::redeem_token(&web, &caller, body).await?;
    web.app.stop_live(&caller, &key).await?;
    let mut out = String::from("{\"stopped\": true");
    if let Some(token) = web.app.issue_csrf_token(&caller)? {
        out.push_str(", \"csrf\": ");
        webscripts_domain::description::write_string(&mut out, &token);
    }
    out.push('}');
    Ok(json(out))
}
