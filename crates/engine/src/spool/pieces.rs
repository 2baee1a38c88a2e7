//! Output in the order in which it was printed.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use webscripts_domain::run::Stream;

use super::format::{Entry, Offsets};
use super::number;
use super::segment::Segment;

/// Most pieces that are read at once.
const MAX_PIECES: usize = 4096;

/// A part of the output in the order in which it was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Something that was printed.
    Chunk(Chunk),
    /// Something that is not kept.
    Cut(Cut),
}

/// What was read from a stream at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its number.
    pub sequence: u64,
    /// Where it came from.
    pub stream: Stream,
    /// Where it begins in the stream.
    pub offset: u64,
    /// Milliseconds since the start of the run.
    pub time_ms: u32,
    /// At least one byte, at most [`super::MAX_CHUNK_BYTES`].
    pub bytes: Bytes,
}

/// Output that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The numbers that are missing. Empty for output that never got one: the disk was full.
    pub sequences: Range<u64>,
    /// What is missing of standard output. Begins where the kept part before it ends, also for a
    /// caller that has seen some of it.
    pub stdout: Range<u64>,
    /// What is missing of standard error, likewise.
    pub stderr: Range<u64>,
}

impl Piece {
    /// The sequence number to continue with.
    pub fn next(&self) -> u64 {
        match self {
            Self::Chunk(chunk) => chunk.sequence.saturating_add(1),
            Self::Cut(cut) => cut.sequences.end,
        }
    }
}

impl Cut {
    fn new(sequences: Range<u64>, from: Offsets, to: Offsets) -> Self {
        Self { sequences, stdout: from.stdout..to.stdout, stderr: from.stderr..to.stderr }
    }

    /// How many bytes are missing, of both streams.
    pub fn bytes(&self) -> u64 {
        let length = |range: &Range<u64>| range.end.saturating_sub(range.start);
        length(&self.stdout).saturating_add(length(&self.stderr))
    }
}

/// Entries that follow one another without a gap, and what is before them.
struct Selection {
    first: u64,
    entries: Vec<Entry>,
    /// How far the streams were with the kept piece before them.
    before: Offsets,
}

impl Segment<'_> {
    /// What there is from a sequence number on, which is not behind the end of this segment.
    /// `before`: how far the streams are at the end of the segment before this one.
    ///
    /// `None`: the segment was removed meanwhile. With `missing_is_cut` it counts as not kept then.
    pub(super) fn pieces(
        &self,
        from: u64,
        before: Offsets,
        max_bytes: usize,
        missing_is_cut: bool,
    ) -> io::Result<Option<Vec<Piece>>> {
        let base = self.header.base;
        let selection = self.select(from.max(self.header.first_sequence), before, max_bytes)?;
        let Selection { first, ref entries, before } = selection;
        let (Some(start), Some(last)) = (entries.first(), entries.last()) else {
            let unreadable = Cut::new(from..self.next_sequence(), before, self.end);
            return Ok(Some(vec![Piece::Cut(unreadable)]));
        };
        let Some(chunks) = self.load(first, entries)? else {
            let missing = || {
                let end = first.saturating_add(number(entries.len()));
                vec![Piece::Cut(Cut::new(from..end, before, base.plus(last.after())))]
            };
            return Ok(missing_is_cut.then(missing));
        };
        let start = base.plus(start.before());
        let gap = (from < first || before != start).then(|| Cut::new(from..first, before, start));
        Ok(Some(
            gap.into_iter().map(Piece::Cut).chain(chunks.into_iter().map(Piece::Chunk)).collect(),
        ))
    }

    fn select(&self, first: u64, before: Offsets, max_bytes: usize) -> io::Result<Selection> {
        let base = self.header.base;
        let index = first.saturating_sub(self.header.first_sequence);
        let (before, found) = if index == 0 {
            (before, self.entries(0, MAX_PIECES)?)
        } else {
            let mut found = self.entries(index - 1, MAX_PIECES)?;
            // Without it nothing can be said: the rest of the segment counts as unreadable.
            let previous = found.first().map_or(self.end, |entry| base.plus(entry.after()));
            found.drain(..found.len().min(1));
            (previous, found)
        };
        let mut entries = Vec::with_capacity(found.len());
        let mut room = max_bytes;
        let mut reached: Option<Offsets> = None;
        for entry in found {
            let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
            let is_next = match reached {
                Some(reached) => reached == entry.before() && length <= room,
                None => before.is_within(base.plus(entry.before())),
            };
            if !is_next {
                break;
            }
            reached = Some(entry.after());
            room = room.saturating_sub(length);
            entries.push(entry);
        }
        Ok(Selection { first, entries, before })
    }

    /// Reads each stream once. `None`: the bytes are not there any more.
    fn load(&self, first: u64, entries: &[Entry]) -> io::Result<Option<Vec<Chunk>>> {
        let (Some(start), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(Some(Vec::new()));
        };
        let (start, end) = (start.before(), last.after());
        let Some(mut stdout) = self.data(Stream::Stdout, start.stdout..end.stdout)? else {
            return Ok(None);
        };
        let Some(mut stderr) = self.data(Stream::Stderr, start.stderr..end.stderr)? else {
            return Ok(None);
        };
        let chunks = (first..).zip(entries).map(|(sequence, entry)| {
            let bytes = match entry.stream {
                Stream::Stdout => &mut stdout,
                Stream::Stderr => &mut stderr,
            };
            let length = usize::try_from(entry.length).unwrap_or(usize::MAX).min(bytes.len());
            Chunk {
                sequence,
                stream: entry.stream,
                offset: self.header.base.plus(entry.before()).of(entry.stream),
                time_ms: entry.time_ms,
                bytes: bytes.split_to(length),
            }
        });
        Ok(Some(chunks.collect()))
    }
}
