//! A writer and readers together, on a real disk.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use webscripts_domain::run::Printed;
use webscripts_domain::run::Stream::{self, Stderr, Stdout};

use super::{Chunk, Cut, Extent, MAX_CHUNK_BYTES, Offsets, Piece, Reached, Spool, SpoolWriter};

const STARTED: u64 = 1_700_000_000_000;
/// The smallest: 8 KiB for the beginning, twice 4 KiB for the end.
const LIMIT: u64 = 16 * 1024;

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
    assert_eq!(run.spool().kept(Stdout).unwrap(), vec![Range { start: 0, end: 8 }]);
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
    for number in 0..2_000 {
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
    let after = 2_000 - (2_000 - 256) % 128 - 128;
    let numbers: Vec<u64> = chunks.iter().map(|chunk| chunk.sequence).collect();
    assert_eq!(numbers, (0..256).chain(after..2_000).collect::<Vec<u64>>());
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
        Printed { stdout: 28_800, stderr: 3_200, dropped: 32_000 - kept }
    );
    assert_eq!(cut.bytes(), 32_000 - kept);
    assert_eq!(run.files().len(), 9);
    assert!(run.transcript().contains(&format!("\n[… {} bytes are left out …]\n", cut.bytes())));
}

#[test]
fn an_entry_that_was_not_written_to_its_end_does_not_count() {
    let mut run = Run::new(LIMIT);
    run.print(Stdout, "whole");
    let mut order = fs::read(run.path("order.0")).unwrap();
    order.extend_from_slice(&[7; 15]);
    fs::write(run.path("order.0"), order).unwrap();
    let data = fs::read(run.path("stdout.0")).unwrap();
    fs::write(run.path("stdout.0"), [data, b"without entry".to_vec()].concat()).unwrap();

    assert_eq!(run.pieces(100), [chunk(0, Stdout, 0, "whole")]);
    assert_eq!(run.collect(Stdout, 100), "whole");
    assert_eq!(run.spool().reached().unwrap().chunks, 1);

    fs::write(run.path("order.0"), [1; 30]).unwrap();
    assert_eq!(run.pieces(100), []);
}

#[test]
fn what_a_power_failure_left_is_a_cut() {
    let mut run = Run::new(LIMIT);
    for text in ["one", "two", "three"] {
        run.print(Stdout, text);
    }
    let order = fs::read(run.path("order.0")).unwrap();

    // Zeros in place of the last entries.
    fs::write(run.path("order.0"), [&order[..56], &[0; 4096]].concat()).unwrap();
    assert_eq!(run.pieces(100), [chunk(0, Stdout, 0, "one")]);
    assert_eq!(run.collect(Stdout, 100), "one");

    // Zeros in the middle.
    let mut zeros = order.clone();
    zeros[56..72].fill(0);
    fs::write(run.path("order.0"), zeros).unwrap();
    let cut = Cut { sequences: 1..3, stdout: 3..11, stderr: 0..0 };
    assert_eq!(run.pieces(100), [chunk(0, Stdout, 0, "one"), Piece::Cut(cut)]);

    // Entries without their bytes.
    fs::write(run.path("order.0"), order).unwrap();
    fs::write(run.path("stdout.0"), "one").unwrap();
    let cut = Cut { sequences: 0..3, stdout: 0..11, stderr: 0..0 };
    assert_eq!(run.pieces(100), [Piece::Cut(cut)]);
    assert_eq!(run.collect(Stdout, 100), "[… 11 bytes are left out …]\n");
}

