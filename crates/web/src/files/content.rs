//! The bytes of a file: in memory, or on disk and read piece by piece while they are sent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;

/// Bytes read at a time.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where the bytes are. Many slow readers share either form.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// On disk; the file stays open.
    Disk {
        /// The file.
        file: Arc<File>,
        /// How many bytes it had when it was opened.
        length: u64,
    },
}

impl Content {
    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk { length, .. } => *length,
        }
    }

    /// A body of these bytes; of those that exist, if it asks for more.
    pub fn part(&self, range: Range<u64>) -> Body {
        let end = range.end.min(self.length());
        let start = range.start.min(end);
        match self {
            Self::Memory(bytes) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Body::from(bytes.slice(index(start)..index(end)))
            }
            Self::Disk { file, .. } => read_piece_by_piece(Arc::clone(file), start..end),
        }
    }
}

/// A file that became shorter ends the body with an error, and with it the connection.
fn read_piece_by_piece(file: Arc<File>, range: Range<u64>) -> Body {
    Body::from_stream(try_unfold(range.start, move |at| {
        let file = Arc::clone(&file);
        let length = range.end.saturating_sub(at).min(PIECE_BYTES);
        async move {
            if length == 0 {
                return Ok::<_, io::Error>(None);
            }
            let read = move || read_piece(&file, at, length);
            let piece = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            Ok(Some((piece, at + length)))
        }
    }))
}

fn read_piece(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, at)?;
    Ok(Bytes::from(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Body) -> Vec<u8> {
        axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn both_forms_give_the_same_parts() {
        let bytes: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let disk = Content::Disk { file, length: 200_000 };
        let memory = Content::Memory(Bytes::from(bytes.clone()));

        for (from, to) in [(0, 200_000), (0, 0), (65_535, 65_537), (131_072, 200_000), (5, 300_000)]
        {
            let expected = &bytes[from.min(200_000)..to.min(200_000)];
            for content in [&disk, &memory] {
                assert_eq!(read(content.part(from as u64..to as u64)).await, expected);
            }
        }
        assert_eq!((disk.length(), memory.length()), (200_000, 200_000));
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "short").unwrap();
        let content = Content::Disk { file: Arc::new(File::open(&path).unwrap()), length: 100_000 };

        assert!(axum::body::to_bytes(content.part(0..100_000), usize::MAX).await.is_err());
    }
}
