//! Does a state change come from our own pages or from a program? (security.md §5 and §6)

/// Host and port of an `Origin`, `Referer` or `Host` header, compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

/// Why a request was taken for one of another site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForeignOrigin {
    /// No `Origin`.
    #[error("the header `Origin` is missing; send `Origin: <scheme>://<host>` of this server")]
    Missing,
    /// Another `Origin`.
    #[error("the header `Origin` names another site than this server")]
    Other,
    /// The browser says that another site asked.
    #[error("the browser says that another site sent this request")]
    CrossSite,
    /// Another `Referer`.
    #[error("the header `Referer` names another site than this server")]
    Referer,
}

/// The headers of a request that say where it comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceHeaders<'a> {
    /// `Host`, or the authority of an HTTP/2 request.
    pub host: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Referer`.
    pub referer: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
}

/// Checks that the `Origin` of a state change is this server or one of `allowed` (`allowed_origins`).
///
/// `http` and `https` are not told apart, because TLS may end at a proxy.
///
/// # Errors
///
/// What points to another site.
pub fn check(headers: SourceHeaders<'_>, allowed: &[String]) -> Result<(), ForeignOrigin> {
    if headers.fetch_site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(ForeignOrigin::CrossSite);
    }
    let origin = headers.origin.ok_or(ForeignOrigin::Missing)?;
    if origin.contains(['?', '#']) || path_of(origin).is_some() {
        return Err(ForeignOrigin::Other);
    }
    if is_ours(origin, headers.host, allowed) { Ok(()) } else { Err(ForeignOrigin::Other) }
}

/// Checks the `Referer` of a request with a session cookie; an absent one is accepted.
///
/// # Errors
///
/// [`ForeignOrigin::Referer`].
pub fn check_referer(headers: SourceHeaders<'_>, allowed: &[String]) -> Result<(), ForeignOrigin> {
    match headers.referer {
        Some(referer) if !is_ours(referer, headers.host, allowed) => Err(ForeignOrigin::Referer),
        _ => Ok(()),
    }
}

fn path_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.find('/').and_then(|at| url.get(at..))
}

fn is_ours(url: &str, host: Option<&str>, allowed: &[String]) -> bool {
    let Some(theirs) = authority_of_url(url) else { return false };
    let configured = allowed.iter().filter_map(|origin| authority_of_url(origin));
    if configured.into_iter().any(|ours| same(&ours, &theirs)) {
        return true;
    }
    host.and_then(authority).is_some_and(|ours| same(&ours, &theirs))
}

/// Equal hosts and ports; a missing port stands for 80 and 443.
fn same(ours: &Authority, theirs: &Authority) -> bool {
    let default = |port: Option<u16>| matches!(port, None | Some(80 | 443));
    let ports = ours.port == theirs.port
        || (ours.port.is_none() && default(theirs.port))
        || (theirs.port.is_none() && default(ours.port));
    ours.host == theirs.host && ports
}

fn authority_of_url(url: &str) -> Option<Authority> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    authority(rest.split(['/', '?', '#']).next()?)
}

fn authority(text: &str) -> Option<Authority> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let good = !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
    good.then(|| Authority { host: host.to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(host: &str, origin: &str) -> Result<(), ForeignOrigin> {
        let headers =
            SourceHeaders { host: Some(host), origin: Some(origin), ..SourceHeaders::default() };
        check(headers, &[])
    }

    #[test]
    fn our_own_origin_is_accepted_whatever_the_scheme() {
        assert_eq!(decide("127.0.0.1:8000", "http://127.0.0.1:8000"), Ok(()));
        assert_eq!(decide("127.0.0.1:8000", "https://127.0.0.1:8000"), Ok(()));
        assert_eq!(decide("scripts.example.org", "https://scripts.example.org"), Ok(()));
        assert_eq!(decide("scripts.example.org", "https://SCRIPTS.example.org:443"), Ok(()));
        assert_eq!(decide("[::1]:8000", "http://[::1]:8000"), Ok(()));
    }

    #[test]
    fn everything_else_is_foreign() {
        for origin in [
            "",
            "null",
            "http://evil.example",
            "http://127.0.0.1:9999",
            "://127.0.0.1:8000",
            "ptth://127.0.0.1:8000",
            "http://127.0.0.1:8000/",
            "http://127.0.0.1:8000.evil.example",
            "http://localhost:8000",
            "http://user@127.0.0.1:8000",
            "file://127.0.0.1:8000",
        ] {
            assert_eq!(decide("127.0.0.1:8000", origin), Err(ForeignOrigin::Other), "{origin}");
        }
    }

    #[test]
    fn a_browser_that_speaks_of_another_site_is_believed() {
        let headers = SourceHeaders {
            host: Some("a.example"),
            origin: Some("https://a.example"),
            fetch_site: Some("same-site"),
            ..SourceHeaders::default()
        };

        assert_eq!(check(headers, &[]), Err(ForeignOrigin::CrossSite));
    }

    #[test]
    fn configured_origins_are_ours() {
        let headers = SourceHeaders {
            host: Some("10.0.0.2:8000"),
            origin: Some("https://scripts.example.org"),
            ..SourceHeaders::default()
        };

        assert_eq!(check(headers, &["https://scripts.example.org".to_owned()]), Ok(()));
    }

    #[test]
    fn a_referer_is_compared_as_an_origin_not_as_a_prefix() {
        let referer = |referer| SourceHeaders {
            host: Some("host"),
            referer: Some(referer),
            ..SourceHeaders::default()
        };

        assert_eq!(check_referer(referer("http://host/web/"), &[]), Ok(()));
        assert_eq!(
            check_referer(referer("http://host.evil/web/"), &[]),
            Err(ForeignOrigin::Referer)
        );
    }
}