#[test]
fn files_that_lie_or_lead_elsewhere_are_not_believed() {
    let mut run = Run::new(LIMIT);
    run.print(Stdout, "true");
    let header = fs::read(run.path("order.0")).unwrap();

    // Later segments that begin before the first ends, and one that is no file.
    fs::write(run.path("order.1"), &header).unwrap();
    fs::create_dir(run.path("order.2")).unwrap();
    symlink(run.path("order.0"), run.path("order.3")).unwrap();
    mknodat(CWD, run.path("order.4"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(run.pieces(100), [chunk(0, Stdout, 0, "true")]);

    // A piece of two gigabytes, and one that is as far away.
    fs::remove_file(run.path("order.1")).unwrap();
    let mut lie = header.clone();
    lie[44..48].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    fs::write(run.path("order.0"), &lie).unwrap();
    assert_eq!(run.spool().chunks(0, usize::MAX).unwrap(), []);
    let mut lie = header.clone();
    lie[48..52].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(run.path("order.0"), &lie).unwrap();
    assert_eq!(run.spool().read(Stdout, 0, usize::MAX).unwrap(), Extent::default());
    assert_eq!(run.spool().chunks(0, usize::MAX).unwrap().len(), 1);

    // Data of somebody else.
    fs::write(run.path("order.0"), &header).unwrap();
    fs::remove_file(run.path("stdout.0")).unwrap();
    symlink("/etc/hostname", run.path("stdout.0")).unwrap();
    assert_eq!(run.collect(Stdout, 100), "[… 4 bytes are left out …]\n");

    fs::write(run.path("order.0"), [0; 56]).unwrap();
    assert_eq!(run.spool().reached().unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn a_reader_that_is_overtaken_gets_a_cut() {
    let mut run = Run::new(LIMIT);
    let spool = run.spool();
    let line = [b'x'; 1008];
    for _ in 0..10 {
        run.print(Stdout, line);
    }
    assert_eq!(spool.chunks(9, 1).unwrap().len(), 1);

    for _ in 10..40 {
        run.print(Stdout, line);
    }

    let Some(Piece::Cut(cut)) = spool.chunks(10, 1).unwrap().into_iter().next() else {
        panic!("the output from 10 on is not kept");
    };
    assert_eq!(cut.sequences, 10..32);
    assert_eq!(cut.stdout, 8 * 1008..32 * 1008);
    assert_eq!(spool.read(Stdout, 10 * 1008, 1).unwrap().offset, 32 * 1008);
}

#[test]
fn long_output_is_divided_and_no_more_than_the_limit_is_kept() {
    let mut run = Run::new(1 << 20);
    let long: Vec<u8> = (0..5u32 << 20).map(|it| (it % 251) as u8).collect();
    run.print(Stdout, &long);

    let on_disk: u64 =
        run.files().iter().map(|name| fs::metadata(run.path(name)).unwrap().len()).sum();
    assert!((1 << 19..=(1 << 20) + 120).contains(&on_disk), "{on_disk}");
    for piece in run.pieces(usize::MAX) {
        if let Piece::Chunk(chunk) = piece {
            let start = usize::try_from(chunk.offset).unwrap();
            assert!(chunk.bytes.len() <= MAX_CHUNK_BYTES);
            assert_eq!(chunk.bytes, &long[start..start + chunk.bytes.len()]);
        }
    }
    let kept = run.spool().kept(Stdout).unwrap();
    let length: u64 = kept.iter().map(|part| part.end - part.start).sum();
    assert_eq!(run.writer.printed().dropped, (5 << 20) - length);
    assert_eq!(kept.last().unwrap().end, 5 << 20);
}

#[test]
fn the_middle_of_what_is_too_long_is_left_out() {
    let mut run = Run::new(LIMIT);
    run.print(Stdout, "0123456789");
    run.print(Stderr, "x");
    run.print(Stdout, "abcdefghij");

    assert_eq!(run.collect(Stdout, 20), "0123456789abcdefghij");
    assert_eq!(run.collect(Stdout, 8), "0123\n[… 12 bytes are left out …]\nghij");
    assert_eq!(run.collect(Stdout, 0), "[… 20 bytes are left out …]\n");
    let more = run.spool().collect(Stdout, 20, Some(25)).unwrap();
    assert_eq!(more, "0123456789abcdefghij\n[… 5 bytes are left out …]\n".as_bytes());

    let mut run = Run::new(LIMIT);
    run.print(Stdout, "äöü€äöü");
    for most in 1..16 {
        let text = run.collect(Stdout, most);
        assert!(text.starts_with('ä') || most < 4, "{text}");
    }
}

#[test]
fn output_is_followed_without_gap_or_repetition_while_it_is_written() {
    let mut run = Run::new(64 << 20);
    let spool = run.spool();
    let is_over = AtomicBool::new(false);
    let seen = thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut seen = Vec::new();
            loop {
                let was_over = is_over.load(Ordering::Acquire);
                let next = seen.last().map_or(0, Piece::next);
                let pieces = spool.chunks(next, 4096).unwrap();
                if pieces.is_empty() && was_over {
                    return seen;
                }
                seen.extend(pieces);
            }
        });
        for number in 0..5_000 {
            run.print(if number % 3 == 0 { Stderr } else { Stdout }, format!("{number}\n"));
        }
        is_over.store(true, Ordering::Release);
        reader.join().unwrap()
    });

    let texts: Vec<String> = seen
        .into_iter()
        .map(|piece| match piece {
            Piece::Chunk(chunk) => String::from_utf8(chunk.bytes.to_vec()).unwrap(),
            Piece::Cut(cut) => panic!("{cut:?}"),
        })
        .collect();
    assert_eq!(texts, (0..5_000).map(|number| format!("{number}\n")).collect::<Vec<_>>());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn printed() -> impl Strategy<Value = Vec<(Stream, usize)>> {
        let length =
            prop_oneof![4 => 1..200_usize, 1 => 200..9_000_usize, 1 => 9_000..60_000_usize];
        let stream = prop_oneof![3 => Just(Stdout), 1 => Just(Stderr)];
        proptest::collection::vec((stream, length), 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_is_read_is_what_was_printed_at_that_place(
            printed in printed(),
            limit in LIMIT..100_000,
            max_bytes in 1..100_000_usize,
        ) {
            let mut run = Run::new(limit);
            let mut all = [Vec::new(), Vec::new()];
            for (number, (stream, length)) in printed.into_iter().enumerate() {
                let text = format!("{number}.").repeat(length).into_bytes();
                all[usize::from(stream == Stderr)].extend_from_slice(&text[..length]);
                run.print(stream, &text[..length]);
            }

            // Pieces and cuts follow one another, and pieces hold what was printed there.
            let (mut position, mut next, mut kept) = ([0, 0], 0, 0);
            for piece in run.pieces(max_bytes) {
                match piece {
                    Piece::Chunk(chunk) => {
                        let which = usize::from(chunk.stream == Stderr);
                        prop_assert_eq!((chunk.sequence, chunk.offset), (next, position[which]));
                        let start = usize::try_from(chunk.offset).unwrap();
                        prop_assert_eq!(
                            &chunk.bytes[..],
                            &all[which][start..start + chunk.bytes.len()]
                        );
                        position[which] += chunk.bytes.len() as u64;
                        kept += chunk.bytes.len() as u64;
                        next += 1;
                    }
                    Piece::Cut(cut) => {
                        prop_assert_eq!(cut.sequences.start, next);
                        prop_assert_eq!([cut.stdout.start, cut.stderr.start], position);
                        position = [cut.stdout.end, cut.stderr.end];
                        next = cut.sequences.end;
                    }
                }
            }
            let lengths = [all[0].len() as u64, all[1].len() as u64];
            prop_assert_eq!(position, lengths);
            let Printed { stdout, stderr, dropped } = run.writer.printed();
            prop_assert_eq!(([stdout, stderr], dropped), (lengths, lengths[0] + lengths[1] - kept));
            prop_assert_eq!(run.writer.chunks(), next);

            // Both ways to read agree on what is kept.
            let mut extents = 0;
            for (stream, all) in [Stdout, Stderr].into_iter().zip(&all) {
                let mut offset = 0;
                loop {
                    let extent = run.spool().read(stream, offset, max_bytes).unwrap();
                    if extent.bytes.is_empty() {
                        break;
                    }
                    let start = usize::try_from(extent.offset).unwrap();
                    prop_assert_eq!(&extent.bytes[..], &all[start..start + extent.bytes.len()]);
                    extents += extent.bytes.len() as u64;
                    offset = extent.offset + extent.bytes.len() as u64;
                }
            }
            prop_assert_eq!(extents, kept);
        }
    }
}
