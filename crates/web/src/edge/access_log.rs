//! One line per request.

use std::time::Duration;

use axum::http::request::Parts;
use axum::response::Response;

use super::Facts;
use crate::caller::Called;

/// What is remembered of a request until it has been answered.
pub struct Entry {
    method: String,
    path: String,
}

impl Entry {
    /// Takes down method and path; never the query, which may hold values.
    pub fn of(parts: &Parts) -> Self {
        let path: String = parts.uri.path().chars().take(2048).collect();
        Self { method: parts.method.to_string(), path }
    }

    /// Writes the line.
    pub fn log(&self, facts: &Facts, response: &Response, took: Duration) {
        let user = response.extensions().get::<Called>().map(|called| &called.0.identity.name);
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            name: "request",
            target: "webscripts::access",
            { method = ?self.method, path = ?self.path, status = response.status().as_u16(),
              address = ?facts.address, user.name = ?user, duration_us },
            "request",
        );
    }
}
