//! `GET /api/runs/{id}/output`: what a run printed, as bytes: whole, from an offset, or a range
//! (RFC 9110 §14). Offsets count everything that was printed, also what is not kept.

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{try_unfold, unfold};
use webscripts_app::runs::RunView;
use webscripts_app::runs::follow::{Follow, Follower, RunEvent};
use webscripts_app::runs::history::OutputPiece;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{RunId, Stream};

use super::run_id;
use crate::Web;
use crate::api::download::{attach, isolate, set_number};
use crate::api::kept::{Kept, Part, printed_to};
use crate::api::output_text::gap_line;
use crate::api::query::Query;
use crate::caller::WhoCalls;
use crate::edge::Facts;
use crate::files::{Range, range};
use crate::problem::Problem;

const NAMES: [&str; 4] = ["stream", "offset", "length", "download"];

/// Answers output. `stream` is `stdout` (if absent), `stderr`, or `both`: in the order of arrival.
pub async fn output(
    State(web): State<Web>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let query = Query::read(&facts, &NAMES)?;
    let which = query.parsed("stream", "must be `stdout`, `stderr` or `both`", Which::parse)?;
    let which = which.unwrap_or(Which::One(Stream::Stdout));
    let slice = Slice { offset: query.number("offset")?, length: query.number("length")? };
    let download = query.flag("download")?;
    let view = web.app.run(&caller, id).await?;
    let mut response = match which {
        Which::Both => both(&web, &caller, &view).await?,
        Which::One(stream) => {
            let asked = Asked { web, caller, id, stream, total: printed_to(stream, view.printed) };
            let etag = etag(&view, stream);
            let mut response = asked.answer(&headers, slice, etag.as_deref()).await?;
            let of_answer = response.headers_mut();
            of_answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
                of_answer.insert(header::ETAG, etag);
            }
            response
        }
    };
    let headers = response.headers_mut();
    isolate(headers);
    if download {
        attach(headers, &file_name(&view, which));
    }
    let kind = if download { "application/octet-stream" } else { "text/plain; charset=utf-8" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    One(Stream),
    Both,
}

impl Which {
    fn parse(word: &str) -> Option<Self> {
        if word == "both" { Some(Self::Both) } else { Stream::parse(word).map(Self::One) }
    }
}

/// `offset` and `length` of the address.
#[derive(Debug, Clone, Copy)]
struct Slice {
    offset: Option<u64>,
    length: Option<u64>,
}

/// Output of a run that is over does not change any more, unless it is removed.
fn etag(view: &RunView, stream: Stream) -> Option<String> {
    let gone = if view.record.output_expired { "-gone" } else { "" };
    let is_over = view.record.state.is_over();
    is_over.then(|| format!("\"{}-{}{gone}\"", view.record.id, stream.name()))
}

fn file_name(view: &RunView, which: Which) -> String {
    let middle = match which {
        Which::Both => "",
        Which::One(Stream::Stdout) => ".stdout",
        Which::One(Stream::Stderr) => ".stderr",
    };
    format!("{}-{}{middle}.txt", view.record.script, view.record.id)
}

/// A request for bytes of one stream.
struct Asked {
    web: Web,
    caller: Arc<Caller>,
    id: RunId,
    stream: Stream,
    total: u64,
}

impl Asked {
    async fn answer(
        self,
        headers: &HeaderMap,
        slice: Slice,
        etag: Option<&str>,
    ) -> Result<Response, Problem> {
        let is_slice = slice.offset.is_some() || slice.length.is_some();
        if is_slice {
            return self.slice(slice).await;
        }
        match range(headers, etag.unwrap_or_default(), self.total) {
            Range::Whole => Ok(self.whole()),
            Range::Part(from, to) => self.part(from, to, etag.is_some()).await,
            Range::Unsatisfiable => Ok(self.unsatisfiable(None)),
        }
    }

    /// Everything that is kept, one part after the other.
    fn whole(self) -> Response {
        let total = self.total;
        let mut response = self.body(0, total).into_response();
        set_number(response.headers_mut(), "x-output-offset", 0);
        set_number(response.headers_mut(), "x-output-total", total);
        response
    }

