//! Reading request bodies: bounded in size and time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use webscripts_app::run_script::RunError;
use webscripts_domain::identity::Caller;
use webscripts_domain::request::RunRequest;

use crate::Web;
use crate::problem::Problem;

/// How long a client may take to send a body.
const MAX_TIME: Duration = Duration::from_mins(1);
/// How long it may take for a body that is small by its nature, such as a sign-in.
const MAX_TIME_OF_SMALL: Duration = Duration::from_secs(10);
/// Bodies up to here are small.
const SMALL: usize = 16 * 1024;

/// Reads a whole body of at most `limit` bytes.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let time = if limit <= SMALL { MAX_TIME_OF_SMALL } else { MAX_TIME };
    match tokio::time::timeout(time, to_bytes(body, limit)).await {
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-timeout",
            "The body of the request took too long.",
        )),
        Ok(Err(error)) if is_too_long(&error) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!("The body of a request has at most {limit} bytes."),
        )),
        Ok(Err(_)) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "body", "The body of the request is broken."))
        }
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Longest body that holds nothing but a token.
const MAX_TOKEN_BODY: usize = 4 * 1024;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    csrf_token: Option<String>,
}

/// Reads a body that holds at most a CSRF token and uses the token up. Every handler whose row
/// says [`Csrf::TokenInBody`](crate::Csrf) calls this, or hands the token to its use case.
pub async fn redeem_token(web: &Web, caller: &Caller, body: Body) -> Result<(), Problem> {
    let bytes = read(body, MAX_TOKEN_BODY).await?;
    let token = serde_json::from_slice::<Token>(&bytes).ok().and_then(|token| token.csrf_token);
    if web.app.redeem_csrf_token(caller, token.as_deref()) {
        return Ok(());
    }
    Err(RunError::CsrfToken.into())
}

/// Reads the body of a request to run a script (http-api.md §4).
pub async fn read_request(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<RunRequest, Problem> {
    let bytes = read(body, limit).await?;
    if !bytes.is_empty() {
        require_json(headers)?;
    }
    Ok(RunRequest::parse(&bytes)?)
}

/// Reads a JSON body of one of our own requests: members that nobody knows, or that occur twice, are
/// refused. An empty body is an empty object.
pub async fn read_strict<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, Problem> {
    let bytes = read(body, limit).await?;
    if bytes.is_empty() {
        return parse_strict(b"{}");
    }
    require_json(headers)?;
    parse_strict(&bytes)
}

/// Reads JSON of one of our own requests.
pub fn parse_strict<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let named = |kind: &str, why: &str| {
            let name = text.strip_prefix(kind)?.split('`').next()?;
            Some((name.to_owned(), why.to_owned()))
        };
        let fields = named("unknown field `", "is not known here")
            .or_else(|| named("duplicate field `", "occurs twice"));
        Problem {
            fields: fields.into_iter().collect(),
            ..Problem::new(
                StatusCode::BAD_REQUEST,
                "body",
                format!("The body of the request cannot be used: {text}."),
            )
        }
    })
}

/// Refuses bodies that are not sent as JSON.
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    if is_json && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not-json",
        "Send the body as `Content-Type: application/json`, not compressed.",
    ))
}
