//! `POST /auth/` and `POST /web/auth/logout`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::SecretString;
use webscripts_app::authenticator::Proof;
use webscripts_domain::number::argument_text;
use webscripts_domain::request::{RunRequest, Value};
use webscripts_domain::session::{SessionClaim, remove_cookie};

use super::{body, json};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::headers::ClearData;
use crate::edge::{Facts, InForce};
use crate::problem::Problem;

/// Longest body of a sign-in.
const MAX_BODY: usize = 16 * 1024;

/// Signs in: 302 without `Location` and with a cookie, as existing clients need it. A refusal is a
/// cookie of user 0 that is stored nowhere (client.md).
pub async fn sign_in(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !configuration.settings.access.active_auth {
        return Err(Problem::forbidden("Sign-in is switched off."));
    }
    let request = body::read_request(&headers, body, MAX_BODY).await?;
    let proof = if configuration.settings.access.auth_script.is_some() {
        script_proof(request)
    } else {
        built_in_proof(&request)?
    };
    let max_age = u64::from(configuration.settings.access.session_max_time_s);
    match web.app.sign_in(&proof, caller.address, &facts.context).await? {
        Some(signed_in) => {
            // A browser that changes its user leaves no session behind.
            if caller.session.is_some() && caller.identity.id != signed_in.identity.id {
                web.app.sign_out(&caller).await?;
            }
            Ok(answer(&signed_in.claim, max_age))
        }
        None => Ok(answer(&web.app.refusal_claim()?, max_age)),
    }
}

fn answer(claim: &SessionClaim, max_age: u64) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(mut cookie) = HeaderValue::from_str(&claim.set_cookie(max_age)) {
        cookie.set_sensitive(true);
        headers.insert(header::SET_COOKIE, cookie);
    }
    response.extensions_mut().insert(ClearData::Cache);
    response
}

/// The arguments an authentication script of the administrator asks for.
fn script_proof(request: RunRequest) -> Proof {
    let text = |name: &str| match request.arguments.iter().find(|a| a.name == name) {
        Some(argument) => match &argument.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        },
        None => None,
    };
    match (request.arguments.len(), text("--username"), text("--password")) {
        (2, Some(name), Some(password)) if !name.is_empty() && !password.is_empty() => {
            Proof::Password { name, password: SecretString::from(password) }
        }
        _ => Proof::Arguments(request),
    }
}

/// `--username` and `--password`, or `--api-key`; the short names of the reference are accepted.
fn built_in_proof(request: &RunRequest) -> Result<Proof, Problem> {
    let mut name = None;
    let mut password = None;
    let mut key = None;
    let mut fields = Vec::new();
    for argument in &request.arguments {
        let place = match argument.name.as_str() {
            "--username" | "-u" => &mut name,
            "--password" | "-p" => &mut password,
            "--api-key" | "-a" => &mut key,
            _ => {
                fields.push((argument.name.clone(), "is not part of a sign-in".to_owned()));
                continue;
            }
        };
        match &argument.value {
            Value::Text(text) if !text.is_empty() => *place = Some(text.clone()),
            // A name or password of digits alone may arrive as a number.
            Value::Number(digits) if argument_text(digits).is_some() => {
                *place = argument_text(digits);
            }
            empty if empty.is_empty() => {}
            _ => fields.push((argument.name.clone(), "must be text".to_owned())),
        }
    }
    let must = |name: &str| (name.to_owned(), "must be given".to_owned());
    if key.is_none() {
        fields.extend(name.is_none().then(|| must("--username")));
        fields.extend(password.is_none().then(|| must("--password")));
    }
    match (key, name, password) {
        (Some(key), _, _) if fields.is_empty() => Ok(Proof::ApiKey(SecretString::from(key))),
        (None, Some(name), Some(password)) if fields.is_empty() => {
            Ok(Proof::Password { name, password: SecretString::from(password) })
        }
        _ => Err(Problem {
            fields,
            ..Problem::new(
                StatusCode::BAD_REQUEST,
                "values",
                "A sign-in needs `--username` and `--password`, or `--api-key`.",
            )
        }),
    }
}

/// Ends the session of the caller.
pub async fn sign_out(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    body: Body,
) -> Result<Response, Problem> {
    body::redeem_token(&web, &caller, body).await?;
    web.app.sign_out(&caller).await?;
    let mut response = json("{\"signed_out\": true}".to_owned());
    if let Ok(cookie) = HeaderValue::from_str(&remove_cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.extensions_mut().insert(ClearData::Everything);
    Ok(response)
}
