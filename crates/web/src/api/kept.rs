//! What is kept of one stream of a run, read piece by piece: memory stays flat whatever was printed.

use std::collections::VecDeque;
use std::sync::Arc;

use webscripts_app::runs::RunAccessError;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{Printed, RunId, Stream};

use crate::Web;

/// Bytes read at a time.
const PIECE_BYTES: usize = 2 * 1024 * 1024;

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As printed.
    Bytes(Vec<u8>),
    /// So many bytes are not kept.
    Gap(u64),
}

/// How much a run has printed to one stream.
pub fn printed_to(stream: Stream, printed: Printed) -> u64 {
    match stream {
        Stream::Stdout => printed.stdout,
        Stream::Stderr => printed.stderr,
    }
}

/// Reads a stream up to what had been printed when the reading began.
pub struct Kept {
    web: Web,
    caller: Arc<Caller>,
    run: RunId,
    stream: Stream,
    at: u64,
    end: u64,
    waiting: VecDeque<Part>,
}

impl Kept {
    /// A whole stream of a run that has printed so much.
    pub fn new(
        web: &Web,
        caller: &Arc<Caller>,
        run: RunId,
        printed: Printed,
        stream: Stream,
    ) -> Self {
        Self::between(web, caller, run, stream, 0, printed_to(stream, printed))
    }

    /// The bytes from `at` to before `end`.
    pub fn between(
        web: &Web,
        caller: &Arc<Caller>,
        run: RunId,
        stream: Stream,
        at: u64,
        end: u64,
    ) -> Self {
        let waiting = VecDeque::new();
        Self { web: web.clone(), caller: Arc::clone(caller), run, stream, at, end, waiting }
    }

    /// The same from its beginning.
    pub fn again(&self) -> Self {
        Self::between(&self.web, &self.caller, self.run, self.stream, 0, self.end)
    }

    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Part>, RunAccessError> {
        if let Some(part) = self.waiting.pop_front() {
            return Ok(Some(part));
        }
        if self.at >= self.end {
            return Ok(None);
        }
        let (at, left) = (self.at, self.end - self.at);
        let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let app = &self.web.app;
        let mut piece = app.read_output(&self.caller, self.run, self.stream, at, most).await?;
        if piece.bytes.is_empty() || piece.offset >= self.end {
            self.at = self.end;
            return Ok(Some(Part::Gap(left)));
        }
        let wanted = usize::try_from(self.end - piece.offset).unwrap_or(usize::MAX);
        piece.bytes.truncate(wanted);
        self.at = piece.offset.saturating_add(piece.bytes.len() as u64);
        let bytes = Part::Bytes(piece.bytes);
        if piece.offset > at {
            self.waiting.push_back(bytes);
            return Ok(Some(Part::Gap(piece.offset - at)));
        }
        Ok(Some(bytes))
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.waiting.is_empty() && self.at >= self.end
    }
}
