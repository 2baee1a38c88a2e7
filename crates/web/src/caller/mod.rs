//! Who is calling, and may they go on? One guard stands in front of every row of the routes table.

mod credentials;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use webscripts_domain::identity::Caller;
use webscripts_domain::origin::{self, SourceHeaders};

use crate::Web;
use crate::edge::{Facts, InForce};
use crate::problem::Problem;
use crate::routes::{Access, Csrf, RouteRule};

/// The caller, left in the answer for the access log and for error pages.
#[derive(Debug, Clone)]
pub struct Called(pub Arc<Caller>);

/// Extractor of the caller that the guard has found.
#[derive(Debug, Clone)]
pub struct WhoCalls(pub Arc<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for WhoCalls {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Only a route outside the table has no caller; it is refused.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::not_found)
    }
}

/// What the guard needs: the state and the rule of the row.
#[derive(Clone)]
pub struct Gate {
    /// State of the handlers.
    pub web: Web,
    /// The row.
    pub rule: RouteRule,
}

/// Steps 7 to 11 of http-api.md §2: identify, method, login gate, Origin. Default is to refuse.
pub async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(facts), Some(InForce(configuration))) =
        (extensions.get::<Arc<Facts>>().cloned(), extensions.get::<InForce>().cloned())
    else {
        return Problem::not_found().into_response();
    };
    let Some(address) = facts.address else {
        return Problem::forbidden("The address of this request is not known.").into_response();
    };
    let Gate { web, rule } = gate;
    if rule.access == Access::Open {
        return match check_method(&rule, request.method()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        };
    }
    let credentials = credentials::read(request.headers());
    let caller = match web.app.identify(credentials, address, &facts.context).await {
        Ok(caller) => Arc::new(caller),
        Err(error) => return Problem::from(error).into_response(),
    };
    let decision = if is_unusual(request.method()) {
        Err(Problem::method_not_allowed(rule.methods).into_response())
    } else if configuration.must_sign_in(&caller) && !configuration.is_excluded(&facts.path) {
        Err(sign_in_first(&facts))
    } else {
        check(&web, &rule, &caller, &request).map_err(axum::response::IntoResponse::into_response)
    };
    let mut response = match decision {
        Ok(()) => {
            request.extensions_mut().insert(WhoCalls(Arc::clone(&caller)));
            next.run(request).await
        }
        Err(refusal) => refusal,
    };
    response.extensions_mut().insert(Called(caller));
    response
}

/// Methods the reference knows no page for.
fn is_unusual(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::POST)
}

fn check(web: &Web, rule: &RouteRule, caller: &Caller, request: &Request) -> Result<(), Problem> {
    match rule.access {
        Access::Open | Access::Gate => {}
        Access::SignedIn if caller.identity.is_signed_in() => {}
        Access::SignedIn => return Err(Problem::forbidden("Sign in first.")),
        Access::Nothing => return Err(Problem::not_found()),
    }
    check_method(rule, request.method())?;
    if request.method() != Method::POST {
        return Ok(());
    }
    let configuration = web.app.configuration();
    let allowed = &configuration.settings.listen.allowed_origins;
    let headers = source_headers(request);
    let foreign = |error: origin::ForeignOrigin| Problem {
        code: "foreign-origin",
        ..Problem::forbidden(format!("This request was refused: {error}."))
    };
    origin::check(headers, allowed).map_err(foreign)?;
    match rule.csrf {
        Csrf::NoStateChange | Csrf::OriginOnly => Ok(()),
        Csrf::TokenInBody if !caller.needs_csrf_token() => Ok(()),
        Csrf::TokenInBody => origin::check_referer(headers, allowed).map_err(foreign),
    }
}

fn check_method(rule: &RouteRule, method: &Method) -> Result<(), Problem> {
    let accepted = rule.methods.iter().any(|accepted| *accepted == method.as_str())
        || (method == Method::HEAD && rule.methods.contains(&"GET"));
    if accepted { Ok(()) } else { Err(Problem::method_not_allowed(rule.methods)) }
}

fn source_headers(request: &Request) -> SourceHeaders<'_> {
    let headers = request.headers();
    let one = |name| single(headers, name);
    SourceHeaders {
        host: one(header::HOST.as_str())
            .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str)),
        origin: one(header::ORIGIN.as_str()),
        referer: one(header::REFERER.as_str()),
        fetch_site: one("sec-fetch-site"),
    }
}

/// The value of a header that is sent once; one that is sent twice counts as wrong, not as absent.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return Some("");
    }
    Some(first.to_str().unwrap_or(""))
}

/// The answer of step 11: 302 with the sentence existing clients know.
fn sign_in_first(facts: &Facts) -> Response {
    const TEXT: &str = "Authentication required:\n\t - For API you can use Basic Auth\n\t - For API \
        you can use Api-Key\n\t - For Web Interface (with Web Browser) use /web/auth/";
    let mut location = format!("{}web/auth/", facts.base());
    if facts.format == crate::respond::Format::Html && !facts.path.starts_with("/web/auth/") {
        // Pages come back to where the reader wanted to go; programs get the plain address.
        let query = &facts.context.query;
        let wanted =
            if query.is_empty() { facts.path.clone() } else { format!("{}?{query}", facts.path) };
        let next = percent_encoding::utf8_percent_encode(
            wanted.trim_start_matches('/'),
            percent_encoding::NON_ALPHANUMERIC,
        );
        if wanted.len() <= 2000 && !matches!(facts.path.as_str(), "/" | "/web/") {
            location = format!("{location}?next={next}");
        }
    }
    let mut response =
        (StatusCode::FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], TEXT)
            .into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
