//! The credentials of a request, read from its headers. Nothing is decided here.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use webscripts_app::identify::Credentials;
use webscripts_domain::session::SessionClaim;

/// Longest credential header that is looked at.
const MAX_BYTES: usize = 8 * 1024;

/// Reads all kinds of credentials (security.md §2). What cannot be read proves nothing.
pub fn read(headers: &HeaderMap) -> Credentials {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|value| value.len() <= MAX_BYTES)
    };
    let cookies: Vec<SessionClaim> = headers
        .get_all(header::COOKIE)
        .iter()
        .take(8)
        .filter_map(|value| value.to_str().ok())
        .flat_map(SessionClaim::from_cookie_header)
        .take(8)
        .collect();
    Credentials {
        has_cookie_header: headers.contains_key(header::COOKIE),
        cookies,
        api_token: text("api-token").and_then(SessionClaim::from_api_token),
        basic: text("authorization").and_then(|value| value.strip_prefix("Basic ")).map(read_basic),
        api_key: text("api-key").map(SecretString::from),
        from_browser: headers.contains_key("sec-fetch-mode")
            || headers.contains_key("sec-fetch-site"),
    }
}

/// `user:password` in Base64, UTF-8 (RFC 7617).
fn read_basic(encoded: &str) -> Option<(String, SecretString)> {
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), SecretString::from(password)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn basic(value: &str) -> Option<Option<(String, String)>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        read(&headers)
            .basic
            .map(|read| read.map(|(name, password)| (name, password.expose_secret().to_owned())))
    }

    #[test]
    fn basic_credentials_are_split_at_the_first_colon() {
        assert_eq!(basic("Basic YTpiOmM="), Some(Some(("a".into(), "b:c".into()))));
    }

    #[test]
    fn basic_credentials_that_cannot_be_read_prove_nothing() {
        for value in ["Basic !!!", "Basic YQ==", "Basic /w==", "Basic "] {
            assert_eq!(basic(value), Some(None), "{value}");
        }
        assert_eq!(basic("Bearer x"), None);
        assert_eq!(basic("basic YTpi"), None);
    }
}
