//! `GET /api/runs/{id}/events`: everything that happens to a run, as server-sent events.
//!
//! The body yields one bounded batch at a time, and the next one only when that has been taken: a
//! client that reads slowly slows nobody but itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use webscripts_app::runs::follow::{Follow, Follower, RunEvent};

use super::event::EventData;
use super::run_id;
use super::streams::StreamPlace;
use crate::Web;
use crate::api::query::Query;
use crate::caller::WhoCalls;
use crate::edge::Facts;
use crate::problem::Problem;

/// A comment is sent after so much silence, so that nothing on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client waits before it comes back.
const RETRY: &str = "retry: 2000\n\n";

/// Follows a run from `from` on, or from behind the last event that the client has seen.
pub async fn events(
    State(web): State<Web>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let query = Query::read(&facts, &["from", "rendered"])?;
    let from = query.number("from")?.unwrap_or_default().max(resume_at(&headers));
    let how = Follow { from, rendered: query.flag("rendered")? };
    let follower = web.app.follow(&caller, id, how).await?;
    let place = web.streams.enter(&caller)?;
    Ok(stream(web, follower, place))
}

/// The number behind that of the last event the client has seen; 0 if it says nothing usable.
fn resume_at(headers: &HeaderMap) -> u64 {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last: Option<u64> = last.and_then(|text| text.parse().ok());
    last.map_or(0, |last| last.saturating_add(1))
}

/// Someone who is being told what happens.
struct Watch {
    web: Web,
    follower: Follower,
    // Given back when the stream ends.
    _place: StreamPlace,
    begun: bool,
}

/// The answer that tells a client what a follower learns.
pub fn stream(web: Web, follower: Follower, place: StreamPlace) -> Response {
    let watch = Watch { web, follower, _place: place, begun: false };
    let body = unfold(watch, |mut watch| async move {
        let text = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), watch))
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Watch {
    /// The next piece of the stream; `None`: the run is over and all was told, the caller may not
    /// watch it any more, or the server stops.
    async fn next(&mut self) -> Option<String> {
        if !self.begun {
            self.begun = true;
            return Some(RETRY.to_owned());
        }
        let events = tokio::select! {
            biased;
            () = self.web.stop.cancelled() => return None,
            events = tokio::time::timeout(KEEP_ALIVE, self.follower.next()) => events,
        };
        match events {
            Err(_) => Some(": still here\n\n".to_owned()),
            Ok(events) => Some(self.write(&events?)),
        }
    }

    fn write(&self, events: &[RunEvent]) -> String {
        let now = self.web.app.now();
        let mut out = String::new();
        for event in events {
            EventData::new(event, now).write_to(&mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_comes_back_goes_on_behind_the_last_event() {
        let at = |value: &'static str| {
            let header =
                (HeaderName::from_static("last-event-id"), HeaderValue::from_static(value));
            resume_at(&[header].into_iter().collect())
        };

        assert_eq!([at("0"), at("41"), at(""), at("x"), at("-1")], [1, 42, 0, 0, 0]);
        assert_eq!(at("18446744073709551615"), u64::MAX);
        assert_eq!(resume_at(&HeaderMap::new()), 0);
    }
}
