//! Output as text in answers, written while it is read. A first pass over a long stream finds its
//! encoding (scripts.md §8), a second one writes; a short one is read once.

use std::collections::VecDeque;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use webscripts_domain::decoding::{Decoder, EncodingFinder};
use webscripts_domain::description::write_escaped;

use super::kept::{Kept, Part};
use crate::problem::Problem;

/// Answers up to here are sent as a whole, with their length.
const WHOLE_BYTES: usize = 256 * 1024;
/// Decoded bytes of one frame of an answer.
const FRAME_BYTES: usize = 64 * 1024;

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// As the inside of a JSON string, ASCII only.
    Json,
}

impl Form {
    fn write(self, out: &mut String, text: &str) {
        match self {
            Self::Plain => out.push_str(text),
            Self::Json => write_escaped(out, text),
        }
    }
}

/// The text that stands where output is not kept.
pub fn gap_line(bytes: u64) -> String {
    format!("[WebScripts: {bytes} bytes are not kept (`run_output_bytes`)]\n")
}

/// Reads one stream of a run as text.
pub struct TextReader {
    kept: Kept,
    part: Option<(Vec<u8>, usize)>,
    decoder: Decoder,
    form: Form,
    last: Option<char>,
    notice: Option<String>,
}

impl TextReader {
    /// Prepares to read: the encoding is found here, so that what fails, fails before an answer has
    /// begun.
    pub async fn open(mut kept: Kept, is_over: bool, form: Form) -> Result<Self, Problem> {
        let mut finder = EncodingFinder::default();
        let first = kept.next().await?;
        if let Some(part) = &first {
            look_at(&mut finder, part);
        }
        let is_short = kept.is_at_end();
        while let Some(part) = kept.next().await? {
            look_at(&mut finder, &part);
        }
        if !is_over {
            finder.gap();
        }
        let part = match first {
            Some(Part::Bytes(bytes)) if is_short => Some((bytes, 0)),
            _ => {
                kept = kept.again();
                None
            }
        };
        let decoder = Decoder::new(finder.finish());
        Ok(Self { kept, part, decoder, form, last: None, notice: None })
    }

    /// The same with a line of the server behind it.
    pub fn with_notice(mut self, notice: Option<String>) -> Self {
        self.notice = notice;
        self
    }

    /// How many bytes are certain to come without another read.
    fn ready_bytes(&self) -> Option<usize> {
        let is_last = self.kept.is_at_end();
        is_last.then(|| self.part.as_ref().map_or(0, |(bytes, at)| bytes.len().saturating_sub(*at)))
    }

    /// The next text; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>, Problem> {
        loop {
            if let Some((bytes, at)) = self.part.take() {
                let end = bytes.len().min(at.saturating_add(FRAME_BYTES));
                let mut out = String::with_capacity(end.saturating_sub(at) + 64);
                let (form, last) = (self.form, &mut self.last);
                let decoded = self.decoder.push(bytes.get(at..end).unwrap_or_default(), |text| {
                    form.write(&mut out, text);
                    *last = text.chars().next_back().or(*last);
                });
                decoded.map_err(|error| Problem::internal(&error))?;
                if end < bytes.len() {
                    self.part = Some((bytes, end));
                }
                return Ok(Some(out));
            }
            match self.kept.next().await? {
                Some(Part::Bytes(bytes)) => self.part = Some((bytes, 0)),
                Some(Part::Gap(missing)) => {
                    self.decoder.gap();
                    return Ok(Some(self.own_line(&gap_line(missing))));
                }
                None => {
                    let notice = self.notice.take();
                    return Ok(notice.map(|notice| self.own_line(&notice)));
                }
            }
        }
    }

    /// A line of the server, on a line of its own.
    fn own_line(&mut self, line: &str) -> String {
        let mut out = String::new();
        if self.last.is_some_and(|last| last != '\n') {
            self.form.write(&mut out, "\n");
        }
        self.form.write(&mut out, line);
        self.last = Some('\n');
        out
    }
}

fn look_at(finder: &mut EncodingFinder, part: &Part) {
    match part {
        Part::Bytes(bytes) => finder.push(bytes),
        Part::Gap(_) => finder.gap(),
    }
}

/// A part of an answer.
pub enum Segment {
    /// Text that is known.
    Literal(String),
    /// Output.
    Text(TextReader),
}

/// An answer whose parts are written one after the other.
pub struct Segments(VecDeque<Segment>);

impl Segments {
    /// These parts.
    pub fn new(parts: impl IntoIterator<Item = Segment>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The next text; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>, Problem> {
        while let Some(mut segment) = self.0.pop_front() {
            match &mut segment {
                Segment::Literal(text) => return Ok(Some(std::mem::take(text))),
                Segment::Text(reader) => {
                    if let Some(text) = reader.next().await? {
                        self.0.push_front(segment);
                        return Ok(Some(text));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether the answer is short: everything has been read.
    fn is_short(&self) -> bool {
        let length = self.0.iter().try_fold(0_usize, |sum, segment| {
            let more = match segment {
                Segment::Literal(text) => text.len(),
                Segment::Text(reader) => reader.ready_bytes()?,
            };
            Some(sum.saturating_add(more))
        });
        length.is_some_and(|length| length <= WHOLE_BYTES)
    }

    /// A body of these parts. A reader that goes away ends the reading.
    pub async fn into_body(mut self) -> Result<Body, Problem> {
        if self.is_short() {
            let mut whole = String::new();
            while let Some(text) = self.next().await? {
                whole.push_str(&text);
            }
            return Ok(Body::from(whole));
        }
        Ok(Body::from_stream(try_unfold(self, |mut segments| async move {
            // The head of the answer has been sent: all that is left is to break off.
            let next =
                segments.next().await.map_err(|problem| std::io::Error::other(problem.message));
            Ok::<_, std::io::Error>(next?.map(|text| (Bytes::from(text), segments)))
        })))
    }

    /// A JSON answer of these parts.
    pub async fn into_json_response(self) -> Result<Response, Problem> {
        let body = self.into_body().await?;
        Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
    }
}
