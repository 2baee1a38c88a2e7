//! `POST /api/runs/{id}/…`: stop, kill, input, close input, resize, again, delete. Each answers the
//! run as it is then, and the next token.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Path, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use webscripts_app::run_script::RunError;
use webscripts_app::runs::RunView;
use webscripts_app::runs::control::MAX_INPUT_BYTES;
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::RunId;

use super::record::{Answer, Record};
use super::run_id;
use crate::Web;
use crate::api::body;
use crate::caller::WhoCalls;
use crate::edge::Facts;
use crate::problem::Problem;

/// Longest body: every byte of the input may be written as an escape of six.
const MAX_BODY: usize = MAX_INPUT_BYTES * 6 + 4096;

/// A request with a token against requests of other sites.
pub trait WithToken: DeserializeOwned {
    /// The token, if one was sent.
    fn token(&self) -> Option<&str>;
}

/// The body of a request that says nothing more than its address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bare {
    csrf_token: Option<String>,
}

/// The body of a request that writes to standard input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    csrf_token: Option<String>,
    text: Option<String>,
}

/// The body of a request that gives a terminal another size.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    csrf_token: Option<String>,
    columns: Option<u16>,
    rows: Option<u16>,
}

impl WithToken for Bare {
    fn token(&self) -> Option<&str> {
        self.csrf_token.as_deref()
    }
}

impl WithToken for Input {
    fn token(&self) -> Option<&str> {
        self.csrf_token.as_deref()
    }
}

impl WithToken for Resize {
    fn token(&self) -> Option<&str> {
        self.csrf_token.as_deref()
    }
}

/// A request to do something with a run: its body is read and its token used up. The last parameter
/// of every handler here.
pub struct Asked<T> {
    web: Web,
    facts: Arc<Facts>,
    caller: Arc<Caller>,
    run: RunId,
    body: T,
}

impl<T: WithToken> FromRequest<Web> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let WhoCalls(caller) = WhoCalls::from_request_parts(&mut parts, web).await?;
        // Only a route outside the table has no facts, or no identifier.
        let facts = parts.extensions.get::<Arc<Facts>>().cloned();
        let facts = facts.ok_or_else(Problem::not_found)?;
        let id = Path::<String>::from_request_parts(&mut parts, web).await;
        let Path(id) = id.map_err(|_| Problem::not_found())?;
        let body: T = body::read_strict(&parts.headers, body, MAX_BODY).await?;
        // The token is used up even if there is no such run: it has been seen.
        if !web.app.redeem_csrf_token(&caller, body.token()) {
            return Err(RunError::CsrfToken.into());
        }
        Ok(Self { run: run_id(&id)?, web: web.clone(), facts, caller, body })
    }
}

impl<T> Asked<T> {
    fn answer(&self, view: &RunView) -> Result<Response, Problem> {
        let run = Some(Record::new(view, self.web.app.now()));
        Ok(Answer { run, repeated: None, csrf: self.csrf()? }.into_response())
    }

    fn csrf(&self) -> Result<Option<String>, Problem> {
        Ok(self.web.app.issue_csrf_token(&self.caller)?)
    }
}

/// Asks a run and everything it started to end.
pub async fn stop(asked: Asked<Bare>) -> Result<Response, Problem> {
    asked.answer(&asked.web.app.stop_run(&asked.caller, asked.run).await?)
}

/// Ends a run and everything it started at once.
pub async fn kill(asked: Asked<Bare>) -> Result<Response, Problem> {
    asked.answer(&asked.web.app.kill_run(&asked.caller, asked.run).await?)
}

/// Writes `text` to standard input.
pub async fn input(asked: Asked<Input>) -> Result<Response, Problem> {
    let text = asked.body.text.as_deref().ok_or_else(|| missing("text"))?;
    asked.answer(&asked.web.app.write_input(&asked.caller, asked.run, text.as_bytes()).await?)
}

/// Closes standard input.
pub async fn close_input(asked: Asked<Bare>) -> Result<Response, Problem> {
    asked.answer(&asked.web.app.close_input(&asked.caller, asked.run).await?)
}

/// Gives the terminal another size.
pub async fn resize(asked: Asked<Resize>) -> Result<Response, Problem> {
    let columns = asked.body.columns.ok_or_else(|| missing("columns"))?;
    let rows = asked.body.rows.ok_or_else(|| missing("rows"))?;
    let size = checked_size(columns, rows)?;
    asked.answer(&asked.web.app.resize_run(&asked.caller, asked.run, size).await?)
}

/// Starts the script with the same arguments once more; answers the new run.
pub async fn again(asked: Asked<Bare>) -> Result<Response, Problem> {
    let facts = &asked.facts;
    let started = asked.web.app.run_again(&asked.caller, asked.run, &facts.context).await?;
    let mut response = asked.answer(&started.view)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    let location = format!("{}api/runs/{}", facts.base(), started.view.record.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Deletes a run with its output and files.
pub async fn delete(asked: Asked<Bare>) -> Result<Response, Problem> {
    asked.web.app.delete_run(&asked.caller, asked.run).await?;
    Ok(Answer { csrf: asked.csrf()?, ..Answer::default() }.into_response())
}

/// A size that terminals have.
pub fn checked_size(columns: u16, rows: u16) -> Result<TerminalSize, Problem> {
    let must = |name: &str| (name.to_owned(), "must be between 1 and 1000".to_owned());
    let fields: Vec<_> = [("columns", columns), ("rows", rows)]
        .into_iter()
        .filter(|(_, size)| !(1..=1000).contains(size))
        .map(|(name, _)| must(name))
        .collect();
    if fields.is_empty() {
        return Ok(TerminalSize { columns, rows });
    }
    let message = "A terminal has 1 to 1000 columns and rows.";
    Err(Problem { fields, ..Problem::new(StatusCode::BAD_REQUEST, "terminal-size", message) })
}

fn missing(name: &str) -> Problem {
    let fields = vec![(name.to_owned(), "must be given".to_owned())];
    let message = format!("`{name}` must be given.");
    Problem { fields, ..Problem::new(StatusCode::BAD_REQUEST, "body", message) }
}
