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
use runs::SqliteRuns;

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

/// Name of the file of the records of runs, beside the database of accounts and sessions.
pub const RUNS_FILE: &str = "runs.sqlite3";

/// Opens the database file of accounts and sessions and, beside it, [`RUNS_FILE`]. They are created
/// when absent, and their tables are brought up to date.
///
/// The directory has to exist. The files have to be regular ones that belong to the user who runs
/// the program and that nobody else may open (mode 0600, with which they are created). What a method
/// of the stores has answered survives the end of the process and, but for records of runs, a loss
/// of power. Several processes may open the same files.
///
/// To be called on a runtime, which has to live as long as the stores are used.
///
/// # Errors
///
/// [`StoreError::File`], [`StoreError::NotTrusted`], [`StoreError::ReadOnlyFile`],
/// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Migrate`], [`StoreError::Locked`] and
/// [`StoreError::Full`].
pub async fn open(path: &Path) -> Result<Stores, StoreError> {
    let limits = Limits::default();
    let accounts = connection::open_file(path, connection::ACCOUNTS, limits).await?;
    match connection::open_file(&path.with_file_name(RUNS_FILE), connection::RUNS, limits).await {
        Ok(runs) => Ok(stores(&accounts, SqliteRuns::new(runs, true), limits)),
        Err(error) => {
            accounts.close().await;
            Err(error)
        }
    }
}

/// Looks at the database files without changing their content. None is good: it is made later.
///
/// # Errors
///
/// What [`open`] would refuse, and [`StoreError::Damaged`].
pub async fn examine(path: &Path) -> Result<(), StoreError> {
    let limits = Limits::default();
    connection::examine_file(path, connection::ACCOUNTS, limits).await?;
    connection::examine_file(&path.with_file_name(RUNS_FILE), connection::RUNS, limits).await
}

/// Opens an empty database that vanishes with the last clone of the stores.
///
/// # Errors
///
/// Only when memory or threads are used up.
pub async fn open_in_memory() -> Result<Stores, StoreError> {
    let limits = Limits::default();
    let accounts = connection::open_memory(connection::ACCOUNTS, limits).await?;
    let runs = connection::open_memory(connection::RUNS, limits).await?;
    Ok(stores(&accounts, SqliteRuns::new(runs, false), limits))
}

fn stores(database: &Database, runs: SqliteRuns, limits: Limits) -> Stores {
    let runs = Arc::new(runs);
    Stores {
        accounts: Arc::new(accounts::SqliteAccounts(database.clone())),
        sessions: Arc::new(sessions::SqliteSessions(database.clone())),
        blacklist: Arc::new(blacklist::SqliteBlacklist {
            database: database.clone(),
            most: i64::from(limits.failures),
        }),
        runs: Arc::clone(&runs) as Arc<dyn crate::runs::Runs>,
        health: Arc::new(health::SqliteHealth { accounts: database.clone(), runs }),
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
