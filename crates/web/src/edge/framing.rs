//! Requests that two programs could read in two ways are refused (request smuggling).

use axum::http::request::Parts;
use axum::http::{StatusCode, Version, header};

use crate::problem::Problem;

/// Refuses both kinds of length at once (RFC 9112 §6.1), repeated `Host`, and HTTP/1.1 without it.
pub fn check(parts: &Parts) -> Result<(), Problem> {
    let refuse = |message: &str| Err(Problem::new(StatusCode::BAD_REQUEST, "ambiguous", message));
    let headers = &parts.headers;
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
