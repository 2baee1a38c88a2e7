//! A number that tells whether the database has changed, for the price of two system calls.
//!
//! Every transaction of every process changes the header of the write-ahead log's index, which
//! stands twice at the beginning of the file `-shm` (<https://www.sqlite.org/walformat.html> §2.1).

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::mem::ManuallyDrop;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// Bytes of one copy of the header.
const HEADER: usize = 48;

/// Where the header says that it is complete.
const IS_INITIALIZED: usize = 12;

/// Reads the header of the index.
///
/// The file is never closed: that would drop the locks which SQLite holds on it in this process
/// (<https://www.sqlite.org/howtocorrupt.html> §2.2). A program opens its database once.
#[derive(Debug)]
pub(super) struct Stamp(ManuallyDrop<File>);

impl Stamp {
    /// Opens the index of a database that is in use.
    pub(super) async fn of_database(path: &Path) -> Result<Self, std::io::Error> {
        let mut name = path.to_owned().into_os_string();
        name.push("-shm");
        let file = tokio::fs::File::open(name).await?;
        Ok(Self(ManuallyDrop::new(file.into_std().await)))
    }

    /// The number; `None` while the header is being written and when the index is in use no longer.
    pub(super) fn read(&self) -> Option<u64> {
        let mut headers = [0; 2 * HEADER];
        self.0.read_exact_at(&mut headers, 0).ok()?;
        let (first, second) = headers.split_at(HEADER);
        let is_removed = self.0.metadata().ok()?.nlink() == 0;
        if is_removed || first != second || first.get(IS_INITIALIZED) != Some(&1) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(first);
        Some(hasher.finish())
    }
}
