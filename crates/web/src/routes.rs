//! The table of all addresses. A row cannot be written without saying who may reach it and what
//! protects it against requests of other sites; [`mount`] puts the guard in front of every row.
//!
//! A row is a directory, or a directory and a name behind it (http-api.md §3). Segments are
//! literal: there is nothing behind them that an address could reach by another way.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};

use crate::caller::{self, guard};
use crate::{Web, api, files, health, views};

/// Who may reach a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, also from blocked addresses: probes and our own assets.
    Open,
    /// Whoever passes the login gate; what is shown or run is decided by the rights of the caller.
    Gate,
    /// People and programs with an account.
    SignedIn,
    /// Nobody: behind the gate there is nothing.
    Nothing,
}

/// What protects a row against requests that other sites make a browser send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Csrf {
    /// Nothing changes.
    NoStateChange,
    /// The origin alone: there is no session to abuse yet, or nothing lasting happens.
    OriginOnly,
    /// Origin, and for cookie sessions the member `csrf_token` of the JSON body.
    TokenInBody,
}

/// A row without its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRule {
    /// Pattern of the address, without `base_url`.
    pub path: &'static str,
    /// Methods; `GET` includes `HEAD`.
    pub methods: &'static [&'static str],
    /// Who may reach it.
    pub access: Access,
    /// Protection against other sites.
    pub csrf: Csrf,
}

struct Route {
    rule: RouteRule,
    handler: MethodRouter<Web>,
}

fn row<H, T>(
    path: &'static str,
    methods: &'static [&'static str],
    access: Access,
    csrf: Csrf,
    handler: H,
) -> Route
where
    H: Handler<T, Web>,
    T: 'static,
{
    Route { rule: RouteRule { path, methods, access, csrf }, handler: any(handler) }
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "POST"];

#[rustfmt::skip]
fn table() -> Vec<Route> {
    use Access::{Gate, Open, SignedIn};
    use Csrf::{NoStateChange, OriginOnly, TokenInBody};
    vec![
        row("/health/live",                  GET,  Open,     NoStateChange, health::live),
        row("/health/ready",                 GET,  Open,     NoStateChange, health::ready),
        row("/web/assets/{version}/{*name}", GET,  Open,     NoStateChange, files::asset),

        row("/",                             BOTH, Gate,     NoStateChange, views::to_index),
        row("/{any}",                        BOTH, Gate,     NoStateChange, views::to_index),
        row("/web/",                         BOTH, Gate,     NoStateChange, views::index),
        row("/web/{text}",                   BOTH, Gate,     NoStateChange, views::index),
        row("/web/scripts/{name}",           BOTH, Gate,     NoStateChange, views::script),
        row("/web/doc/{name}",               BOTH, Gate,     NoStateChange, views::documentation),
        row("/web/runs/",                    GET,  Gate,     NoStateChange, views::runs),
        row("/web/runs/{id}",                GET,  Gate,     NoStateChange, views::run),
        row("/web/about/",                   GET,  Gate,     NoStateChange, views::about),
        row("/web/auth/",                    BOTH, Gate,     NoStateChange, views::sign_in),
        row("/web/auth/{any}",               BOTH, Gate,     NoStateChange, views::sign_in),
        row("/web/auth/logout",              POST, Gate,     TokenInBody,   api::sign_out),

        row("/auth/",                        POST, Gate,     OriginOnly,    api::sign_in),
        row("/auth/{any}",                   POST, Gate,     OriginOnly,    api::sign_in),
        row("/api/",                         BOTH, Gate,     NoStateChange, api::index),
        row("/api/{any}",                    BOTH, Gate,     NoStateChange, api::index),
        row("/api/scripts/{name}",           POST, Gate,     TokenInBody,   api::run_script),
        row("/api/script/get/{key}",         GET,  Gate,     NoStateChange, api::fetch_live),
        row("/api/script/stop/{key}",        POST, Gate,     TokenInBody,   api::stop_live),
        row("/api/runs/",                    BOTH, Gate,     TokenInBody,   api::runs::collection),
        row("/api/runs/{id}",                GET,  Gate,     NoStateChange, api::runs::record),
        row("/api/runs/{id}/events",         GET,  Gate,     NoStateChange, api::runs::events),
        row("/api/runs/{id}/poll",           GET,  Gate,     NoStateChange, api::runs::poll),
        row("/api/runs/{id}/screen",         GET,  Gate,     NoStateChange, api::runs::screen),
        row("/api/runs/{id}/output",         GET,  Gate,     NoStateChange, api::runs::output),
        row("/api/runs/{id}/document",       GET,  Gate,     NoStateChange, api::runs::document),
        row("/api/runs/{id}/files/",         GET,  Gate,     NoStateChange, api::runs::files),
        row("/api/runs/{id}/files/{*name}",  GET,  Gate,     NoStateChange, api::runs::file),
        row("/api/runs/{id}/stop",           POST, Gate,     TokenInBody,   api::runs::stop),
        row("/api/runs/{id}/kill",           POST, Gate,     TokenInBody,   api::runs::kill),
        row("/api/runs/{id}/input",          POST, Gate,     TokenInBody,   api::runs::input),
        row("/api/runs/{id}/close_input",    POST, Gate,     TokenInBody,   api::runs::close_input),
        row("/api/runs/{id}/resize",         POST, Gate,     TokenInBody,   api::runs::resize),
        row("/api/runs/{id}/again",          POST, Gate,     TokenInBody,   api::runs::again),
        row("/api/runs/{id}/delete",         POST, Gate,     TokenInBody,   api::runs::delete),
        row("/api/session/",                 GET,  Gate,     NoStateChange, api::session),
        row("/api/session/csrf",             GET,  Gate,     NoStateChange, api::csrf_token),
        row("/api/session/list",             GET,  SignedIn, NoStateChange, api::list_sessions),
        row("/api/session/end/{id}",         POST, SignedIn, TokenInBody,   api::end_session),
        row("/api/session/end/",             POST, SignedIn, TokenInBody,   api::end_all_sessions),
        row("/api/output/nodes",             POST, Gate,     OriginOnly,    api::nodes),

        row("/static/{name}",                BOTH, Gate,     NoStateChange, files::static_file),
        row("/js/{name}",                    BOTH, Gate,     NoStateChange, files::js_file),
    ]
}

/// The rules of all rows and of the addresses behind none, for tests and documentation.
pub fn route_rules() -> Vec<RouteRule> {
    table().into_iter().map(|route| route.rule).chain([ELSEWHERE]).collect()
}

/// Every address that is in no row: it passes the same guard and then does not exist.
const ELSEWHERE: RouteRule = RouteRule {
    path: "(everything else)",
    methods: BOTH,
    access: Access::Nothing,
    csrf: Csrf::NoStateChange,
};

/// The router of the table.
pub(crate) fn mount(web: &Web) -> Router {
    let behind_guard = |rule: RouteRule, handler: MethodRouter<Web>| {
        handler.layer(from_fn_with_state(caller::Gate { web: web.clone(), rule }, guard))
    };
    let mut router = Router::new();
    for Route { rule, handler } in table() {
        router = router.route(rule.path, behind_guard(rule, handler));
    }
    router
        .fallback_service(behind_guard(ELSEWHERE, any(views::nothing)).with_state(web.clone()))
        .with_state(web.clone())
}
