//! Handlers of pages: collect what a page shows, render it.

mod documentation;
mod error;
mod index;
mod run;
mod runs;
mod script;
mod sign_in;

pub use documentation::documentation;
pub use error::error_page;
pub use index::{index, to_index};
pub use run::run;
pub use runs::runs;
pub use script::script;
pub use sign_in::sign_in;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use webscripts_app::Configuration;
use webscripts_domain::identity::Caller;

use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::{AboutPage, NavEntry, Shell, UserView};
use crate::problem::Problem;

/// Version of the product.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Every address in no row of the table.
pub async fn nothing() -> Problem {
    Problem::not_found()
}

/// `GET /web/about/`.
pub async fn about(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let shell = shell(&web, &configuration, &facts, Some(&caller), "web/about/")?;
    page(&AboutPage { shell })
}

/// A rendered page.
fn page(template: &impl Template) -> Result<Response, Problem> {
    let text = template.render().map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}

/// The frame of a page for this caller; `current` is the address of its destination.
fn shell(
    web: &Web,
    configuration: &Configuration,
    facts: &Facts,
    caller: Option<&Caller>,
    current: &str,
) -> Result<Shell, Problem> {
    let csrf_token = match caller {
        Some(caller) => web.app.issue_csrf_token(caller)?.unwrap_or_default(),
        None => String::new(),
    };
    let signed_in = caller.filter(|caller| caller.identity.is_signed_in());
    let may_look_around = caller.is_some_and(|caller| !configuration.must_sign_in(caller));
    let entry = |label: &str, href: &str| NavEntry {
        label: label.to_owned(),
        href: href.to_owned(),
        current: href == current,
    };
    Ok(Shell {
        product: configuration.settings.pages.product_name.clone(),
        base: facts.base(),
        user: signed_in.map(|caller| UserView { name: caller.identity.name.clone() }),
        theme: facts.theme,
        request_id: facts.request_id.clone(),
        csrf_token,
        nav: if may_look_around {
            vec![entry("Scripts", "web/"), entry("Runs", "web/runs/")]
        } else {
            Vec::new()
        },
        version: VERSION.to_owned(),
    })
}
