//! The HTTP API: the reference's addresses and the new ones beside them.

mod body;
mod download;
mod index;
mod kept;
mod live;
mod nodes;
mod output_text;
mod query;
mod run;
pub mod runs;
mod session;
mod sign_in;

pub use index::index;
pub use live::{fetch_live, stop_live};
pub use nodes::nodes;
pub use run::run_script;
pub use session::{csrf_token, end_all_sessions, end_session, list_sessions, session};
pub use sign_in::{sign_in, sign_out};

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// A JSON answer in the form of the reference.
fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}
