//! What to ask, how often and for how long.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use serde::Deserialize;

/// Connections a plan may open.
const MOST_CONNECTIONS: usize = 1024;
/// Requests a plan may count; each costs four bytes of memory for its latency.
const MOST_REQUESTS: u64 = 10_000_000;
/// Milliseconds that warm-up and measurement may each take.
const LONGEST_PHASE_MS: u64 = 600_000;

/// One measurement: the request, the connections and the end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The server. Loopback only.
    pub address: SocketAddr,
    /// Method of the request.
    pub method: String,
    /// Path and query of the request.
    pub path: String,
    /// Header fields beside `Host`, which is always the address.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body of the request.
    #[serde(default)]
    pub body: String,
    /// Keep-alive connections, each with one request at a time. 1 to 1,024.
    #[serde(default = "one")]
    pub connections: usize,
    /// Milliseconds before counting begins. At most 600,000.
    #[serde(default)]
    pub warm_up_ms: u64,
    /// Milliseconds of counting. At most 600,000.
    #[serde(default)]
    pub duration_ms: u64,
    /// Requests after which counting ends before its time. 1 to 10,000,000.
    #[serde(default = "most_requests")]
    pub requests: u64,
    /// Text that the first 64 KiB of every answer must contain. Empty: anything will do.
    #[serde(default)]
    pub expect: String,
    /// Bytes that the body of every answer must have at least.
    #[serde(default)]
    pub least_bytes: u64,
}

fn one() -> usize {
    1
}

fn most_requests() -> u64 {
    MOST_REQUESTS
}

impl Plan {
    /// Refuses a plan that leaves the loopback interface or its bounds.
    pub fn check(&self) -> anyhow::Result<()> {
        let Self { address, connections, requests, .. } = self;
        ensure!(address.ip().is_loopback(), "{address} is not a loopback address");
        ensure!(
            (1..=MOST_CONNECTIONS).contains(connections),
            "{connections} connections are not within 1 to {MOST_CONNECTIONS}"
        );
        ensure!(
            (1..=MOST_REQUESTS).contains(requests),
            "{requests} requests are not within 1 to {MOST_REQUESTS}"
        );
        for (name, value) in [("warm_up_ms", self.warm_up_ms), ("duration_ms", self.duration_ms)] {
            ensure!(value <= LONGEST_PHASE_MS, "{name} is {value}, at most {LONGEST_PHASE_MS}");
        }
        Ok(())
    }

    /// Builds the request that every connection repeats.
    pub fn request(&self) -> anyhow::Result<Request<Full<Bytes>>> {
        let method = Method::from_bytes(self.method.as_bytes())
            .with_context(|| format!("`{}` is not a method", self.method))?;
        let uri: Uri =
            self.path.parse().with_context(|| format!("`{}` is not a path", self.path))?;
        let mut request = Request::new(Full::new(Bytes::from(self.body.clone())));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let fields = request.headers_mut();
        fields.insert(header::HOST, HeaderValue::try_from(self.address.to_string())?);
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name)
                .with_context(|| format!("`{name}` is not a name of a header field"))?;
            let value = HeaderValue::try_from(value)
                .with_context(|| format!("the value of `{name}` cannot be a header field"))?;
            fields.append(name, value);
        }
        Ok(request)
    }
}
