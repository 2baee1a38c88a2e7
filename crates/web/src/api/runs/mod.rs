//! Runs over HTTP: start, look at, follow, steer, repeat, delete (docs: `api/runs`).
//!
//! Every handler names a run by its identifier alone; whether the caller may know of it is decided
//! by the use case, and the answer for a run of somebody else is the one for no run at all.

mod control;
mod document;
mod event;
mod events;
mod files;
mod list;
mod output;
mod poll;
mod record;
mod start;
pub mod streams;

pub use control::{again, close_input, delete, input, kill, resize, stop};
pub use document::document;
pub use events::events;
pub use files::{file, files};
pub use list::list;
pub use output::output;
pub use poll::{poll, screen};
pub use record::record;
pub use start::start;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use webscripts_app::runs::RunAccessError;
use webscripts_domain::run::RunId;

use crate::Web;
use crate::problem::Problem;

/// `/api/runs/`: GET lists, POST starts. Any other method was refused before.
pub async fn collection(State(web): State<Web>, request: Request) -> Response {
    if request.method() == Method::POST {
        axum::handler::Handler::call(start, request, web).await
    } else {
        axum::handler::Handler::call(list, request, web).await
    }
}

/// The identifier in an address; only the one way of writing it that answers use is understood.
pub fn run_id(text: &str) -> Result<RunId, Problem> {
    RunId::parse(text)
        .filter(|id| id.to_string() == text)
        .ok_or_else(|| RunAccessError::NotFound.into())
}
