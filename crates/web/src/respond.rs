//! Error bodies in the form the client asked for: page, JSON, or the reference's plain text
//! (spec/README.md, decisions; http-api.md §8).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, json};
use webscripts_app::Configuration;

use crate::Web;
use crate::caller::Called;
use crate::edge::Facts;
use crate::problem::Problem;
use crate::views;

/// The form of error bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page: `Accept` names `text/html`.
    Html,
    /// JSON: `Accept` names `application/json`.
    Json,
    /// Three lines of text, as the reference writes them.
    Text,
}

impl Format {
    /// What the `Accept` header asks for.
    pub fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        let names = |kind: &str| {
            accept
                .split(',')
                .filter_map(|part| part.split(';').next())
                .any(|part| part.trim() == kind)
        };
        if names("text/html") {
            Self::Html
        } else if names("application/json") {
            Self::Json
        } else {
            Self::Text
        }
    }
}

/// Gives an answer that failed its body and the headers of its problem.
pub fn write_problem(
    web: &Web,
    configuration: &Configuration,
    facts: &Facts,
    response: &mut Response,
) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    set_headers(web, &problem, response.headers_mut());
    let (kind, body) = match facts.format {
        Format::Html => {
            let caller = response.extensions().get::<Called>().map(|called| called.0.clone());
            let page = views::error_page(web, configuration, facts, caller.as_deref(), &problem);
            ("text/html; charset=utf-8", page)
        }
        Format::Json => ("application/json; charset=utf-8", json_body(&problem, facts)),
        Format::Text => ("text/plain; charset=utf-8", text_body(&problem, configuration)),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // The router has taken down the length of the empty body. HEAD: hyper sends no body.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

fn set_headers(web: &Web, problem: &Problem, headers: &mut HeaderMap) {
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    if let Some(until) = problem.until {
        let seconds = until.duration_since(web.app.now()).as_secs().max(1);
        set(header::RETRY_AFTER, seconds.to_string());
    }
    if matches!(problem.status.as_u16(), 429 | 503) {
        set(header::RETRY_AFTER, "1".to_owned());
    }
    if !problem.allow.is_empty() {
        set(header::ALLOW, problem.allow.join(", "));
    }
}

fn json_body(problem: &Problem, facts: &Facts) -> String {
    let fields: Map<_, _> =
        problem.fields.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
    json!({
        "error": {
            "code": problem.code,
            "message": problem.message,
            "request_id": facts.request_id,
            "fields": fields,
        }
    })
    .to_string()
}

fn text_body(problem: &Problem, configuration: &Configuration) -> String {
    let code = problem.status.as_u16();
    let mut text = format!("---------------\n** ERROR {code} **\n---------------\n");
    if configuration.settings.debug {
        text.push_str("\n\n");
        text.push_str(&problem.message);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(accept: Option<&'static str>) -> Format {
        let headers = accept.map(|text| (header::ACCEPT, HeaderValue::from_static(text)));
        Format::of(&headers.into_iter().collect())
    }

    #[test]
    fn the_form_follows_the_accept_header() {
        assert_eq!(format(None), Format::Text);
        assert_eq!(format(Some("*/*")), Format::Text);
        assert_eq!(format(Some("application/json")), Format::Json);
        assert_eq!(format(Some("text/html,application/xhtml+xml;q=0.9,*/*")), Format::Html);
        assert_eq!(format(Some("application/json, text/html;q=0.1")), Format::Html);
    }
}
