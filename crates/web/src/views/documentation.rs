//! Documentation of scripts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use webscripts_app::documentation::Documentation;

use super::{page, shell};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::headers::Policy;
use crate::edge::{Facts, InForce};
use crate::pages::{DocumentationPage, ScriptView};
use crate::problem::Problem;
use crate::respond::Format;

/// `GET /web/doc/{name}`: for readers a page with the document in a sandboxed frame; for programs,
/// and for the frame itself, the document.
pub async fn documentation(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let document = web.app.documentation(&caller, &name, &facts.context).await?;
    let in_frame = headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe")
        || facts.context.query == "document";
    if facts.format != Format::Html || in_frame {
        return raw(document);
    }
    let script = web.app.find_script(&configuration, &caller, &name)?;
    let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
    page(&DocumentationPage {
        shell: shell(&web, &configuration, &facts, Some(&caller), "web/doc/")?,
        script: ScriptView::new(&script, true),
        document: Some(format!("web/doc/{encoded}?document")),
        notice: None,
        fields: Vec::new(),
    })
}

fn raw(document: Documentation) -> Result<Response, Problem> {
    let kind = format!("{}; charset=utf-8", document.content_type);
    let kind = HeaderValue::from_str(&kind).map_err(|error| Problem::internal(&error))?;
    let mut response = document.content.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.extensions_mut().insert(Policy::Document);
    Ok(response)
}
