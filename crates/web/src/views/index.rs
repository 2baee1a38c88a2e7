//! The list of scripts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use webscripts_app::Configuration;
use webscripts_domain::identity::Caller;

use super::{page, shell};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::{CategoryView, IndexPage, Prefill, ScriptEntry, ScriptView};
use crate::problem::Problem;

/// `GET /` and every single name below it: 301 to the index (http-api.md §6).
pub async fn to_index(Extension(facts): Extension<Arc<Facts>>) -> Response {
    let base = facts.base();
    let body = format!(
        "<!DOCTYPE html>\n<title>Moved</title>\n<p><a href=\"{base}web/\">Scripts</a></p>\n"
    );
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (StatusCode::MOVED_PERMANENTLY, kind, body).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("{base}web/")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// `GET /web/`, `/web/?q=&category=` and `/web/<text>`, which searches for the text.
pub async fn index(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let query = Prefill::parse(&facts.context.query);
    let in_path = facts.path.rsplit('/').next().unwrap_or_default();
    let text = query.value("q").unwrap_or(in_path);
    let category = query.value("category").unwrap_or_default();
    let shell = shell(&web, &configuration, &facts, Some(&caller), "web/")?;
    page(&IndexPage::new(shell, text, category, categories(&configuration, &caller)))
}

/// Scripts by category, in the order of the configuration; those without one come last, under
/// "Other".
fn categories(configuration: &Configuration, caller: &Caller) -> Vec<CategoryView> {
    let mut categories: Vec<CategoryView> = Vec::new();
    let mut others = Vec::new();
    for (script, _) in configuration.scripts_for(caller) {
        let view = ScriptView::new(script, super::script::has_documentation(script));
        let entry = ScriptEntry {
            name: view.name,
            label: view.label,
            description: view.description,
            badges: ScriptView::badges(script),
            has_doc: view.has_doc,
            hidden: false,
        };
        if script.category.is_empty() {
            others.push(entry);
            continue;
        }
        match categories.iter_mut().find(|category| category.name == script.category) {
            Some(category) => category.scripts.push(entry),
            None => categories.push(CategoryView {
                name: script.category.clone(),
                scripts: vec![entry],
                ..CategoryView::default()
            }),
        }
    }
    if !others.is_empty() {
        let name = "Other".to_owned();
        let scripts = others;
        // Where nothing has a category there is nothing else to show.
        let uncategorised = !categories.is_empty();
        categories.push(CategoryView { name, scripts, uncategorised, hidden: false });
    }
    categories
}
