//! Headers: what has to be as recorded, and the differences that concern every answer.

use webscripts_testkit::Answer;

use crate::compare::Difference;
use crate::expected::Demand;
use crate::transcript::Request;

/// A difference that concerns every answer.
pub struct WireRule {
    /// Name in the table.
    pub id: &'static str,
    /// What explains it.
    pub why: &'static str,
}

/// The rules of this file, for the table.
pub const WIRE_RULES: [WireRule; 6] = [
    WireRule {
        id: "http-1.1",
        why: "http-api.md §1: \"Do: HTTP/1.1\": version, reason phrase, Date, Connection, lengths",
    },
    WireRule {
        id: "request-id",
        why: "issue 2, item 6: \"a request id in every answer and log line\"",
    },
    WireRule {
        id: "no-version-leak",
        why: "hardening-audit.md §7.1: Server, X-Server, Sec-Fetch-*: \"drop all; no version leak\"",
    },
    WireRule {
        id: "policy",
        why: "spec/README.md, Content-Security-Policy: \"web-ui.md B9 applies, with form-action 'none'\"",
    },
    WireRule {
        id: "no-store",
        why: "spec/README.md: \"the founding text's list, on every response\": Cache-Control: no-store",
    },
    WireRule {
        id: "clear-site-data",
        why: "spec/README.md: \"on sign-in, sign-out, ended sessions and 401/403 answers\"",
    },
];

/// Headers whose presence says how bytes are carried, or that describe a stored file.
const CARRIAGE: [&str; 9] = [
    "Date",
    "Connection",
    "Keep-Alive",
    "Content-Length",
    "Transfer-Encoding",
    "ETag",
    "Last-Modified",
    "Accept-Ranges",
    "Vary",
];
/// Compared elsewhere, with the rest of the answer.
const COMPARED_ELSEWHERE: [&str; 3] = ["Content-Type", "Location", "Set-Cookie"];
/// Sent by the reference, to be dropped; kept values are accepted.
const DROPPED: [&str; 6] =
    ["X-Server", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Pragma", "Expires"];

/// Compares the headers of an answer of the page layer with those the reference always sends.
pub fn check(
    answer: &Answer,
    demand: &Demand,
    request: &Request,
    secure: &[(String, String)],
) -> Vec<Difference> {
    let mut differences: Vec<Difference> = secure
        .iter()
        .filter_map(|(name, recorded)| {
            let ours = answer.header(name);
            let wanted = wanted(name, recorded, ours, answer, request)?;
            Some(Difference::new(&format!("header {name}"), &wanted, ours.unwrap_or("(absent)")))
        })
        .collect();
    if answer.header("X-Request-Id").unwrap_or_default().is_empty() {
        differences.push(Difference::new("header X-Request-Id", "(present)", "(absent)"));
    }
    if demand.status == 405 && answer.header("Allow").unwrap_or_default().is_empty() {
        differences.push(Difference::new("header Allow", "(present)", "(absent)"));
    }
    differences.extend(surplus(answer, secure));
    differences
}

/// What a header must be, if it is not that.
fn wanted(
    name: &str,
    recorded: &str,
    ours: Option<&str>,
    answer: &Answer,
    request: &Request,
) -> Option<String> {
    let (is_right, wanted) = match name {
        _ if COMPARED_ELSEWHERE.contains(&name) => return None,
        "Server" => {
            (ours.is_none_or(|ours| ours == "WebScripts"), "(absent) or WebScripts".to_owned())
        }
        _ if DROPPED.contains(&name) => {
            (ours.is_none_or(|ours| ours == recorded), format!("(absent) or {recorded}"))
        }
        // Documents that scripts or administrators wrote have an opaque origin (web-ui.md B9).
        "Content-Security-Policy" if is_document(answer, request) => (
            ours.is_some_and(|ours| {
                ours.starts_with("sandbox ") && ours.contains("default-src 'none'")
            }),
            "sandbox …; default-src 'none'".to_owned(),
        ),
        "X-Frame-Options" if is_document(answer, request) => {
            (ours == Some("sameorigin"), "sameorigin".to_owned())
        }
        "Content-Security-Policy" => (ours.is_some_and(is_policy), POLICY.to_owned()),
        "Cache-Control" => {
            let is_right = |ours: &str| ours.contains("no-store") || is_file(answer, request);
            (ours.is_some_and(is_right), "no-store (files: any)".to_owned())
        }
        "Clear-Site-Data" => {
            let need = clear_site_data(answer, request);
            (need.accepts(ours), format!("{need:?}"))
        }
        _ => (ours == Some(recorded), recorded.to_owned()),
    };
    (!is_right).then_some(wanted)
}

const POLICY: &str =
    "default-src 'none' or 'self', form-action 'none', frame-ancestors 'none', nothing unsafe";

fn is_policy(policy: &str) -> bool {
    let has = |directive: &str| policy.split(';').any(|part| part.trim() == directive);
    (has("default-src 'none'") || has("default-src 'self'"))
        && has("form-action 'none'")
        && has("frame-ancestors 'none'")
        && !policy.contains("unsafe-")
        && !policy.contains("nonce-")
}

fn is_document(answer: &Answer, request: &Request) -> bool {
    answer.status == 200 && request.target().1.starts_with("/web/doc/")
}

fn is_file(answer: &Answer, request: &Request) -> bool {
    let (_, path) = request.target();
    let below = path.starts_with("/static/") || path.starts_with("/js/");
    below && matches!(answer.status, 200 | 206 | 304)
}

/// Whether an answer has to clear what a browser has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clearing {
    Required,
    Optional,
    Forbidden,
}

