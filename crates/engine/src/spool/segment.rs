//! One segment as it is found on disk.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};

use bytes::Bytes;
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, pread};
use webscripts_domain::run::Stream;

use super::format::{
    ENTRY_BYTES, Entry, HEADER_BYTES, Header, Offsets, data_name, order_name, segment_of,
};
use super::number;

/// A writer leaves three. More than so many are somebody else's work; the last ones are used.
const MAX_SEGMENTS: usize = 8;

/// A segment whose order is open.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    directory: &'a OwnedFd,
    number: u64,
    order: OwnedFd,
    pub(super) header: Header,
    entries: u64,
    /// How far the streams are at its end.
    pub(super) end: Offsets,
}

impl<'a> Segment<'a> {
    /// The segments that are there and hold something, in order. One that is removed at the same
    /// time may be among them or not.
    pub(super) fn all(directory: &'a OwnedFd) -> io::Result<Vec<Self>> {
        let mut segments: Vec<Self> = Vec::new();
        for number in numbers(directory)? {
            let Some(segment) = Self::open(directory, number)? else { continue };
            let follows = segments.last().is_none_or(|last| {
                last.next_sequence() <= segment.header.first_sequence
                    && last.end.is_within(segment.header.base)
            });
            if follows {
                segments.push(segment);
            }
        }
        Ok(segments)
    }

    fn open(directory: &'a OwnedFd, number: u64) -> io::Result<Option<Self>> {
        let Some((order, size)) = open_file(directory, &order_name(number))? else {
            return Ok(None);
        };
        let bytes = read_at(&order, HEADER_BYTES, 0)?;
        let Ok(bytes) = <&[u8; HEADER_BYTES]>::try_from(bytes.as_slice()) else { return Ok(None) };
        let header = Header::decode(bytes).ok_or_else(|| {
            let text = format!("`{}` is not the order of output", order_name(number));
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        let entries = size.saturating_sub(self::number(HEADER_BYTES)) / self::number(ENTRY_BYTES);
        let mut segment = Self { directory, number, order, header, entries, end: header.base };
        let Some(last) = segment.settle()? else { return Ok(None) };
        segment.end = header.base.plus(last.after());
        Ok(Some(segment))
    }

    /// The last entry. After a power failure the end of the file may hold anything: it is left out.
    fn settle(&mut self) -> io::Result<Option<Entry>> {
        let Some(last) = self.entries.checked_sub(1) else { return Ok(None) };
        if let Some(entry) = self.entry(last)? {
            return Ok(Some(entry));
        }
        self.entries = self.partition(|entry| entry.is_some())?;
        match self.entries.checked_sub(1) {
            Some(last) => self.entry(last),
            None => Ok(None),
        }
    }

    /// The sequence number behind the last entry.
    pub(super) fn next_sequence(&self) -> u64 {
        self.header.first_sequence.saturating_add(self.entries)
    }

    /// At most so many entries from an index on. Ends before one that no writer made.
    pub(super) fn entries(&self, from: u64, most: usize) -> io::Result<Vec<Entry>> {
        let left = usize::try_from(self.entries.saturating_sub(from)).unwrap_or(usize::MAX);
        let length = left.min(most).saturating_mul(ENTRY_BYTES);
        let position =
            number(HEADER_BYTES).saturating_add(from.saturating_mul(number(ENTRY_BYTES)));
        let bytes = read_at(&self.order, length, position)?;
        Ok(bytes.chunks_exact(ENTRY_BYTES).map_while(Entry::decode).collect())
    }

    fn entry(&self, index: u64) -> io::Result<Option<Entry>> {
        Ok(self.entries(index, 1)?.pop())
    }

    /// The index of the first entry with which a stream is further than `position`.
    pub(super) fn first_beyond(&self, stream: Stream, position: u64) -> io::Result<u64> {
        self.partition(|entry| entry.is_some_and(|it| it.after().of(stream) <= position))
    }

    /// The number of entries at the beginning for which this holds: binary search.
    fn partition(&self, holds: impl Fn(Option<Entry>) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.entry(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Bytes of a stream, by their positions in the segment. `None`: they are not there any more.
    pub(super) fn data(&self, stream: Stream, range: Range<u64>) -> io::Result<Option<Bytes>> {
        let length = range.end.saturating_sub(range.start);
        if length == 0 {
            return Ok(Some(Bytes::new()));
        }
        let Some((file, size)) = open_file(self.directory, &data_name(stream, self.number))? else {
            return Ok(None);
        };
        let Some(length) = usize::try_from(length).ok().filter(|_| range.end <= size) else {
            return Ok(None);
        };
        let bytes = read_at(&file, length, range.start)?;
        Ok((bytes.len() == length).then(|| Bytes::from(bytes)))
    }
}

/// The first segment and the last ones.
fn numbers(directory: &OwnedFd) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = Vec::new();
    for entry in Dir::read_from(directory)? {
        let Some(number) = segment_of(entry?.file_name().to_bytes()) else { continue };
        if let Err(place) = numbers.binary_search(&number) {
            numbers.insert(place, number);
            if numbers.len() > MAX_SEGMENTS {
                numbers.remove(1);
            }
        }
    }
    Ok(numbers)
}

/// A regular file and its size. `None`: it is not there, or it is something else.
fn open_file(directory: &OwnedFd, name: &str) -> io::Result<Option<(OwnedFd, u64)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(directory, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let about = fstat(&file)?;
    let size = u64::try_from(about.st_size).unwrap_or(0);
    Ok((FileType::from_raw_mode(about.st_mode) == FileType::RegularFile).then_some((file, size)))
}

/// Shorter at the end of the file.
fn read_at(file: impl AsFd, length: usize, position: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match pread(&file, rest, position.saturating_add(number(filled))) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
