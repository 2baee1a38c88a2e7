//! Output as one text, with a line in place of what is not in it.

use std::io;

use bytes::Bytes;
use webscripts_domain::run::Stream;

use super::number;
use super::pieces::Piece;
use super::reader::Spool;

/// What [`Transcript`] gives at once, about.
const PART_BYTES: usize = 256 * 1024;
/// Longest sequence of bytes that is one character in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// One stream while it is put together.
#[derive(Debug, Default)]
struct Collected {
    bytes: Vec<u8>,
    /// How far in the stream.
    position: u64,
}

/// Both streams in the order in which they were printed, part by part; ends where the output ends
/// when the last part is read.
#[derive(Debug)]
pub struct Transcript {
    spool: Spool,
    next: u64,
    is_at_line_start: bool,
    is_over: bool,
}

impl Spool {
    /// The whole of one stream, with a line such as `[… 123 bytes are left out …]` in place of what
    /// is not kept. Of more than `max_bytes` the middle is left out likewise. Characters in UTF-8
    /// are not divided by that.
    ///
    /// `printed`: how much the stream printed, if that is known better than from the files.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn collect(
        &self,
        stream: Stream,
        max_bytes: usize,
        printed: Option<u64>,
    ) -> io::Result<Vec<u8>> {
        let kept = self.kept(stream)?;
        let length: u64 = kept.iter().map(|part| part.end.saturating_sub(part.start)).sum();
        let mut text = Collected::default();
        if length <= number(max_bytes) {
            text.add(self, stream, 0, max_bytes)?;
        } else {
            let tail = max_bytes / 2;
            text.add(self, stream, 0, max_bytes - tail)?;
            let mut missing = number(tail);
            let mut start = u64::MAX;
            for part in kept.iter().rev() {
                let taken = missing.min(part.end.saturating_sub(part.start));
                start = start.min(part.end.saturating_sub(taken));
                missing = missing.saturating_sub(taken);
            }
            text.add(self, stream, start.max(text.position), tail)?;
        }
        let reached = self.reached()?.printed.of(stream);
        text.skip_to(printed.map_or(reached, |printed| printed.max(reached)));
        Ok(text.bytes)
    }

    /// Everything that is kept of both streams, with a line in place of what is not.
    pub fn transcript(self) -> Transcript {
        Transcript { spool: self, next: 0, is_at_line_start: true, is_over: false }
    }
}

impl Collected {
    /// Adds what is kept from an offset on, at most `room` bytes.
    fn add(&mut self, spool: &Spool, stream: Stream, from: u64, room: usize) -> io::Result<()> {
        let (mut offset, mut room) = (from, room);
        while room > 0 {
            let part = spool.read(stream, offset, room)?;
            if part.bytes.is_empty() {
                break;
            }
            offset = part.offset.saturating_add(number(part.bytes.len()));
            let before = self.bytes.len();
            if part.offset > self.position {
                let within = continuation_bytes(&part.bytes);
                self.skip_to(part.offset.saturating_add(number(within)));
                self.bytes.extend_from_slice(part.bytes.get(within..).unwrap_or_default());
            } else if self.bytes.is_empty() {
                // Usually the only part: taken over without a copy.
                self.bytes = part.bytes.into();
            } else {
                self.bytes.extend_from_slice(&part.bytes);
            }
            self.position = offset;
            room = room.saturating_sub(self.bytes.len().saturating_sub(before).max(1));
        }
        Ok(())
    }

    fn skip_to(&mut self, offset: u64) {
        if offset <= self.position {
            return;
        }
        let unfinished = unfinished_bytes(&self.bytes);
        self.bytes.truncate(self.bytes.len().saturating_sub(unfinished));
        let missing = (offset - self.position).saturating_add(number(unfinished));
        let is_at_line_start = self.bytes.last().is_none_or(|&byte| byte == b'\n');
        self.bytes.extend_from_slice(left_out(missing, is_at_line_start).as_bytes());
        self.position = offset;
    }
}

impl Iterator for Transcript {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let pieces = match self.spool.chunks(self.next, PART_BYTES) {
            Ok(pieces) => pieces,
            Err(error) => {
                self.is_over = true;
                return Some(Err(error));
            }
        };
        self.next = pieces.last()?.next();
        let mut text = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Chunk(chunk) => text.extend_from_slice(&chunk.bytes),
                Piece::Cut(cut) => {
                    let line = left_out(cut.bytes(), self.is_at_line_start);
                    text.extend_from_slice(line.as_bytes());
                }
            }
            self.is_at_line_start = text.last().is_none_or(|&byte| byte == b'\n');
        }
        Some(Ok(Bytes::from(text)))
    }
}

fn left_out(bytes: u64, is_at_line_start: bool) -> String {
    let line_end = if is_at_line_start { "" } else { "\n" };
    format!("{line_end}[… {bytes} bytes are left out …]\n")
}

/// How many bytes at the beginning belong to a character that began before.
fn continuation_bytes(bytes: &[u8]) -> usize {
    let is_continuation = |byte: &&u8| (0x80..0xc0).contains(*byte);
    bytes.iter().take(LONGEST_CHARACTER - 1).take_while(is_continuation).count()
}

/// How many bytes at the end begin a character that is not complete.
fn unfinished_bytes(bytes: &[u8]) -> usize {
    let end = bytes.get(bytes.len().saturating_sub(LONGEST_CHARACTER - 1)..).unwrap_or_default();
    (1..=end.len())
        .rev()
        .find(|&length| {
            let begin = end.get(end.len() - length..).unwrap_or_default();
            std::str::from_utf8(begin)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}
