//! `GET /api/runs/{id}/files/…`: files that a run left behind.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use webscripts_app::runs::files::ResultFile;

use super::record::{time, to_json};
use super::run_id;
use crate::Web;
use crate::api::download::{attach, isolate};
use crate::api::json;
use crate::caller::WhoCalls;
use crate::files::{Content, Variant, serve};
use crate::problem::Problem;

#[derive(Serialize)]
struct Files<'a> {
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    size: u64,
    modified: String,
}

/// Lists them.
pub async fn files(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let files = web.app.result_files(&caller, run_id(&id)?).await?;
    let files = files.iter().map(|file| {
        let ResultFile { name, size, modified } = file;
        File { name, size: *size, modified: time(*modified) }
    });
    Ok(json(to_json(&Files { files: files.collect() })))
}

/// One of them, always to be saved: what a script wrote is no page of ours.
pub async fn file(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let open = web.app.open_result_file(&caller, run_id(&id)?, &name).await?;
    let about = open.about;
    let variant = Variant {
        content: Content::Disk { file: Arc::new(open.file), length: about.size },
        etag: format!("\"{:x}-{:x}\"", about.size, about.modified.as_nanosecond()),
        encoding: None,
    };
    let mut response = serve(&headers, variant, "application/octet-stream");
    isolate(response.headers_mut());
    attach(response.headers_mut(), about.name.rsplit('/').next().unwrap_or_default());
    Ok(response)
}
