//! `GET /api/runs/{id}/document`: HTML that a script printed, for a frame of opaque origin
//! (web-ui.md B9): it is shown, and runs nothing.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use webscripts_domain::run::Stream;

use super::run_id;
use crate::Web;
use crate::api::kept::Kept;
use crate::api::output_text::{Form, Segment, Segments, TextReader};
use crate::caller::WhoCalls;
use crate::edge::headers::Policy;
use crate::problem::Problem;

/// The document; 404 if the script says that it prints something else.
pub async fn document(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = web.app.run(&caller, run_id(&id)?).await?;
    let is_html = view
        .script
        .as_ref()
        .is_some_and(|script| script.content_type.to_ascii_lowercase().contains("html"));
    if !is_html {
        return Err(Problem {
            code: "no-document",
            message: "This run printed no HTML document.".to_owned(),
            ..Problem::not_found()
        });
    }
    let kept = Kept::new(&web, &caller, view.record.id, view.printed, Stream::Stdout);
    let text = TextReader::open(kept, view.record.state.is_over(), Form::Plain).await?;
    let body = Segments::new([Segment::Text(text)]).into_body().await?;
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (kind, body).into_response();
    response.extensions_mut().insert(Policy::Document);
    Ok(response)
}
