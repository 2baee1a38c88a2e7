//! Files: our own assets, and the administrator's below `/static/` and `/js/`.
//!
//! Names are looked up in tables made when the configuration was loaded; an address never becomes
//! a path.

mod cache;
mod content;
mod serve;

pub use cache::FileCache;
pub use content::Content;
pub use serve::{Range, Variant, range, serve};

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::Web;
use crate::assets::{self, Encoding};
use crate::edge::InForce;
use crate::edge::headers::Policy;
use crate::problem::Problem;
use serve::accepts;

/// `GET /web/assets/{version}/{name}`: embedded, kept by browsers for a year.
pub async fn asset(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = assets::find(&version, &name).ok_or_else(Problem::not_found)?;
    let encoding = match accepts(&headers) {
        accepted if accepted.brotli => Encoding::Brotli,
        accepted if accepted.gzip => Encoding::Gzip,
        _ => Encoding::Identity,
    };
    let variant = Variant {
        content: Content::Memory(bytes::Bytes::from_static(asset.body(encoding))),
        etag: asset.etag(encoding),
        encoding: match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some("gzip"),
            Encoding::Brotli => Some("br"),
        },
    };
    let mut response = serve(&headers, variant, asset.content_type);
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    Ok(response)
}

/// `GET /static/{name}`.
pub async fn static_file(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = configuration.static_file(&name).ok_or_else(Problem::not_found)?;
    own_file(&web, path, content_type(&name), &headers).await
}

/// `GET /js/{name}`.
pub async fn js_file(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = configuration.js_file(&name).ok_or_else(Problem::not_found)?;
    own_file(&web, path, "text/javascript; charset=utf-8", &headers).await
}

async fn own_file(
    web: &Web,
    path: &std::path::Path,
    kind: &'static str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let file = web.files.get(path, kind).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Problem::not_found(),
        std::io::ErrorKind::FileTooLarge => Problem::new(
            axum::http::StatusCode::PAYLOAD_TOO_LARGE,
            "file-too-large",
            "This file is larger than the server hands out.",
        ),
        _ => Problem::internal(&error),
    })?;
    let mut response = serve(headers, file.variant(accepts(headers)), kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.extensions_mut().insert(Policy::File);
    Ok(response)
}

/// Type by extension (http-api.md §7).
fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "html" | "htm" | "shtml" | "xhtml" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "gif" => "image/gif",
        "json" => "application/json; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "pdf" => "application/pdf; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "tiff" | "tif" => "image/tiff",
        "xml" | "xsd" | "xslt" | "tld" | "dtml" | "rss" | "opml" => {
            "application/xml; charset=utf-8"
        }
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
