//! Writes what a run prints. Two system calls per piece, no thread, no runtime.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, ftruncate, openat, unlinkat};
use rustix::io::{Errno, pwrite};
use webscripts_domain::run::{Printed, Stream};

use super::format::{
    ENTRY_BYTES, Entry, HEADER_BYTES, Header, MAX_CHUNK_BYTES, Offsets, data_name, order_name,
};
use super::number;

/// Smallest limit. Below it, segments would be changed all the time.
const MIN_LIMIT: u64 = 16 * 1024;
/// Largest size of a segment: positions in it are numbers of 32 bits.
const MAX_CAPACITY: u64 = 3 << 30;
/// Pieces up to this length are not divided to fill a segment.
const UNDIVIDED: usize = 1024;
const ENTRY_COST: u64 = ENTRY_BYTES as u64;

/// Writes the output of one run into its directory. What cannot be written is counted, and the
/// next piece is tried again.
#[derive(Debug)]
pub struct SpoolWriter {
    directory: OwnedFd,
    started_ms: u64,
    /// Bytes that segment 0 may take on disk.
    head_capacity: u64,
    /// Bytes that each later one may take.
    tail_capacity: u64,
    printed: Offsets,
    chunks: u64,
    segment: Segment,
    /// Bytes of output in the segments before this one that are kept.
    kept_before: Kept,
}

/// Some output was not written.
#[derive(Debug, thiserror::Error)]
#[error("{dropped} bytes of output could not be written to disk")]
pub struct AppendError {
    /// How many bytes. They are part of [`SpoolWriter::printed`].
    pub dropped: u64,
    /// Why.
    #[source]
    pub source: io::Error,
}

#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    head: u64,
    previous: u64,
}

