//! `POST /api/runs/{id}/…`: stop, kill, input, close input, resize, again, delete. Each answers the
//! run as it is then, and the next token.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
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
trait WithToken: DeserializeOwned {
    fn token(&self) -> Option<&str>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bare {
    csrf_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    csrf_token: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resize {
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

/// A request to do something with a run, its token used up.
struct Asked<T> {
    web: Web,
    caller: Arc<Caller>,
    run: RunId,
    body: T,
}

impl<T: WithToken> Asked<T> {
    async fn read(
        (State(web), WhoCalls(caller), Path(id)): (State<Web>, WhoCalls, Path<String>),
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Problem> {
        let body: T = body::read_strict(headers, body, MAX_BODY).await?;
        if !web.app.redeem_csrf_token(&caller, body.token()) {
            return Err(RunError::CsrfToken.into());
        }
        Ok(Self { run: run_id(&id)?, web, caller, body })
    }

    fn answer(&self, view: &RunView) -> Result<Response, Problem> {
        let run = Some(Record::new(view, self.web.app.now()));
        Ok(Answer { run, repeated: None, csrf: self.csrf()? }.into_response())
    }

    fn csrf(&self) -> Result<Option<String>, Problem> {
        Ok(self.web.app.issue_csrf_token(&self.caller)?)
    }
}

/// Asks a run and everything it started to end.
pub async fn stop(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Bare>::read((state, who, id), &headers, body).await?;
    asked.answer(&asked.web.app.stop_run(&asked.caller, asked.run).await?)
}

/// Ends a run and everything it started at once.
pub async fn kill(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Bare>::read((state, who, id), &headers, body).await?;
    asked.answer(&asked.web.app.kill_run(&asked.caller, asked.run).await?)
}

/// Writes `text` to standard input.
pub async fn input(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Input>::read((state, who, id), &headers, body).await?;
    let text = asked.body.text.as_deref().ok_or_else(|| missing("text"))?;
    asked.answer(&asked.web.app.write_input(&asked.caller, asked.run, text.as_bytes()).await?)
}

/// Closes standard input.
pub async fn close_input(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Bare>::read((state, who, id), &headers, body).await?;
    asked.answer(&asked.web.app.close_input(&asked.caller, asked.run).await?)
}

/// Gives the terminal another size.
pub async fn resize(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Resize>::read((state, who, id), &headers, body).await?;
    let columns = asked.body.columns.ok_or_else(|| missing("columns"))?;
    let rows = asked.body.rows.ok_or_else(|| missing("rows"))?;
    let size = checked_size(columns, rows)?;
    asked.answer(&asked.web.app.resize_run(&asked.caller, asked.run, size).await?)
}

/// Starts the script with the same arguments once more; answers the new run.
pub async fn again(
    state: State<Web>,
    Extension(facts): Extension<Arc<Facts>>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Bare>::read((state, who, id), &headers, body).await?;
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
pub async fn delete(
    state: State<Web>,
    who: WhoCalls,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = Asked::<Bare>::read((state, who, id), &headers, body).await?;
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
