//! What every request passes, in this order: id, framing, path, client address, `urls` map; and
//! what every answer passes: error body, security headers, access log.

mod access_log;
mod framing;
pub mod headers;
mod path;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use webscripts_app::Configuration;
use webscripts_domain::client_ip::{Forwarding, ProxyRule, client_address};
use webscripts_domain::environment::RequestContext;

use crate::pages::Theme;
use crate::problem::Problem;
use crate::respond::Format;
use crate::{Connection, Web, respond};

/// Name of the header that carries the request id.
pub const REQUEST_ID: &str = "x-request-id";

/// What the edge has found out about a request; handlers and error pages use it.
#[derive(Debug)]
pub struct Facts {
    /// Id of the request, in the answer and in every line of the log.
    pub request_id: String,
    /// Address of the client; `None` when it could not be trusted.
    pub address: Option<IpAddr>,
    /// Decoded path without `base_url`, before the `urls` map.
    pub path: String,
    /// Form of error bodies.
    pub format: Format,
    /// Colours of pages.
    pub theme: Theme,
    /// Whether the connection is encrypted or local, so that browsers return the session cookie.
    pub keeps_cookies: bool,
    /// What scripts learn of the request.
    pub context: RequestContext,
}

impl Facts {
    /// `../` as often as the page is deep: leads to the root of the site (http-api.md §2).
    pub fn base(&self) -> String {
        "../".repeat(self.path.matches('/').count().saturating_sub(1))
    }
}

/// The configuration of one request.
#[derive(Clone)]
pub struct InForce(pub Arc<Configuration>);

/// Serves one request from edge to edge.
pub async fn serve(State(web): State<Web>, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let request_id = web.app.random_hex::<8>().unwrap_or_else(|_| "0".repeat(16));
    let span = tracing::info_span!("request", request.id = %request_id);
    let configuration = web.app.configuration();
    async move {
        let (parts, body) = request.into_parts();
        let entry = access_log::Entry::of(&parts);
        let (facts, prepared) = prepare(&configuration, parts, request_id);
        let facts = Arc::new(facts);
        let mut response = match prepared {
            Prepared::ToRoute(mut parts) => {
                parts.extensions.insert(Arc::clone(&facts));
                parts.extensions.insert(InForce(Arc::clone(&configuration)));
                answer(next, Request::from_parts(*parts, body)).await
            }
            Prepared::Answered(early) => early,
        };
        respond::write_problem(&web, &configuration, &facts, &mut response);
        if let Ok(id) = HeaderValue::from_str(&facts.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        web.headers.apply(&mut response);
        entry.log(&facts, &response, started.elapsed());
        response
    }
    .instrument(span)
    .await
}

/// Steps 1, 2, 4 and 5 of http-api.md §2. What is known so far is answered in any case.
fn prepare(
    configuration: &Configuration,
    mut parts: Parts,
    request_id: String,
) -> (Facts, Prepared) {
    let connection = parts.extensions.get::<Connection>().copied();
    let full_path = path::decode(parts.uri.path());
    let path = path::without_base(&full_path, &configuration.settings.listen.base_url);
    let secure = connection.is_some_and(|connection| connection.secure);
    let local = connection.is_some_and(|connection| connection.peer.ip().is_loopback());
    let mut facts = Facts {
        request_id,
        address: None,
        format: Format::of(&parts.headers),
        theme: theme(&parts.headers),
        keeps_cookies: secure || local,
        context: context_of(&parts, connection, path.inner(), &full_path),
        path: path.inner().to_owned(),
    };
    let address = match framing::check(&parts)
        .and_then(|()| find_address(configuration, &parts, connection, path.inner()))
    {
        Ok(address) => address,
        Err(problem) => return (facts, Prepared::Answered(problem.into_response())),
    };
    facts.address = Some(address);
    if let Some(redirect) = path.redirect() {
        return (facts, Prepared::Answered(redirect));
    }
    let target = path::route(path.inner(), &configuration.settings.pages.urls);
    if path::replace(&mut parts.uri, &target).is_err() {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "path", "The path cannot be read.");
        return (facts, Prepared::Answered(problem.into_response()));
    }
    (facts, Prepared::ToRoute(Box::new(parts)))
}

/// A request on its way to the router, or answered before.
enum Prepared {
    ToRoute(Box<Parts>),
    Answered(Response),
}

fn find_address(
    configuration: &Configuration,
    parts: &Parts,
    connection: Option<Connection>,
    path: &str,
) -> Result<IpAddr, Problem> {
    let no_connection = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "");
    let peer = connection.ok_or_else(no_connection)?.peer.ip();
    let listen = &configuration.settings.listen;
    // Probes of the machine itself and of a load balancer come without the headers of the proxy.
    if matches!(path, "/health/live" | "/health/ready") {
        return Ok(peer.to_canonical());
    }
    let rule =
        ProxyRule { proxies: listen.webproxy_number, trusted: listen.trusted_proxies.clone() };
    let lines: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    let has_other_headers = ["x-real-ip", "client-ip", "x-forwarded-host"]
        .iter()
        .any(|name| parts.headers.contains_key(*name));
    client_address(peer, Forwarding { forwarded_for: &lines, has_other_headers }, &rule).map_err(
        |spoofing| {
            tracing::warn!(
                name: "net.spoofing",
                target: "webscripts::access",
                { %peer, reason = %spoofing },
                "a request with wrong forwarding headers was refused",
            );
            Problem {
                code: "spoofing",
                ..Problem::forbidden("The address of this request is not trusted.")
            }
        },
    )
}

/// Runs the handler; a panic becomes an answer like every other failure.
async fn answer(next: Next, request: Request) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        Problem::internal(&std::io::Error::other("a handler panicked")).into_response()
    })
}

fn theme(headers: &HeaderMap) -> Theme {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
    let value = cookie
        .into_iter()
        .flat_map(|line| line.split(';'))
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| *name == Theme::COOKIE)
        .map(|(_, value)| value);
    value.map_or(Theme::System, Theme::from_cookie)
}

fn context_of(
    parts: &Parts,
    connection: Option<Connection>,
    path: &str,
    full_path: &str,
) -> RequestContext {
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let host = text(header::HOST).or_else(|| parts.uri.authority().map(ToString::to_string));
    let server_name = host.as_deref().map_or("localhost", |host| {
        host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host, |(name, _)| name)
    });
    RequestContext {
        method: parts.method.to_string(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: text(header::CONTENT_TYPE),
        content_length: text(header::CONTENT_LENGTH),
        server_name: server_name.to_owned(),
        server_port: connection.map_or(0, |connection| connection.local.port()),
        protocol: format!("{:?}", parts.version),
        scheme: if connection.is_some_and(|c| c.secure) { "https" } else { "http" }.to_owned(),
        path: path.to_owned(),
        full_path: full_path.to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
    }
}
