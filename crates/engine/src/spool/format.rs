//! The files of a segment. Numbers are little endian.
//!
//! `order.N` begins with a header of 40 bytes: the format (u64), the sequence number of the first
//! entry (u64), the offsets of standard output (u64) and standard error (u64) at which the segment
//! begins, and the start of the run in milliseconds since 1970 (u64). Entries of 16 bytes follow,
//! one per piece of output: milliseconds since the start (u32), length with the stream in the
//! highest bit (u32), and how far standard output (u32) and standard error (u32) were before the
//! piece, counted from where the segment begins. These are also the positions of the bytes in the
//! data files. Output that could not be written leaves a hole there.

use webscripts_domain::run::Stream;

/// Longest piece of output under one sequence number. Longer ones are divided.
pub const MAX_CHUNK_BYTES: usize = 256 * 1024;

pub(super) const HEADER_BYTES: usize = 40;
pub(super) const ENTRY_BYTES: usize = 16;

/// `WSSPOOL` and the version of the format.
const FORMAT: u64 = u64::from_le_bytes(*b"WSSPOOL\x01");
/// Marks standard error in the length of an entry.
const STDERR_BIT: u32 = 1 << 31;

/// A number of bytes of each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offsets {
    /// Of standard output.
    pub stdout: u64,
    /// Of standard error.
    pub stderr: u64,
}

impl Offsets {
    /// The number of one stream.
    pub fn of(self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }

    pub(super) fn advance(&mut self, stream: Stream, bytes: u64) {
        let number = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        *number = number.saturating_add(bytes);
    }

    /// Whether neither stream is further than the other side says.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.stdout <= other.stdout && self.stderr <= other.stderr
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            stdout: self.stdout.saturating_add(other.stdout),
            stderr: self.stderr.saturating_add(other.stderr),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) first_sequence: u64,
    pub(super) base: Offsets,
    pub(super) started_ms: u64,
}

impl Header {
    pub(super) fn encode(self) -> [u8; HEADER_BYTES] {
        let Self { first_sequence, base, started_ms } = self;
        let numbers = [FORMAT, first_sequence, base.stdout, base.stderr, started_ms];
        let mut bytes = [0; HEADER_BYTES];
        for (place, number) in bytes.chunks_exact_mut(size_of::<u64>()).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None`: it is something else, or of a later version.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let mut numbers = bytes
            .chunks_exact(size_of::<u64>())
            .map_while(|number| number.try_into().ok().map(u64::from_le_bytes));
        (numbers.next()? == FORMAT).then_some(())?;
        Some(Self {
            first_sequence: numbers.next()?,
            base: Offsets { stdout: numbers.next()?, stderr: numbers.next()? },
            started_ms: numbers.next()?,
        })
    }
}

/// A piece of output. Positions count from where the segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time_ms: u32,
    pub(super) stream: Stream,
    pub(super) length: u32,
    pub(super) stdout: u32,
    pub(super) stderr: u32,
}

impl Entry {
    pub(super) fn encode(self) -> [u8; ENTRY_BYTES] {
        let stream = if self.stream == Stream::Stderr { STDERR_BIT } else { 0 };
        let numbers = [self.time_ms, self.length | stream, self.stdout, self.stderr];
        let mut bytes = [0; ENTRY_BYTES];
        for (place, number) in bytes.chunks_exact_mut(size_of::<u32>()).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None`: no writer made this.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes
            .chunks_exact(size_of::<u32>())
            .map_while(|number| number.try_into().ok().map(u32::from_le_bytes));
        let (time_ms, length) = (numbers.next()?, numbers.next()?);
        let stream = if length & STDERR_BIT == 0 { Stream::Stdout } else { Stream::Stderr };
        let length = length & !STDERR_BIT;
        let entry =
            Self { time_ms, stream, length, stdout: numbers.next()?, stderr: numbers.next()? };
        let fits = length > 0 && usize::try_from(length).is_ok_and(|it| it <= MAX_CHUNK_BYTES);
        fits.then_some(entry)
    }

    /// How far both streams were before this piece.
    pub(super) fn before(self) -> Offsets {
        Offsets { stdout: self.stdout.into(), stderr: self.stderr.into() }
    }

    /// How far they are with it.
    pub(super) fn after(self) -> Offsets {
        let mut after = self.before();
        after.advance(self.stream, self.length.into());
        after
    }
}

/// The file that says the order of a segment.
pub(super) fn order_name(segment: u64) -> String {
    format!("order.{segment}")
}

/// The file with the bytes of one stream.
pub(super) fn data_name(stream: Stream, segment: u64) -> String {
    format!("{}.{segment}", stream.name())
}

/// The segment whose order is in the file with this name.
pub(super) fn segment_of(order_name: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(order_name.strip_prefix(b"order.")?).ok()?;
    let segment = number.parse().ok()?;
    (order_name == self::order_name(segment).as_bytes()).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let base = Offsets { stdout: u64::MAX, stderr: 3 };
        let header = Header { first_sequence: 7, base, started_ms: 1_700_000_000_000 };
        let entry = Entry {
            time_ms: u32::MAX,
            stream: Stream::Stderr,
            length: 262_144,
            stdout: u32::MAX,
            stderr: 9,
        };

        assert_eq!(Header::decode(&header.encode()), Some(header));
        assert_eq!(Entry::decode(&entry.encode()), Some(entry));
    }

    #[test]
    fn what_no_writer_made_is_refused() {
        let length = |length: u32| {
            let mut bytes = [0; ENTRY_BYTES];
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
            Entry::decode(&bytes)
        };

        assert_eq!(Header::decode(&[0; HEADER_BYTES]), None);
        assert_eq!(length(0), None);
        assert_eq!(length(STDERR_BIT), None);
        assert_eq!(length(262_145), None);
        assert_eq!(length(u32::MAX), None);
        assert_eq!(Entry::decode(&[1; ENTRY_BYTES - 1]), None);
    }

    #[test]
    fn only_names_a_writer_gives_are_segments() {
        let names: [&[u8]; 6] =
            [b"order.12", b"order.012", b"order.+1", b"order.", b"stdout.0", b"order.\xff"];

        assert_eq!(names.map(segment_of), [Some(12), None, None, None, None, None]);
    }
}
