//! HTTP: turns requests into use cases and results into responses.
//!
//! The path of a request, in the order of http-api.md §2:
//!
//! 1. [`edge`]: request id, ambiguous framing, path and `base_url`, client address, `urls` map.
//! 2. [`routes`]: the table says which handler answers, who may reach it, and what protects it.
//! 3. [`caller`]: who is calling; blocked addresses; login gate; method; Origin and token.
//! 4. `api`, `views`, `files`: one handler per row of the table; each calls one use case.
//! 5. [`problem`] and [`respond`]: the one way a failure reaches a client.
//! 6. [`edge`] again: security headers, access log.

mod api;
pub mod assets;
mod caller;
mod edge;
mod files;
mod health;
pub mod pages;
mod problem;
mod respond;
mod routes;
mod views;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service};
use webscripts_app::{App, Configuration};

pub use routes::{Access, Csrf, RouteRule, route_rules};

/// What the accept loop knows of a connection; it puts one into the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// Whether it is encrypted.
    pub secure: bool,
}

/// State of all handlers.
#[derive(Clone)]
pub(crate) struct Web {
    /// The use cases.
    app: Arc<App>,
    /// Cached static files.
    files: Arc<files::FileCache>,
    /// Headers of every answer.
    headers: Arc<edge::headers::SecurityHeaders>,
    /// Clients that follow runs.
    streams: Arc<api::runs::streams::Streams>,
    /// Cancelled when the server stops: nobody waits for runs any more.
    stop: CancellationToken,
}

/// The whole HTTP side as one service. Requests need a [`Connection`] among their extensions. `stop`
/// ends answers that have no end of their own.
pub fn service(
    app: Arc<App>,
    stop: CancellationToken,
) -> impl Service<Request, Response = Response, Error = std::convert::Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let configuration = app.configuration();
    let web = Web {
        files: Arc::default(),
        headers: Arc::new(edge::headers::SecurityHeaders::new(&configuration.settings)),
        streams: api::runs::streams::Streams::new(configuration.settings.listen.max_connections),
        stop,
        app,
    };
    warn_of_refused_attributes(&configuration);
    let router: Router = routes::mount(&web);
    axum::middleware::from_fn_with_state(web, edge::serve).layer(router)
}

/// Says which `javascript_attributs` pages leave out, because they could carry code (web-ui.md B6.3).
fn warn_of_refused_attributes(configuration: &Configuration) {
    for script in configuration.catalogue.iter() {
        for argument in &script.arguments {
            let refused = pages::refused_attributes(argument);
            if !refused.is_empty() {
                tracing::warn!(
                    target: "webscripts::configuration",
                    script = ?script.name.as_str(),
                    argument = ?argument.name,
                    ?refused,
                    "attributes of a control are not put on pages"
                );
            }
        }
    }
}