    /// What is kept without a gap from an offset on; if nothing is kept there, from the next place.
    async fn slice(self, slice: Slice) -> Result<Response, Problem> {
        let offset = slice.offset.unwrap_or_default();
        let piece = self.first(offset).await?;
        let start = if piece.bytes.is_empty() { self.total.max(offset) } else { piece.offset };
        let kept = piece.kept_until.clamp(start, self.total.max(start));
        let end = slice.length.map_or(kept, |length| kept.min(start.saturating_add(length)));
        let total = self.total;
        let mut response = self.body(start, end).into_response();
        let headers = response.headers_mut();
        set_number(headers, "x-output-offset", start);
        set_number(headers, "x-output-total", total);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
        Ok(response)
    }

    /// The bytes from `from` to `to`, or up to where they are kept. A range that begins where nothing
    /// is kept cannot be satisfied: bytes from elsewhere would be taken for those that were asked for.
    async fn part(self, from: u64, to: u64, is_over: bool) -> Result<Response, Problem> {
        let piece = self.first(from).await?;
        if piece.bytes.is_empty() || piece.offset != from {
            let next = (!piece.bytes.is_empty()).then_some(piece.offset);
            return Ok(self.unsatisfiable(next));
        }
        let end = piece.kept_until.clamp(from + 1, to.saturating_add(1));
        let whole = if is_over { self.total.to_string() } else { "*".to_owned() };
        let total = self.total;
        let mut response = self.body(from, end).into_response();
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let headers = response.headers_mut();
        set_number(headers, "x-output-offset", from);
        set_number(headers, "x-output-total", total);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - from));
        if let Ok(range) = HeaderValue::from_str(&format!("bytes {from}-{}/{whole}", end - 1)) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        Ok(response)
    }

    fn unsatisfiable(&self, next: Option<u64>) -> Response {
        let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        let headers = response.headers_mut();
        set_number(headers, "x-output-total", self.total);
        if let Some(next) = next {
            set_number(headers, "x-output-offset", next);
        }
        if let Ok(range) = HeaderValue::from_str(&format!("bytes */{}", self.total)) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        response
    }

    async fn first(&self, offset: u64) -> Result<OutputPiece, Problem> {
        let (app, caller) = (&self.web.app, &self.caller);
        Ok(app.read_output(caller, self.id, self.stream, offset, 1).await?)
    }

    /// The kept bytes from `start` to before `end`.
    fn body(self, start: u64, end: u64) -> Body {
        let kept = Kept::between(&self.web, &self.caller, self.id, self.stream, start, end);
        Body::from_stream(try_unfold(kept, |mut kept| async move {
            loop {
                match kept.next().await.map_err(io::Error::other)? {
                    Some(Part::Bytes(bytes)) => {
                        return Ok::<_, io::Error>(Some((Bytes::from(bytes), kept)));
                    }
                    Some(Part::Gap(_)) => {}
                    None => return Ok(None),
                }
            }
        }))
    }
}

/// Both streams as text, in the order in which they were read, up to what there is now.
async fn both(web: &Web, caller: &Arc<Caller>, view: &RunView) -> Result<Response, Problem> {
    let follower = web.app.follow(caller, view.record.id, Follow::default()).await?;
    let is_over = view.record.state.is_over();
    let end = if is_over { u64::MAX } else { view.outlook.chunks };
    let reading = Both { follower, end, at_line_begin: true };
    let body = Body::from_stream(unfold(reading, |mut reading| async move {
        let text = reading.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), reading))
    }));
    Ok(body.into_response())
}

struct Both {
    follower: Follower,
    /// The number of the first piece that is not wanted.
    end: u64,
    at_line_begin: bool,
}

impl Both {
    async fn next(&mut self) -> Option<String> {
        if self.follower.position() >= self.end {
            return None;
        }
        let mut out = String::new();
        for event in self.follower.next().await? {
            match event {
                RunEvent::Output { text, .. } => self.write(&mut out, &text.text),
                RunEvent::Cut(cut) => {
                    if !self.at_line_begin {
                        self.write(&mut out, "\n");
                    }
                    let missing =
                        [cut.stdout, cut.stderr].map(|it| it.end.saturating_sub(it.start));
                    self.write(&mut out, &gap_line(missing.iter().sum()));
                }
                RunEvent::State(_)
                | RunEvent::End(_)
                | RunEvent::Progress(_)
                | RunEvent::Screen(_) => {}
            }
        }
        Some(out)
    }

    fn write(&mut self, out: &mut String, text: &str) {
        out.push_str(text);
        if let Some(last) = text.chars().next_back() {
            self.at_line_begin = last == '\n';
        }
    }
}
