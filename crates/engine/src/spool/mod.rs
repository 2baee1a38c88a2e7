//! What a run prints, on disk: written by the one who keeps the run, read by everybody else.
//!
//! Output lies in the directory of the run, in segments. Segment N has the files `stdout.N` and
//! `stderr.N`, which hold what was printed and nothing else, and `order.N`, which says in which
//! order and when. Bytes are written before their entry, so whoever sees an entry has its bytes;
//! a process that is killed in between leaves bytes without an entry, which do not count.
//!
//! The first half of the limit is for the beginning of the output, the other half for its end:
//! segment 0 stays, of the later ones only the last two. Offsets and sequence numbers count what
//! was printed, also what is not kept.

mod collected;
mod format;
mod pieces;
mod reader;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use collected::Transcript;
pub use format::{MAX_CHUNK_BYTES, Offsets};
pub use pieces::{Chunk, Cut, Piece};
pub use reader::{Extent, Reached, Spool};
pub use writer::{AppendError, SpoolWriter};

/// A length in memory as a number on disk.
fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
