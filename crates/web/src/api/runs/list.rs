//! `GET /api/runs/`: the runs the caller may see, newest first, page by page.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use webscripts_app::runs::history::{MAX_PAGE, RunQuery};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{RunId, RunState};

use super::record::{Record, to_json};
use crate::Web;
use crate::api::json;
use crate::api::query::Query;
use crate::caller::WhoCalls;
use crate::edge::Facts;
use crate::problem::Problem;

/// Runs of one page if the client does not say.
const LIMIT: u64 = 50;

const NAMES: [&str; 9] = ["state", "script", "user", "q", "from", "to", "mine", "limit", "cursor"];

#[derive(Serialize)]
struct Page<'a> {
    runs: Vec<Record<'a>>,
    next: Option<String>,
}

/// Lists runs.
pub async fn list(
    State(web): State<Web>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let query = read(&Query::read(&facts, &NAMES)?)?;
    let page = web.app.list_runs(&caller, &query).await?;
    let now = web.app.now();
    let runs = page.runs.iter().map(|view| Record::new(view, now)).collect();
    Ok(json(to_json(&Page { runs, next: page.next.map(|id| id.to_string()) })))
}

fn read(query: &Query) -> Result<RunQuery, Problem> {
    let time = |name| {
        query.parsed(name, "must be a time such as 2026-11-25T08:00:00Z", |text| {
            text.parse::<Timestamp>().ok()
        })
    };
    let states = query.parsed("state", "must be words of states", |text| {
        text.split(',').map(|word| RunState::parse(word.trim())).collect()
    })?;
    let limit = query.number("limit")?.unwrap_or(LIMIT).clamp(1, MAX_PAGE.into());
    let text = |name| query.text(name).map(str::to_owned);
    Ok(RunQuery {
        states: states.unwrap_or_default(),
        script: text("script"),
        user: text("user"),
        text: text("q"),
        from: time("from")?,
        to: time("to")?,
        mine: query.flag("mine")?,
        limit: u32::try_from(limit).unwrap_or(MAX_PAGE),
        cursor: query.parsed("cursor", "must be `next` of the page before", RunId::parse)?,
    })
}
