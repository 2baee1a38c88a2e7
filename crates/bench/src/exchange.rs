//! A single request with its whole answer.

use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::plan::Plan;

/// Bytes of the body that are accepted.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// How long the answer may take.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What the server answered.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// Makes the request of `plan` once. Any status is an answer; there is at most 8 MiB of it, within 60 s.
pub async fn ask(plan: &Plan) -> anyhow::Result<Answer> {
    plan.check()?;
    timeout(LONGEST_WAIT, exchange(plan))
        .await
        .with_context(|| format!("no answer from {} within {LONGEST_WAIT:?}", plan.address))?
}

async fn exchange(plan: &Plan) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(plan.address).await?;
    let response = connection.send(plan.request()?).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_BODY)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("the body cannot be read: {error}"))?
        .to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Ok(Answer {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