/// The segment that is being written. Its files are made when they are needed.
#[derive(Debug)]
struct Segment {
    number: u64,
    header: Header,
    entries: u64,
    /// Bytes of output.
    kept: u64,
    order: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl SpoolWriter {
    /// Output of a run that starts now goes into this directory, which must hold none yet.
    ///
    /// `limit`: bytes that are kept, 16 KiB to 9 GiB; each piece counts 16 bytes more than it has.
    /// Nothing is written before the first output.
    pub fn new(directory: OwnedFd, limit: u64, started_ms: u64) -> Self {
        let limit = limit.max(MIN_LIMIT);
        let header = Header { first_sequence: 0, base: Offsets::default(), started_ms };
        Self {
            directory,
            started_ms,
            head_capacity: (limit / 2).min(MAX_CAPACITY),
            tail_capacity: (limit / 4).min(MAX_CAPACITY),
            printed: Offsets::default(),
            chunks: 0,
            segment: Segment::new(0, header),
            kept_before: Kept::default(),
        }
    }

    /// Adds what a stream printed. `now_ms`: milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// When some of it was not written, because the disk is full for instance. All of it counts as
    /// printed; later output may succeed.
    pub fn append(&mut self, stream: Stream, bytes: &[u8], now_ms: u64) -> Result<(), AppendError> {
        let since_start = now_ms.saturating_sub(self.started_ms);
        let time_ms = u32::try_from(since_start).unwrap_or(u32::MAX);
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.skip_what_would_be_removed(stream, rest);
            let length = self.make_room(rest.len());
            let (piece, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if let Err(source) = self.write(stream, piece, time_ms) {
                let dropped = number(rest.len());
                self.printed.advance(stream, dropped);
                return Err(AppendError { dropped, source: source.into() });
            }
            self.printed.advance(stream, number(piece.len()));
            rest = later;
        }
        Ok(())
    }

    /// How many pieces there are: the sequence number of the next one.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// How much was printed, and how much of it is not on disk.
    pub fn printed(&self) -> Printed {
        let Offsets { stdout, stderr } = self.printed;
        let Kept { head, previous } = self.kept_before;
        let kept = head.saturating_add(previous).saturating_add(self.segment.kept);
        Printed { stdout, stderr, dropped: stdout.saturating_add(stderr).saturating_sub(kept) }
    }

    /// The first part of output that is so long that two segments cannot hold it.
    fn skip_what_would_be_removed<'a>(&mut self, stream: Stream, bytes: &'a [u8]) -> &'a [u8] {
        let most = usize::try_from(self.tail_capacity.saturating_mul(2)).unwrap_or(usize::MAX);
        let excess = bytes.len().saturating_sub(most);
        match bytes.get(excess..) {
            Some(last) if self.segment.number > 0 && excess > 0 => {
                self.printed.advance(stream, number(excess));
                last
            }
            _ => bytes,
        }
    }

    /// How many bytes, of those that are to be written, the segment takes: at least one. Begins
    /// another segment if this one is full.
    fn make_room(&mut self, wanted: usize) -> usize {
        let room = self.room();
        if room >= wanted.min(UNDIVIDED) {
            return wanted.min(room).min(MAX_CHUNK_BYTES);
        }
        self.begin_segment();
        wanted.min(self.room()).clamp(1, MAX_CHUNK_BYTES)
    }

    fn room(&self) -> usize {
        let Segment { number, header, entries, kept, .. } = &self.segment;
        let far = Offsets {
            stdout: self.printed.stdout.saturating_sub(header.base.stdout),
            stderr: self.printed.stderr.saturating_sub(header.base.stderr),
        };
        if far.stdout.max(far.stderr) > u64::from(u32::MAX) {
            return 0;
        }
        let capacity = if *number == 0 { self.head_capacity } else { self.tail_capacity };
        let used = entries.saturating_add(1).saturating_mul(ENTRY_COST).saturating_add(*kept);
        usize::try_from(capacity.saturating_sub(used)).unwrap_or(usize::MAX)
    }

    /// Leaves the segment and removes the one before it, unless that is the beginning.
    fn begin_segment(&mut self) {
        let (left, kept) = (self.segment.number, self.segment.kept);
        if left == 0 {
            self.kept_before.head = kept;
        } else {
            if left > 1 {
                self.remove_segment(left - 1);
            }
            self.kept_before.previous = kept;
        }
        let header =
            Header { first_sequence: self.chunks, base: self.printed, started_ms: self.started_ms };
        self.segment = Segment::new(left.saturating_add(1), header);
    }

    /// The order goes first: readers take a segment without one as removed.
    fn remove_segment(&self, number: u64) {
        let streams = [Stream::Stdout, Stream::Stderr].map(|stream| data_name(stream, number));
        for name in std::iter::once(order_name(number)).chain(streams) {
            // A stream that printed nothing has no file. What cannot be removed is kept too long,
            // which is better than to lose new output.
            let _ = unlinkat(&self.directory, name, AtFlags::empty());
        }
    }

    fn write(&mut self, stream: Stream, piece: &[u8], time_ms: u32) -> Result<(), Errno> {
        let base = self.segment.header.base;
        let position = |printed: u64, base: u64| {
            u32::try_from(printed.saturating_sub(base)).map_err(|_| Errno::FBIG)
        };
        let entry = Entry {
            time_ms,
            stream,
            length: u32::try_from(piece.len()).map_err(|_| Errno::FBIG)?,
            stdout: position(self.printed.stdout, base.stdout)?,
            stderr: position(self.printed.stderr, base.stderr)?,
        };
        self.segment.write(&self.directory, entry, piece)?;
        self.chunks = self.chunks.saturating_add(1);
        Ok(())
    }
}

impl Segment {
    fn new(number: u64, header: Header) -> Self {
        Self { number, header, entries: 0, kept: 0, order: None, stdout: None, stderr: None }
    }

    fn write(&mut self, directory: &OwnedFd, entry: Entry, piece: &[u8]) -> Result<(), Errno> {
        let position = entry.before().of(entry.stream);
        let number = self.number;
        let data = match entry.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let data = opened(data, directory, || data_name(entry.stream, number))?;
        let written = write_at(data, piece, position).and_then(|()| {
            let order = opened(&mut self.order, directory, || order_name(number))?;
            write_entry(order, self.header, self.entries, entry)
        });
        if written.is_err() {
            // Nobody will read it, and the room is needed.
            let _ = ftruncate(data, position);
            return written;
        }
        self.entries = self.entries.saturating_add(1);
        self.kept = self.kept.saturating_add(entry.length.into());
        Ok(())
    }
}

