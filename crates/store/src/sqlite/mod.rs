//! SQLite: one writing connection, a few reading ones, a write-ahead log between them.

mod accounts;
mod blacklist;
mod connection;
mod file;
mod health;
mod migrations;
#[cfg(test)]
mod plans;
mod runs;
mod sessions;
mod stamp;
#[cfg(test)]
mod tests;
mod user_row;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::clock::Timestamp;

use crate::{StoreError, Stores};
use connection::Database;

/// Limits of a database; only tests choose others than the default.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How long a lock of another process, and the turn of earlier writes, are waited for.
    wait: Duration,
    /// Rows of failed sign-ins.
    failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wait: Duration::from_secs(5), failures: 100_000 }
    }
}

/// Opens the database file, which is created when absent, and brings its tables up to date.
///
/// The directory has to exist. The file has to be a regular one that belongs to the user who runs
/// the program and that nobody else may open (mode 0600, with which it is created). What a method
/// of the stores has answered survives the end of the process and a loss of power. Several
/// processes may open the same file.
///
/// # Errors
///
/// [`StoreError::File`], [`StoreError::NotTrusted`], [`StoreError::ReadOnlyFile`],
/// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Migrate`], [`StoreError::Locked`] and
/// [`StoreError::Full`].
pub async fn open(path: &Path) -> Result<Stores, StoreError> {
    let limits = Limits::default();
    Ok(stores(&connection::open_file(path, limits).await?, limits))
}

/// Looks at the database file without changing its content. None is good: it is made later.
///
/// # Errors
///
/// What [`open`] would refuse, and [`StoreError::Damaged`].
pub async fn examine(path: &Path) -> Result<(), StoreError> {
    connection::examine_file(path, Limits::default()).await
}

/// Opens an empty database that vanishes with the last clone of the stores.
///
/// # Errors
///
/// Only when memory or threads are used up.
pub async fn open_in_memory() -> Result<Stores, StoreError> {
    let limits = Limits::default();
    Ok(stores(&connection::open_memory(limits).await?, limits))
}

fn stores(database: &Database, limits: Limits) -> Stores {
    Stores {
        accounts: Arc::new(accounts::SqliteAccounts(database.clone())),
        sessions: Arc::new(sessions::SqliteSessions(database.clone())),
        blacklist: Arc::new(blacklist::SqliteBlacklist {
            database: database.clone(),
            most: i64::from(limits.failures),
        }),
        runs: Arc::new(runs::SqliteRuns),
        health: Arc::new(health::SqliteHealth(database.clone())),
    }
}

/// Where a value stands, for the error when it cannot be understood.
#[derive(Debug, Clone, Copy)]
struct Cell {
    table: &'static str,
    column: &'static str,
    row: i64,
}

impl Cell {
    fn unreadable(self) -> StoreError {
        StoreError::Unreadable { table: self.table, column: self.column, row: self.row }
    }

    fn seconds(self, value: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_second(value).map_err(|_| self.unreadable())
    }

    fn milliseconds(self, value: i64) -> Result<Timestamp, StoreError> {
        // `from_millisecond` refuses the last second of representable time, where a session ends
        // that is to last for ever.
        Timestamp::from_nanosecond(i128::from(value) * 1_000_000).map_err(|_| self.unreadable())
    }
}
