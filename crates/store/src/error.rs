//! Why saved state could not be read or written.

use std::path::PathBuf;
use std::sync::Arc;

/// Why saved state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file cannot be opened or created.
    #[error("the database `{path}` cannot be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The database file cannot be created or examined.
    #[error("the database file `{path}` cannot be created or examined")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Somebody else could read or change the database file.
    #[error("the database file `{path}` is not safe to use: {problem}")]
    NotTrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The database file cannot be written.
    #[error(
        "the database file `{path}` is read-only: make it and its directory writable for the user \
         who runs the program"
    )]
    ReadOnlyFile {
        /// The file.
        path: PathBuf,
    },
    /// The database file was found to be damaged.
    #[error("the database file `{path}` is damaged: {found}; put a backup in its place")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        found: String,
    },
    /// The tables cannot be brought up to date.
    #[error("the tables of the database cannot be brought up to date")]
    Migrate(#[source] sqlx::Error),
    /// The database is newer than this program.
    #[error("the database has version {found}, this program knows {known}: use a newer program")]
    Newer {
        /// Version of the file.
        found: i64,
        /// Version of the program.
        known: i64,
    },
    /// Another process, or earlier writes, keep the database locked for longer than 5 seconds.
    #[error("the database is locked by another process or by earlier writes: try again later")]
    Locked(#[source] sqlx::Error),
    /// The database cannot be written: read-only.
    #[error("the database is read-only")]
    ReadOnly(#[source] sqlx::Error),
    /// The disk is full.
    #[error("the disk of the database is full: make room and try again")]
    Full(#[source] sqlx::Error),
    /// A value in the database cannot be understood.
    #[error("table `{table}`, column `{column}`, row {row}: the value cannot be read")]
    Unreadable {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Row.
        row: i64,
    },
    /// Anything else.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

/// What is wrong with a file of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// A symbolic link: whoever owns the link decides what is opened.
    #[error("it is a symbolic link; put the file itself in its place")]
    SymbolicLink,
    /// A directory, a device, a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// Somebody else's file.
    #[error(
        "it belongs to user number {owner}, but the program runs as user number {user}; run the \
         program as the owner or change the owner"
    )]
    Owner {
        /// Whose it is.
        owner: u32,
        /// Who runs the program.
        user: u32,
    },
    /// Group or others have rights.
    #[error("other users may open it (mode {mode:04o}); take their rights away with `chmod 600`")]
    Mode {
        /// Permission bits.
        mode: u32,
    },
}

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const FULL: i32 = 13;
/// Extended: the shared memory beside the database could not grow, which means a full disk.
const IO_SHARED_MEMORY_SIZE: i32 = 4874;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            // The one writing connection was not free in time.
            sqlx::Error::PoolTimedOut => return Self::Locked(error),
            sqlx::Error::Database(cause) => cause.code().and_then(|code| code.parse::<i32>().ok()),
            _ => None,
        };
        match code {
            Some(IO_SHARED_MEMORY_SIZE) => Self::Full(error),
            // The low byte of an extended code is the primary one.
            Some(code) => match code & 0xff {
                BUSY | LOCKED => Self::Locked(error),
                READ_ONLY => Self::ReadOnly(error),
                FULL => Self::Full(error),
                _ => Self::Database(error),
            },
            None => Self::Database(error),
        }
    }
}

impl StoreError {
    /// The error of a transaction, for each of several callers whose writes it held.
    pub(crate) fn for_each<T>(self, callers: usize) -> Vec<Result<T, Self>> {
        if callers == 1 {
            return vec![Err(self)];
        }
        let (kind, source): (fn(sqlx::Error) -> Self, _) = match self {
            Self::Locked(source) => (Self::Locked, source),
            Self::ReadOnly(source) => (Self::ReadOnly, source),
            Self::Full(source) => (Self::Full, source),
            Self::Database(source) => (Self::Database, source),
            other => (Self::Database, sqlx::Error::Encode(Box::new(other))),
        };
        let cause = Arc::new(source);
        let share = |_| Err(kind(sqlx::Error::Io(std::io::Error::other(Arc::clone(&cause)))));
        (0..callers).map(share).collect()
    }
}
