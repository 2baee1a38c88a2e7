//! The page of one run.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{page, shell};
use crate::Web;
use crate::api::runs::run_id;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::RunPage;
use crate::problem::Problem;

/// `GET /web/runs/{id}`.
pub async fn run(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = web.app.run(&caller, run_id(&id)?).await?;
    let shell = shell(&web, &configuration, &facts, Some(&caller), "web/runs/")?;
    page(&RunPage::new(shell, &view, web.app.now()))
}
