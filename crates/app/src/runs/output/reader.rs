//! Reads the output of one run in the order in which it was printed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use webscripts_domain::run::Stream;
use webscripts_engine::spool::{Chunk, Piece, Spool};

use super::text::{LOOK_BACK, StreamText};
use crate::runs::follow::{Cut, OutputText};
use crate::runs::screen::TaskProgress;
use crate::runs::screen::progress::ProgressReports;

/// Something to tell watchers.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Text.
    Text(Arc<OutputText>),
    /// Output that is not kept.
    Cut(Cut),
    /// A report of progress in the output with this number.
    Progress(u64, TaskProgress),
}

impl Entry {
    /// Its number in the output.
    pub fn sequence(&self) -> u64 {
        match self {
            Self::Text(text) => text.sequence,
            Self::Cut(cut) => cut.sequences.start,
            Self::Progress(sequence, _) => *sequence,
        }
    }

    /// What it weighs in a batch.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.text.len() + size_of::<OutputText>(),
            Self::Cut(_) | Self::Progress(..) => size_of::<Self>(),
        }
    }
}

/// Reads on from a sequence number.
#[derive(Debug)]
pub struct Reader {
    spool: Spool,
    next: u64,
    stdout: Channel,
    stderr: Channel,
    last_time_ms: u32,
    is_finished: bool,
}

/// What is known of one stream.
#[derive(Debug, Default)]
struct Channel {
    text: Option<StreamText>,
    progress: ProgressReports,
}

impl Reader {
    /// Begins with the output that has this number.
    ///
    /// # Errors
    ///
    /// When the directory of the run cannot be read.
    pub fn open(place: &Path, from: u64) -> io::Result<Self> {
        Ok(Self {
            spool: Spool::open(place)?,
            next: from,
            stdout: Channel::default(),
            stderr: Channel::default(),
            last_time_ms: 0,
            is_finished: false,
        })
    }

    /// The number of the output that is read next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The next output, about `max_bytes` of it. Empty: there is no more for now.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn read(&mut self, max_bytes: usize) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        // Pieces that are the beginning of a character alone become no entry.
        while entries.is_empty() {
            let pieces = self.spool.chunks(self.next, max_bytes)?;
            if pieces.is_empty() {
                break;
            }
            for piece in pieces {
                match piece {
                    Piece::Chunk(chunk) => self.take(&chunk, &mut entries)?,
                    Piece::Cut(cut) => {
                        self.next = self.next.max(cut.sequences.end);
                        entries.push(Entry::Cut(Cut {
                            sequences: cut.sequences,
                            stdout: cut.stdout,
                            stderr: cut.stderr,
                        }));
                    }
                }
            }
        }
        Ok(entries)
    }

    /// What is held back when nothing follows. It gets the two numbers behind the last output, so
    /// that nobody who resumes misses it or sees it twice.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn finish(&mut self) -> io::Result<Vec<Entry>> {
        if std::mem::replace(&mut self.is_finished, true) {
            return Ok(Vec::new());
        }
        let reached = self.spool.reached()?;
        let mut entries = Vec::new();
        for (sequence, stream) in (reached.chunks..).zip([Stream::Stdout, Stream::Stderr]) {
            if sequence < self.next {
                continue;
            }
            self.next = sequence + 1;
            let end = reached.printed.of(stream);
            let text = match stream {
                Stream::Stdout => self.stdout.text.take(),
                Stream::Stderr => self.stderr.text.take(),
            };
            let mut text = match text {
                Some(text) => text,
                None => begin(&self.spool, stream, end)?,
            };
            let time_ms = self.last_time_ms;
            entries.extend(text.finish().map(|(offset, text)| {
                Entry::Text(Arc::new(OutputText { sequence, stream, offset, time_ms, text }))
            }));
        }
        Ok(entries)
    }

    fn take(&mut self, chunk: &Chunk, entries: &mut Vec<Entry>) -> io::Result<()> {
        let Self { spool, next, stdout, stderr, last_time_ms, .. } = self;
        let channel = match chunk.stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        };
        let text = match &mut channel.text {
            Some(text) => text,
            None => channel.text.insert(begin(spool, chunk.stream, chunk.offset)?),
        };
        let (offset, text) = text.push(chunk.offset, &chunk.bytes);
        *next = chunk.sequence + 1;
        *last_time_ms = chunk.time_ms;
        if text.is_empty() {
            return Ok(());
        }
        let progress = channel.progress.push(&text);
        entries.push(Entry::Text(Arc::new(OutputText {
            sequence: chunk.sequence,
            stream: chunk.stream,
            offset,
            time_ms: chunk.time_ms,
            text,
        })));
        entries.extend(progress.map(|progress| Entry::Progress(chunk.sequence, progress)));
        Ok(())
    }
}

/// The state of a stream at an offset: the beginning of a character may stand before it.
fn begin(spool: &Spool, stream: Stream, at: u64) -> io::Result<StreamText> {
    let from = at.saturating_sub(LOOK_BACK as u64);
    let before = spool.read(stream, from, LOOK_BACK)?;
    let reaches = before.offset + before.bytes.len() as u64;
    if before.offset == from && reaches >= at {
        let length = usize::try_from(at - from).unwrap_or(0);
        return Ok(StreamText::resume(before.bytes.get(..length).unwrap_or_default(), at));
    }
    // Nothing is kept before it, as if there were a gap.
    Ok(StreamText::resume(&[], u64::MAX))
}
