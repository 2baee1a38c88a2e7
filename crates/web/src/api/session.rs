//! The caller's own sessions.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use webscripts_domain::identity::Caller;

use super::{body, json as json_answer};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::headers::ClearData;
use crate::problem::Problem;

/// `GET /api/session/`: who the caller is, and until when.
pub async fn session(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let user = caller
        .identity
        .is_signed_in()
        .then(|| json!({ "id": caller.identity.id, "name": caller.identity.name }));
    let expires = match caller.session {
        None => None,
        Some(_) => web
            .app
            .sessions_of(&caller)
            .await?
            .into_iter()
            .find(|view| view.current)
            .map(|view| view.session.expires.to_string()),
    };
    Ok(json_answer(json!({ "user": user, "expires": expires }).to_string()))
}

/// `GET /api/session/csrf`: a new token for pages that stay open.
pub async fn csrf_token(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let token = web.app.issue_csrf_token(&caller)?;
    Ok(json_answer(json!({ "csrf_token": token }).to_string()))
}

/// `GET /api/session/list`: the open sessions of the account.
pub async fn list_sessions(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let sessions: Vec<_> = web
        .app
        .sessions_of(&caller)
        .await?
        .into_iter()
        .map(|view| {
            json!({
                "id": view.id,
                "address": view.session.address.to_string(),
                "opened": view.session.opened.to_string(),
                "expires": view.session.expires.to_string(),
                "current": view.current,
            })
        })
        .collect();
    Ok(json_answer(json!({ "sessions": sessions }).to_string()))
}

/// `POST /api/session/end/{id}`: ends one session of the account.
pub async fn end_session(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    body::redeem_token(&web, &caller, body).await?;
    if !web.app.end_session(&caller, &id).await? {
        return Err(Problem {
            code: "no-such-session",
            message: "Your account has no open session of this name.".to_owned(),
            ..Problem::not_found()
        });
    }
    Ok(ended(&web, &caller, 1)?)
}

/// `POST /api/session/end/`: ends all sessions of the account, this one included.
pub async fn end_all_sessions(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    body: Body,
) -> Result<Response, Problem> {
    body::redeem_token(&web, &caller, body).await?;
    let count = web.app.end_all_sessions(caller.identity.id).await?;
    Ok(ended(&web, &caller, count)?)
}

fn ended(
    web: &Web,
    caller: &Caller,
    count: u64,
) -> Result<Response, webscripts_domain::random::NoRandomness> {
    let token = web.app.issue_csrf_token(caller)?;
    let mut response = json_answer(json!({ "ended": count, "csrf": token }).to_string());
    response.extensions_mut().insert(ClearData::Cache);
    Ok(response)
}
