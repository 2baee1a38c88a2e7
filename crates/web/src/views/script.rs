//! The page of a script.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use webscripts_domain::catalogue::Script;

use super::{page, shell};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::{Prefill, ScriptPage};
use crate::problem::Problem;

/// `GET /web/scripts/{name}`: the form, filled with the values of the address.
pub async fn script(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let script = web.app.find_script(&configuration, &caller, &name)?;
    let shell = shell(&web, &configuration, &facts, Some(&caller), "web/scripts/")?;
    let prefill = Prefill::parse(&facts.context.query);
    page(&ScriptPage::new(shell, &script, has_documentation(&script), &prefill))
}

/// Whether a link to documentation is worth showing.
pub fn has_documentation(script: &Script) -> bool {
    script.documentation_file.is_some() || script.documentation_command.is_some()
}
