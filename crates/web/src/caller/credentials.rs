//! The credentials of a request, read from its headers. Nothing is decided here.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use webscripts_app::identify::{BasicCredentials, Credentials};
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
        basic: text("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .map_or(BasicCredentials::Absent, read_basic),
        api_key: text("api-key").map(SecretString::from),
        from_browser: headers.contains_key("sec-fetch-mode")
            || headers.contains_key("sec-fetch-site"),
    }
}

/// `user:password` in Base64, UTF-8 (RFC 7617).
fn read_basic(encoded: &str) -> BasicCredentials {
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(encoded.trim()).unwrap_or_default());
    let text = std::str::from_utf8(&decoded).ok();
    text.and_then(|text| text.split_once(':')).map_or(
        BasicCredentials::Unreadable,
        |(name, password)| BasicCredentials::Read {
            name: name.to_owned(),
            password: SecretString::from(password),
        },
    )
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn basic(value: &str) -> BasicCredentials {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        read(&headers).basic
    }

    #[test]
    fn basic_credentials_are_split_at_the_first_colon() {
        let BasicCredentials::Read { name, password } = basic("Basic YTpiOmM=") else {
            panic!("they can be read");
        };

        assert_eq!((name.as_str(), password.expose_secret()), ("a", "b:c"));
    }

    #[test]
    fn basic_credentials_that_cannot_be_read_prove_nothing() {
        for value in ["Basic !!!", "Basic YQ==", "Basic /w==", "Basic "] {
            assert!(matches!(basic(value), BasicCredentials::Unreadable), "{value}");
        }
        assert!(matches!(basic("Bearer x"), BasicCredentials::Absent));
        assert!(matches!(basic("basic YTpi"), BasicCredentials::Absent));
    }
}
