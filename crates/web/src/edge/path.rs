//! Paths: decoding, `base_url`, the `urls` map (http-api.md §2, configuration.md §8).

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Characters that are escaped in a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%')
    .add(b'\\')
    .add(b'^')
    .add(b'|')
    .add(b'[')
    .add(b']');

/// A path relative to `base_url`.
pub enum BasePath {
    /// The path behind the prefix, beginning with `/`.
    Inside(String),
    /// Exactly the prefix without its slash: the address of the site, one redirect away.
    Root(String),
    /// Not below the prefix.
    Outside(String),
}

impl BasePath {
    /// The path to route.
    pub fn inner(&self) -> &str {
        match self {
            Self::Inside(path) | Self::Outside(path) => path,
            Self::Root(_) => "/",
        }
    }

    /// The redirect from `/base` to `/base/`, and the refusal of paths outside.
    pub fn redirect(&self) -> Option<Response> {
        match self {
            Self::Inside(_) => None,
            Self::Outside(_) => Some(crate::problem::Problem::not_found().into_response()),
            Self::Root(base) => {
                let mut response = StatusCode::MOVED_PERMANENTLY.into_response();
                let to = format!("{}/", utf8_percent_encode(base, PATH));
                if let Ok(to) = HeaderValue::from_str(&to) {
                    response.headers_mut().insert(header::LOCATION, to);
                }
                Some(response)
            }
        }
    }
}

/// The path as text. Bytes that are not UTF-8 become replacement characters, which no name holds.
/// Leading slashes collapse to one, as in the reference.
pub fn decode(raw: &str) -> String {
    let decoded = percent_decode_str(raw).decode_utf8_lossy();
    format!("/{}", decoded.trim_start_matches('/'))
}

/// Removes `base_url`, on the boundary of a segment.
pub fn without_base(path: &str, base: &str) -> BasePath {
    if base.is_empty() {
        return BasePath::Inside(path.to_owned());
    }
    match path.strip_prefix(base) {
        Some("") => BasePath::Root(base.to_owned()),
        Some(rest) if rest.starts_with('/') => BasePath::Inside(rest.to_owned()),
        _ => BasePath::Outside(path.to_owned()),
    }
}

/// Replaces the directory of a path if the `urls` map lists it.
pub fn route(path: &str, urls: &[(String, String)]) -> String {
    let (directory, name) = path.rfind('/').map_or(("/", path), |at| path.split_at(at + 1));
    let mapped = urls.iter().find(|(from, _)| from == directory).map(|(_, to)| to.as_str());
    format!("{}{name}", mapped.unwrap_or(directory))
}

/// Puts a decoded path into an address for the router. Scheme and host of an HTTP/2 request stay:
/// there they stand in place of the header `Host`.
pub fn replace(uri: &mut Uri, path: &str) -> Result<(), ()> {
    let mut text = utf8_percent_encode(path, PATH).to_string();
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let path = text.parse::<PathAndQuery>().map_err(|_| ())?;
    let mut parts = std::mem::take(uri).into_parts();
    if parts.scheme.is_none() || parts.authority.is_none() {
        parts = axum::http::uri::Parts::default();
    }
    parts.path_and_query = Some(path);
    *uri = Uri::from_parts(parts).map_err(|_| ())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_removed_on_a_boundary_only() {
        let inner = |path: &str| match without_base(path, "/base") {
            BasePath::Inside(path) => format!("inside {path}"),
            BasePath::Root(_) => "root".to_owned(),
            BasePath::Outside(_) => "outside".to_owned(),
        };

        assert_eq!(inner("/base/web/"), "inside /web/");
        assert_eq!(inner("/base/"), "inside /");
        assert_eq!(inner("/base"), "root");
        assert_eq!(inner("/baseball"), "outside");
        assert_eq!(inner("/web/"), "outside");
    }

    #[test]
    fn only_the_directory_is_mapped() {
        let urls = [("/bin/".to_owned(), "/cgi/bin/".to_owned())];

        assert_eq!(route("/bin/x", &urls), "/cgi/bin/x");
        assert_eq!(route("/bin/x/y", &urls), "/bin/x/y");
        assert_eq!(route("/bin", &urls), "/bin");
    }

    #[test]
    fn every_decoded_path_can_be_routed() {
        for path in ["/a b", "/é", "/\u{0}", "/100%", "/a?b#c", "/%2e", "/[x]|^`\"<>{}\\"] {
            let mut uri = Uri::from_static("/?q=1");
            replace(&mut uri, path).unwrap();

            assert_eq!(decode(uri.path()), path);
            assert_eq!(uri.query(), Some("q=1"));
        }
    }
    #[test]
    fn an_address_of_http2_keeps_its_host() {
        let mut uri = Uri::from_static("https://host:8443/%61?q=1");
        replace(&mut uri, "/b").unwrap();

        assert_eq!(uri, "https://host:8443/b?q=1");
    }
}
