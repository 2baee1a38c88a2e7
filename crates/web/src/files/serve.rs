//! Conditional requests and ranges (RFC 9110 §13 and §14).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::content::Content;

/// Content encodings the client takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// `br`.
    pub brotli: bool,
    /// `gzip`.
    pub gzip: bool,
}

/// One encoding of a file.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The bytes.
    pub content: Content,
    /// Strong entity tag with its quotes.
    pub etag: String,
    /// `Content-Encoding`.
    pub encoding: Option<&'static str>,
}

/// Reads `Accept-Encoding`. A range is asked of the plain bytes, so it turns encodings off.
pub fn accepts(headers: &HeaderMap) -> Accepted {
    if headers.contains_key(header::RANGE) {
        return Accepted::default();
    }
    let line = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut accepted = Accepted::default();
    for part in line.unwrap_or_default().split(',') {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        match name.trim() {
            "br" => accepted.brotli = !refused,
            "gzip" => accepted.gzip = !refused,
            _ => {}
        }
    }
    accepted
}

/// The answer for a file: 200, 206, 304 or 416.
pub fn serve(headers: &HeaderMap, variant: Variant, kind: &'static str) -> Response {
    let Variant { content, etag, encoding } = variant;
    let mut response = if not_modified(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match range(headers, &etag, content.length()) {
            Range::Whole => body_of(&content, 0..content.length()),
            Range::Part(from, to) => part(&content, from, to),
            Range::Unsatisfiable => unsatisfiable(content.length()),
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set(headers, header::ETAG, &etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn not_modified(headers: &HeaderMap, etag: &str) -> bool {
    let line = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    line.is_some_and(|line| {
        line.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
    })
}

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Everything.
    Whole,
    /// From the first to the last of these bytes.
    Part(u64, u64),
    /// Nothing that exists.
    Unsatisfiable,
}

/// One range of bytes; several, and units nobody knows, are answered with the whole file.
pub fn range(headers: &HeaderMap, etag: &str, length: u64) -> Range {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(spec) = text(header::RANGE).and_then(|line| line.strip_prefix("bytes=")) else {
        return Range::Whole;
    };
    if text(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Range::Whole;
    }
    let Some((from, to)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Range::Whole;
    };
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), _) if from >= length => Range::Unsatisfiable,
        (Ok(from), Ok(to)) if from <= to => Range::Part(from, to.min(length - 1)),
        (Ok(from), Err(_)) if to.trim().is_empty() => Range::Part(from, length - 1),
        (Err(_), Ok(0)) if from.trim().is_empty() => Range::Unsatisfiable,
        (Err(_), Ok(last)) if from.trim().is_empty() && length > 0 => {
            Range::Part(length.saturating_sub(last), length - 1)
        }
        _ => Range::Whole,
    }
}

/// A body with its length: that of a file on disk is not known to the server otherwise.
fn body_of(content: &Content, range: std::ops::Range<u64>) -> Response {
    let length = range.end.saturating_sub(range.start);
    let mut response = content.part(range).into_response();
    set(response.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    response
}

fn part(content: &Content, from: u64, to: u64) -> Response {
    let whole = content.length();
    let mut response = body_of(content, from..to + 1);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes {from}-{to}/{whole}"));
    response
}

fn unsatisfiable(whole: u64) -> Response {
    let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{whole}"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(HeaderName, &'static str)]) -> (u16, Option<String>) {
        let headers = pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect();
        let variant = Variant {
            content: Content::Memory(bytes::Bytes::from_static(b"0123456789")),
            etag: "\"x\"".to_owned(),
            encoding: None,
        };
        let response = serve(&headers, variant, "text/plain");
        let range = response.headers().get(header::CONTENT_RANGE);
        (response.status().as_u16(), range.map(|range| range.to_str().unwrap().to_owned()))
    }

    #[test]
    fn ranges_are_answered_as_the_standard_says() {
        let range = |text| ask(&[(header::RANGE, text)]);

        assert_eq!(range("bytes=0-3"), (206, Some("bytes 0-3/10".into())));
        assert_eq!(range("bytes=8-"), (206, Some("bytes 8-9/10".into())));
        assert_eq!(range("bytes=-2"), (206, Some("bytes 8-9/10".into())));
        assert_eq!(range("bytes=0-99"), (206, Some("bytes 0-9/10".into())));
        assert_eq!(range("bytes=10-"), (416, Some("bytes */10".into())));
        for whole in ["bytes=0-1,3-4", "bytes=5-2", "items=0-1", "bytes=x"] {
            assert_eq!(range(whole), (200, None), "{whole}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_with_the_whole_file() {
        assert_eq!(ask(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"y\"")]), (200, None));
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"a\", W/\"x\"")]), (304, None));
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"a\"")]), (200, None));
    }

    #[test]
    fn an_encoding_with_weight_zero_is_not_used() {
        let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0, br;q=0.5"))];
        assert_eq!(accepts(&headers.into_iter().collect()), Accepted { brotli: true, gzip: false });
    }
}
