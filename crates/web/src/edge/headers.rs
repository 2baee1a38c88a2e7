//! Security headers of every answer: the list of the founding text, with the decisions of the
//! specification on `Content-Security-Policy` and `Clear-Site-Data`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use webscripts_app::settings::{ClearSiteData, Settings};

/// Policy of pages: nothing but our own origin, no inline code, no forms, Trusted Types.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; frame-src 'self'; manifest-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Policy of documents that scripts or administrators wrote: an opaque origin without code.
const DOCUMENT_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; \
    default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// Policy of the administrator's own files below `/static/`: the sentence of the founding text.
const FILE_POLICY: &str = "default-src 'self'; form-action 'none'; frame-ancestors 'none'";

/// Which policy an answer gets; handlers put one into its extensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Policy {
    /// Our own pages and data.
    #[default]
    Page,
    /// A document in a frame.
    Document,
    /// A file of the administrator.
    File,
}

/// An answer that ends or begins what a browser may keep of the site (spec/README.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearData {
    /// Sign-in, and answers that refuse.
    Cache,
    /// Sign-out.
    Everything,
}

/// The headers, built once.
pub struct SecurityHeaders {
    fixed: HeaderMap,
    secure: bool,
    clear: ClearSiteData,
}

impl SecurityHeaders {
    /// The headers these settings ask for (`security`, `clear_site_data`).
    pub fn new(settings: &Settings) -> Self {
        let list = [
            ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
            ("x-frame-options", "deny"),
            ("x-xss-protection", "1; mode=block"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "origin-when-cross-origin"),
            (
                "feature-policy",
                "payment 'none'; geolocation 'none'; microphone 'none'; camera 'none'",
            ),
            ("permissions-policy", "microphone=(),camera=(),payment=(),geolocation=()"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        let fixed = list
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let clear = settings.access.clear_site_data;
        Self { fixed, secure: settings.security, clear }
    }

    /// Adds what the answer does not set itself.
    pub fn apply(&self, response: &mut Response) {
        let policy = response.extensions().get::<Policy>().copied().unwrap_or_default();
        let clear = response.extensions().get::<ClearData>().copied();
        let refused = matches!(response.status().as_u16(), 401 | 403);
        let headers = response.headers_mut();
        headers.insert(header::SERVER, HeaderValue::from_static("WebScripts"));
        let kept = headers.entry(header::CACHE_CONTROL);
        kept.or_insert(HeaderValue::from_static("no-store"));
        if !self.secure {
            let report_only = HeaderName::from_static("content-security-policy-report-only");
            headers.entry(report_only).or_insert(HeaderValue::from_static(PAGE_POLICY));
            return;
        }
        for (name, value) in &self.fixed {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        let text = match policy {
            Policy::Page => PAGE_POLICY,
            Policy::Document => DOCUMENT_POLICY,
            Policy::File => FILE_POLICY,
        };
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(text));
        if policy == Policy::Document {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("sameorigin"));
        }
        let clear =
            clear.or((refused || self.clear == ClearSiteData::Always).then_some(ClearData::Cache));
        if let Some(clear) = clear {
            let value = match clear {
                ClearData::Cache => "\"cache\"",
                ClearData::Everything => "\"cache\", \"storage\"",
            };
            headers.insert(
                HeaderName::from_static("clear-site-data"),
                HeaderValue::from_static(value),
            );
        }
    }
}
