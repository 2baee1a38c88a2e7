//! `GET /api/runs/{id}/poll`: the event stream for clients behind proxies that hold streams back,
//! and `GET /api/runs/{id}/screen`: what a terminal shows.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use webscripts_app::runs::follow::{Follow, Poll};

use super::event::{EventData, screen_json};
use super::record::{Record, to_json};
use super::run_id;
use crate::Web;
use crate::api::json;
use crate::api::query::Query;
use crate::caller::WhoCalls;
use crate::edge::Facts;
use crate::problem::Problem;

/// How long a poll waits if it does not say.
const WAIT_S: u64 = 20;
/// How long a poll waits at most.
const MOST_WAIT_S: u64 = 30;

/// What has happened since `from`; waits for something to happen.
pub async fn poll(
    State(web): State<Web>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let query = Query::read(&facts, &["from", "wait", "rendered"])?;
    let from = query.number("from")?.unwrap_or_default();
    let how = Follow { from, rendered: query.flag("rendered")? };
    let wait = Duration::from_secs(query.number("wait")?.unwrap_or(WAIT_S).min(MOST_WAIT_S));
    let poll = tokio::select! {
        poll = web.app.poll(&caller, id, how, wait) => poll?,
        // A server that stops lets nobody wait.
        () = web.stop.cancelled() => web.app.poll(&caller, id, how, Duration::ZERO).await?,
    };
    let Poll { view, events, next } = poll;
    let now = web.app.now();
    let mut out = format!("{{\"run\":{},\"events\":[", to_json(&Record::new(&view, now)));
    for (position, event) in events.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        EventData::new(event, now).write_tagged(&mut out);
    }
    out.push_str("],\"next\":");
    out.push_str(&next.to_string());
    out.push('}');
    Ok(json(out))
}

/// The whole screen; an empty object for runs without a terminal.
pub async fn screen(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let screen = web.app.screen(&caller, run_id(&id)?).await?;
    Ok(json(screen.map_or_else(|| "{}".to_owned(), |screen| screen_json(&screen))))
}