/// The header is written together with the first entry. Over what an earlier attempt left.
fn write_entry(order: &OwnedFd, header: Header, index: u64, entry: Entry) -> Result<(), Errno> {
    let entry = entry.encode();
    if index == 0 {
        let mut bytes = [0; HEADER_BYTES + ENTRY_BYTES];
        let (first, second) = bytes.split_at_mut(HEADER_BYTES);
        first.copy_from_slice(&header.encode());
        second.copy_from_slice(&entry);
        return write_at(order, &bytes, 0);
    }
    write_at(order, &entry, number(HEADER_BYTES).saturating_add(index.saturating_mul(ENTRY_COST)))
}

/// The file, made if it is not there: no other may have made it.
fn opened<'a>(
    file: &'a mut Option<OwnedFd>,
    directory: &OwnedFd,
    name: impl FnOnce() -> String,
) -> Result<&'a OwnedFd, Errno> {
    if let Some(file) = file {
        return Ok(file);
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(file.insert(openat(directory, name(), flags, Mode::RUSR | Mode::WUSR)?))
}

fn write_at(file: &OwnedFd, bytes: &[u8], position: u64) -> Result<(), Errno> {
    let (mut rest, mut position) = (bytes, position);
    while !rest.is_empty() {
        match pwrite(file, rest, position) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => {
                rest = rest.get(written..).unwrap_or_default();
                position = position.saturating_add(number(written));
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::super::{Cut, Piece, Spool};
    use super::*;

    fn full() -> OwnedFd {
        File::options().write(true).open("/dev/full").unwrap().into()
    }

    fn data(writer: &mut SpoolWriter) -> &mut Option<OwnedFd> {
        &mut writer.segment.stdout
    }

    fn order(writer: &mut SpoolWriter) -> &mut Option<OwnedFd> {
        &mut writer.segment.order
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_counted_and_later_output_is_kept() {
        for file in [data, order] {
            let place = tempfile::tempdir().unwrap();
            let directory = File::open(place.path()).unwrap().into();
            let mut writer = SpoolWriter::new(directory, 1 << 20, 0);
            writer.append(Stream::Stdout, b"before ", 0).unwrap();

            let original = file(&mut writer).replace(full());
            let error = writer.append(Stream::Stdout, b"lost", 0).unwrap_err();
            *file(&mut writer) = original;
            writer.append(Stream::Stderr, b"other ", 0).unwrap();
            writer.append(Stream::Stdout, b"after", 0).unwrap();

            assert_eq!(error.dropped, 4);
            assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
            assert_eq!(writer.printed(), Printed { stdout: 16, stderr: 6, dropped: 4 });
            let spool = Spool::open(place.path()).unwrap();
            assert_eq!(spool.read(Stream::Stdout, 0, 100).unwrap().bytes, "before ");
            let after = spool.read(Stream::Stdout, 7, 100).unwrap();
            assert_eq!((after.offset, &*after.bytes), (11, b"after".as_slice()));
            let pieces: Vec<Piece> =
                [0, 1, 2].iter().flat_map(|from| spool.chunks(*from, 1).unwrap()).collect();
            let sequences: Vec<u64> = pieces.iter().map(Piece::next).collect();
            assert_eq!(sequences, [1, 1, 2, 3]);
            let cut = Cut { sequences: 1..1, stdout: 7..11, stderr: 0..0 };
            assert_eq!(pieces.get(1), Some(&Piece::Cut(cut)));
            assert_eq!(
                spool.collect(Stream::Stdout, 100, None).unwrap(),
                "before \n[… 4 bytes are left out …]\nafter".as_bytes()
            );
        }
    }

    #[test]
    fn a_file_that_is_there_already_is_not_written_to() {
        let place = tempfile::tempdir().unwrap();
        let directory = File::open(place.path()).unwrap().into();
        let mut writer = SpoolWriter::new(directory, 1 << 20, 0);
        fs::write(place.path().join("stdout.0"), "somebody else's").unwrap();

        let error = writer.append(Stream::Stdout, b"one", 0).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(place.path().join("stdout.0")).unwrap(), b"somebody else's");

        fs::remove_file(place.path().join("stdout.0")).unwrap();
        writer.append(Stream::Stdout, b"two", 0).unwrap();
        let extent = Spool::open(place.path()).unwrap().read(Stream::Stdout, 0, 100).unwrap();
        assert_eq!((extent.offset, &*extent.bytes), (3, b"two".as_slice()));
    }
}
