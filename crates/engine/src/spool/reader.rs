//! Reads what a run prints, while it is written and afterwards. Every call looks at the files
//! anew and holds nothing open but the directory, so readers share one [`Spool`] and segments that
//! are removed free their room at once. Nothing that the files say is taken on trust.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags, openat};
use webscripts_domain::run::Stream;

use super::format::Offsets;
use super::number;
use super::pieces::Piece;
use super::segment::Segment;

/// How often a call begins anew because segments were removed while it was reading.
const ATTEMPTS: usize = 4;
/// Entries that are looked at together.
const BLOCK: usize = 1024;

/// The output of a run on disk. Calls read from disk and never wait for new output.
#[derive(Debug)]
pub struct Spool {
    directory: OwnedFd,
}

/// A part of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extent {
    /// Where it begins. Larger than asked for if what was asked for is not kept.
    pub offset: u64,
    /// The bytes. Empty: there is nothing from the offset on that was asked for.
    pub bytes: Bytes,
}

/// How far the output is, as far as the files tell: what could not be written at the very end is
/// not known to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// The sequence number of the next piece.
    pub chunks: u64,
    /// How much was printed.
    pub printed: Offsets,
}

/// What one look at a segment gave.
enum Look {
    Found(Extent),
    /// There is nothing in this segment.
    Nothing,
    /// The segment was removed.
    Vanished,
}

impl Spool {
    /// The output in the directory of a run. There may be none yet.
    ///
    /// # Errors
    ///
    /// When there is no such directory, or it cannot be read.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { directory: openat(CWD, directory, flags, Mode::empty())? })
    }

    /// The output from a sequence number on: at most `max_bytes`, but at least one piece. May be
    /// less than what is there; only an empty answer means that there is no more for now.
    /// [`Piece::next`] of the last one says where to continue.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn chunks(&self, from: u64, max_bytes: usize) -> io::Result<Vec<Piece>> {
        for attempt in 1..=ATTEMPTS {
            if let Some(pieces) = self.try_chunks(from, max_bytes, attempt == ATTEMPTS)? {
                return Ok(pieces);
            }
        }
        Ok(Vec::new())
    }

    fn try_chunks(
        &self,
        from: u64,
        max_bytes: usize,
        missing_is_cut: bool,
    ) -> io::Result<Option<Vec<Piece>>> {
        let mut before = Offsets::default();
        for segment in Segment::all(&self.directory)? {
            if from < segment.next_sequence() {
                return segment.pieces(from, before, max_bytes, missing_is_cut);
            }
            before = segment.end;
        }
        Ok(Some(Vec::new()))
    }

    /// A part of one stream from an offset on, at most `max_bytes`. May be shorter than what is
    /// there; only an empty answer means that there is no more for now.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn read(&self, stream: Stream, offset: u64, max_bytes: usize) -> io::Result<Extent> {
        for attempt in 1..=ATTEMPTS {
            let segments = Segment::all(&self.directory)?;
            let mut look = Look::Nothing;
            for segment in segments.iter().filter(|segment| offset < segment.end.of(stream)) {
                look = segment.look(stream, offset, max_bytes)?;
                match look {
                    Look::Nothing => {}
                    Look::Vanished if attempt == ATTEMPTS => {}
                    Look::Found(_) | Look::Vanished => break,
                }
            }
            match look {
                Look::Found(extent) => return Ok(extent),
                Look::Nothing => break,
                Look::Vanished => {}
            }
        }
        Ok(Extent { offset, bytes: Bytes::new() })
    }

    /// What is kept of a stream, in order. Gaps from times when the disk was full are not told
    /// apart from what is kept.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn kept(&self, stream: Stream) -> io::Result<Vec<Range<u64>>> {
        let mut kept: Vec<Range<u64>> = Vec::new();
        for segment in Segment::all(&self.directory)? {
            let part = segment.header.base.of(stream)..segment.end.of(stream);
            match kept.last_mut() {
                _ if part.is_empty() => {}
                Some(last) if last.end == part.start => last.end = part.end,
                _ => kept.push(part),
            }
        }
        Ok(kept)
    }

    /// How far the output is.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn reached(&self) -> io::Result<Reached> {
        let last = Segment::all(&self.directory)?.pop();
        Ok(last.map_or_else(Reached::default, |segment| Reached {
            chunks: segment.next_sequence(),
            printed: segment.end,
        }))
    }
}

impl Segment<'_> {
    /// The first bytes of a stream at or behind an offset.
    fn look(&self, stream: Stream, offset: u64, max_bytes: usize) -> io::Result<Look> {
        let base = self.header.base.of(stream);
        let wanted = offset.saturating_sub(base);
        let Some(range) = self.extent(stream, wanted, number(max_bytes))? else {
            return Ok(Look::Nothing);
        };
        let start = range.start;
        Ok(match self.data(stream, range)? {
            Some(bytes) => Look::Found(Extent { offset: base.saturating_add(start), bytes }),
            None => Look::Vanished,
        })
    }

    /// The positions of bytes without a gap among them.
    fn extent(&self, stream: Stream, wanted: u64, most: u64) -> io::Result<Option<Range<u64>>> {
        let mut extent: Option<Range<u64>> = None;
        let mut index = self.first_beyond(stream, wanted)?;
        loop {
            let entries = self.entries(index, BLOCK)?;
            let Some(last) = entries.last() else { return Ok(extent) };
            for entry in entries.iter().filter(|entry| entry.stream == stream) {
                let (start, end) = (entry.before().of(stream), entry.after().of(stream));
                match &mut extent {
                    None => extent = Some(start.max(wanted)..end),
                    Some(found) if found.end == start => found.end = end,
                    Some(_) => return Ok(extent),
                }
                if let Some(found) = &mut extent
                    && found.end.saturating_sub(found.start) >= most
                {
                    found.end = found.start.saturating_add(most);
                    return Ok(extent);
                }
            }
            // Skips what the other stream printed meanwhile, however much.
            let next = self.first_beyond(stream, last.after().of(stream))?;
            index = next.max(index.saturating_add(number(entries.len())));
        }
    }
}
