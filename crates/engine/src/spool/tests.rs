//! A writer and readers together, on a real disk.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use tempfile::TempDir;
use webscripts_domain::run::{Printed, Stream};

use super::{Chunk, Cut, Extent, Offsets, Piece, Reached, Spool, SpoolWriter};

const STARTED: u64 = 1_700_000_000_000;
const LIMIT: u64 = 16 * 1024;
use Stream::{Stderr, Stdout};

struct Run {
    place: TempDir,
    writer: SpoolWriter,
}

impl Run {
    fn new(limit: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(fs::File::open(place.path()).unwrap());
        Self { writer: SpoolWriter::new(directory, limit, STARTED), place }
    }

    fn print(&mut self, stream: Stream, text: impl AsRef<[u8]>) {
        self.writer.append(stream, text.as_ref(), STARTED + 5).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    fn spool(&self) -> Spool {
        Spool::open(self.place.path()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        files(self.place.path())
    }

    /// Everything, by calls that read this much.
    fn pieces(&self, max_bytes: usize) -> Vec<Piece> {
        let (spool, mut all) = (self.spool(), Vec::new());
        loop {
            let next = all.last().map_or(0, Piece::next);
            let pieces = spool.chunks(next, max_bytes).unwrap();
            if pieces.is_empty() {
                return all;
            }
            all.extend(pieces);
        }
    }

    fn collect(&self, stream: Stream, max_bytes: usize) -> String {
        String::from_utf8(self.spool().collect(stream, max_bytes, None).unwrap()).unwrap()
    }

    fn transcript(&self) -> String {
        let parts: Vec<Bytes> = self.spool().transcript().collect::<Result<_, _>>().unwrap();
        String::from_utf8(parts.concat()).unwrap()
    }
}

fn files(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn chunk(sequence: u64, stream: Stream, offset: u64, text: &str) -> Piece {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    Piece::Chunk(Chunk { sequence, stream, offset, time_ms: 5, bytes })
}

#[test]
fn output_is_read_in_the_order_in_which_it_was_printed() {
    let mut run = Run::new(LIMIT);
    run.print(Stdout, "one ");
    run.print(Stderr, "two ");
    run.print(Stdout, "three");

    let all =
        [chunk(0, Stdout, 0, "one "), chunk(1, Stderr, 0, "two "), chunk(2, Stdout, 4, "three")];
    assert_eq!(run.pieces(1000), all);
    assert_eq!(run.pieces(0), all);
    assert_eq!(run.spool().chunks(0, 8).unwrap(), all[..2]);
    assert_eq!(run.spool().chunks(2, 8).unwrap(), all[2..]);
    assert_eq!(run.spool().chunks(3, 8).unwrap(), []);
    assert_eq!(run.transcript(), "one two three");
    assert_eq!(run.writer.chunks(), 3);
    let printed = Offsets { stdout: 9, stderr: 4 };
    assert_eq!(run.spool().reached().unwrap(), Reached { chunks: 3, printed });
}

#[test]
fn a_stream_is_read_by_offset() {
    let mut run = Run::new(LIMIT);
    run.print(Stdout, "0123");
    run.print(Stderr, "xx");
    run.print(Stdout, "4567");

    let read = |offset, max_bytes| run.spool().read(Stdout, offset, max_bytes).unwrap();
    let extent = |offset, text: &'static str| Extent { offset, bytes: Bytes::from(text) };
    assert_eq!(read(0, 100), extent(0, "01234567"));
    assert_eq!(read(3, 2), extent(3, "34"));
    assert_eq!(read(7, 100), extent(7, "7"));
    assert_eq!(read(8, 100), extent(8, ""));
    assert_eq!(read(u64::MAX, 100), extent(u64::MAX, ""));
    assert_eq!(read(0, 0), extent(0, ""));
    assert_eq!(run.spool().kept(Stdout).unwrap(), [0..8]);
}

#[test]
fn nothing_is_on_disk_before_the_first_output() {
    let mut run = Run::new(LIMIT);
    assert_eq!(run.files(), [""; 0]);
    assert_eq!(run.pieces(100), []);
    assert_eq!(run.spool().reached().unwrap(), Reached::default());
    assert_eq!(run.collect(Stdout, 100), "");

    run.print(Stderr, "x");

    assert_eq!(run.files(), ["order.0", "stderr.0"]);
    assert_eq!(run.collect(Stdout, 100), "");
    for name in run.files() {
        let mode = fs::metadata(run.path(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn beginning_and_end_are_kept_and_the_cut_is_marked() {
    let mut run = Run::new(LIMIT);
    for number in 0..10_000 {
        run.print(if number % 10 == 0 { Stderr } else { Stdout }, format!("{number:015}\n"));
    }

    let pieces = run.pieces(1 << 20);
    let chunk = |piece: &Piece| match piece {
        Piece::Chunk(chunk) => Some(chunk.clone()),
        Piece::Cut(_) => None,
    };
    let chunks: Vec<Chunk> = pieces.iter().filter_map(chunk).collect();
    let cuts: Vec<&Piece> = pieces.iter().filter(|piece| chunk(piece).is_none()).collect();
    // 8 KiB hold 256 lines of 32 bytes, and 4 KiB half as many; the last segment is not full.
    let after = 10_000 - (10_000 - 256) % 128 - 128;
    let numbers: Vec<u64> = chunks.iter().map(|chunk| chunk.sequence).collect();
    assert_eq!(numbers, (0..256).chain(after..10_000).collect::<Vec<u64>>());
    let texts: Vec<Bytes> = numbers.iter().map(|it| format!("{it:015}\n").into()).collect();
    assert_eq!(chunks.iter().map(|it| it.bytes.clone()).collect::<Vec<_>>(), texts);
    let cut = Cut {
        sequences: 256..after,
        stdout: 230 * 16..(after - after.div_ceil(10)) * 16,
        stderr: 26 * 16..after.div_ceil(10) * 16,
    };
    assert_eq!(cuts, [&Piece::Cut(cut.clone())]);
    let kept = 16 * chunks.len() as u64;
    assert_eq!(
        run.writer.printed(),
        Printed { stdout: 144_000, stderr: 16_000, dropped: 160_000 - kept }
    );
    assert_eq!(cut.bytes(), 160_000 - kept);
    assert_eq!(run.files().len(), 9);
    assert!(run.transcript().contains(&format!("\n[… {} bytes are left out …]\n", cut.bytes())));
}
