//! Requests that two programs could read in two ways are refused (request smuggling).

use axum::http::request::Parts;
use axum::http::{StatusCode, Version, header};

use crate::problem::Problem;

/// Longest path and query.
const MAX_TARGET: usize = 64 * 1024;
/// Most bytes of all header names and values.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Refuses both kinds of length at once (RFC 9112 §6.1), repeated `Host`, and HTTP/1.1 without it.
pub fn check(parts: &Parts) -> Result<(), Problem> {
    let refuse = |message: &str| Err(Problem::new(StatusCode::BAD_REQUEST, "ambiguous", message));
    let headers = &parts.headers;
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        let message = "The address of the request is too long.";
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "address-too-long", message));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::new(status, "headers-too-large", "The headers are too large."));
    }
    if headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH)
    {
        return refuse("`Transfer-Encoding` and `Content-Length` were sent together.");
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 {
        return refuse("`Host` was sent twice.");
    }
    if hosts == 0 && parts.version == Version::HTTP_11 {
        return refuse("`Host` is missing.");
    }
    Ok(())
}