impl Clearing {
    fn accepts(self, header: Option<&str>) -> bool {
        match (self, header) {
            (Self::Forbidden, header) => header.is_none(),
            (Self::Optional, None) => true,
            (Self::Required, None) => false,
            // Quoted, and nothing that would take the session just given.
            (_, Some(value)) => {
                value.split(',').all(|part| {
                    let part = part.trim();
                    part.len() > 2 && part.starts_with('"') && part.ends_with('"')
                }) && !value.contains('*')
            }
        }
    }
}

fn clear_site_data(answer: &Answer, request: &Request) -> Clearing {
    let cookie = answer.header("Set-Cookie");
    if matches!(answer.status, 401 | 403) {
        return Clearing::Required;
    }
    match cookie {
        Some(cookie) if !cookie.starts_with("SessionID=0:") => Clearing::Required,
        Some(_) => Clearing::Optional,
        // A session that has ended, perhaps.
        None if answer.status == 302 => {
            let has_session = ["Cookie", "Api-Token"].iter().any(|h| request.header(h).is_some());
            if has_session { Clearing::Optional } else { Clearing::Forbidden }
        }
        None => Clearing::Forbidden,
    }
}

/// Headers nobody expects.
fn surplus(answer: &Answer, secure: &[(String, String)]) -> Vec<Difference> {
    let expected = |name: &str| {
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        secure.iter().any(|(other, _)| same(other))
            || CARRIAGE.iter().chain(&COMPARED_ELSEWHERE).any(|other| same(other))
            || same("X-Request-Id")
            || (same("Allow") && answer.status == 405)
            || (same("Retry-After") && matches!(answer.status, 403 | 429 | 503))
    };
    let surplus = answer.headers.iter().filter(|(name, _)| !expected(name));
    surplus
        .map(|(name, value)| Difference::new(&format!("header {name}"), "(absent)", value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expected::{Body, Time};
    use crate::transcript::HeaderSets;

    fn request(path: &str) -> Request {
        Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() }
    }

    fn demand(status: u16) -> Demand {
        Demand {
            status,
            from_page: true,
            content_type: None,
            location: None,
            set_cookie: None,
            body: Body::Any,
            time: Time::Any,
        }
    }

    fn answer(status: u16, changes: &[(&str, Option<&str>)]) -> Answer {
        let mut headers: Vec<(String, String)> = HeaderSets::load().unwrap().secure().to_vec();
        let all = [
            ("Server", None),
            (
                "Content-Security-Policy",
                Some("default-src 'none'; form-action 'none'; frame-ancestors 'none'"),
            ),
            ("Cache-Control", Some("no-store")),
            ("Clear-Site-Data", None),
            ("X-Request-Id", Some("1")),
        ];
        for (name, value) in all.iter().chain(changes) {
            headers.retain(|(other, _)| other != name);
            headers.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        Answer { version: "HTTP/1.1".into(), status, reason: String::new(), headers, body: vec![] }
    }

    fn differences(answer: &Answer, path: &str) -> Vec<String> {
        let secure = HeaderSets::load().unwrap();
        check(answer, &demand(answer.status), &request(path), secure.secure())
            .iter()
            .map(|difference| difference.what.clone())
            .collect()
    }

    #[test]
    fn the_headers_of_the_decisions_are_accepted() {
        assert!(differences(&answer(200, &[]), "/api/").is_empty());
        let sign_in =
            [("Set-Cookie", Some("SessionID=2:a")), ("Clear-Site-Data", Some("\"cache\""))];
        assert!(differences(&answer(302, &sign_in), "/auth/").is_empty());
        let file = [("Cache-Control", Some("private, no-cache")), ("ETag", Some("\"1\""))];
        assert!(differences(&answer(200, &file), "/static/a.css").is_empty());
    }

    #[test]
    fn others_are_named() {
        let cases: [(u16, (&str, Option<&str>)); 11] = [
            (200, ("Server", Some("WebScripts 3.0.39"))),
            (200, ("X-Frame-Options", None)),
            (200, ("Cache-Control", Some("no-cache"))),
            (200, ("Content-Security-Policy", Some("default-src 'self'"))),
            (200, ("Clear-Site-Data", Some("\"cache\""))),
            (403, ("Clear-Site-Data", None)),
            (403, ("Clear-Site-Data", Some("\"*\""))),
            (200, ("X-Request-Id", None)),
            (200, ("X-Powered-By", Some("x"))),
            (200, ("Allow", Some("GET"))),
            (405, ("Allow", None)),
        ];
        for (status, change) in cases {
            let found = differences(&answer(status, &[change]), "/api/");
            assert!(found.contains(&format!("header {}", change.0)), "{change:?}: {found:?}");
        }
    }
}
