//! Opening: one connection writes, a few read beside it.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::sqlite::{SqliteConnection, SqliteSynchronous};
use sqlx::{Connection, Sqlite, Transaction};

use super::migrations::Schema;
use super::stamp::Stamp;
use super::{Limits, file, migrations};
use crate::StoreError;

/// Connections that read. SQLite answers from memory in microseconds, so few serve many requests.
const READERS: u32 = 4;

/// Bytes to which the write-ahead log is cut after it has grown.
const LOG_SIZE: &str = "16777216";

/// Pages of the write-ahead log after which it is emptied: pages that change often are then written
/// once to the database.
const LOG_PAGES: &str = "4000";

/// Takes the right to write at once; a transaction that asks for it later may be refused.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

const JOURNAL_MODE: &str = "PRAGMA journal_mode";
/// Reads every page and stops at the first that is wrong.
const CHECK: &str = "PRAGMA quick_check(1)";
const SOUND: &str = "ok";

const USE_WRITE_AHEAD_LOG: &str = "PRAGMA journal_mode = WAL";

/// An open database.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// For statements that only read.
    pub(super) reader: SqlitePool,
    /// One connection: writers take turns.
    pub(super) writer: SqlitePool,
    /// Tells of changes; a database in memory has none, nor has one for which nobody asks.
    pub(super) stamp: Option<Arc<Stamp>>,
}

impl Database {
    /// Begins a transaction that writes.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with(BEGIN).await?)
    }

    /// Proves that a write could begin now.
    pub(super) async fn prove_writable(&self) -> Result<(), StoreError> {
        Ok(self.write().await?.rollback().await?)
    }

    /// Closes the reading connections first: the last one to close empties the log, which only the
    /// writing one can.
    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// What a database is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// Its tables.
    pub(super) schema: &'static Schema,
    /// When what is written reaches the disk: before a method answers, or at the latest when the log
    /// is emptied. The end of the process loses nothing either way.
    pub(super) synchronous: SqliteSynchronous,
    /// Whether it tells of changes.
    pub(super) is_stamped: bool,
}

/// Accounts and sessions.
pub(super) const ACCOUNTS: Purpose = Purpose {
    schema: &migrations::ACCOUNTS,
    synchronous: SqliteSynchronous::Full,
    is_stamped: true,
};

/// Records of runs: many and small.
pub(super) const RUNS: Purpose = Purpose {
    schema: &migrations::RUNS,
    synchronous: SqliteSynchronous::Normal,
    is_stamped: false,
};

/// Opens a file; see [`super::open`].
pub(super) async fn open_file(
    path: &Path,
    purpose: Purpose,
    limits: Limits,
) -> Result<Database, StoreError> {
    let path = file::prepare(path).await?;
    let opening = |error| match StoreError::from(error) {
        StoreError::Database(source) => StoreError::Open { path: path.clone(), source },
        StoreError::ReadOnly(_) => StoreError::ReadOnlyFile { path: path.clone() },
        other => other,
    };
    let options = options(purpose, limits).filename(&path);
    let writer = writer_pool(limits, options.clone()).await.map_err(opening)?;
    let reader = reader_pool(limits, options);
    let mut database = Database { reader, writer, stamp: None };
    match make_ready(&database, purpose.schema, limits).await {
        Ok(()) => {
            if purpose.is_stamped {
                let stamp = Stamp::of_database(&path).await;
                let stamp =
                    stamp.map_err(|source| StoreError::File { path: path.clone(), source })?;
                database.stamp = Some(Arc::new(stamp));
            }
            Ok(database)
        }
        Err(error) => {
            database.close().await;
            Err(match error {
                StoreError::Database(error) | StoreError::ReadOnly(error) => opening(error),
                other => other,
            })
        }
    }
}

/// Looks at a file without changing it; see [`super::examine`].
pub(super) async fn examine_file(
    path: &Path,
    purpose: Purpose,
    limits: Limits,
) -> Result<(), StoreError> {
    let Some(path) = file::look_at(path).await? else { return Ok(()) };
    let opening = |error| match StoreError::from(error) {
        StoreError::Database(source) => StoreError::Open { path: path.clone(), source },
        other => other,
    };
    let options = options(purpose, limits).filename(&path).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(opening)?;
    purpose.schema.refuse_newer(&mut connection).await?;
    let found: String =
        sqlx::query_scalar(CHECK).fetch_one(&mut connection).await.map_err(opening)?;
    connection.close().await.map_err(opening)?;
    if found == SOUND { Ok(()) } else { Err(StoreError::Damaged { path, found }) }
}

/// Opens a database in memory: its only connection reads and writes.
pub(super) async fn open_memory(purpose: Purpose, limits: Limits) -> Result<Database, StoreError> {
    let options = options(purpose, limits);
    let pool = pool_options(limits).max_connections(1).connect_with(options).await?;
    let database = Database { reader: pool.clone(), writer: pool, stamp: None };
    purpose.schema.migrate(&database).await?;
    Ok(database)
}

async fn make_ready(
    database: &Database,
    schema: &Schema,
    limits: Limits,
) -> Result<(), StoreError> {
    // A newer database is left exactly as it is.
    schema.refuse_newer(&database.writer).await?;
    use_write_ahead_log(&database.writer, limits).await?;
    database.prove_writable().await?;
    schema.migrate(database).await?;
    // Opens the first reading connection, so that a problem shows now.
    database.reader.acquire().await?;
    Ok(())
}

/// Switches a new database to the write-ahead log, which is kept in the file.
///
/// SQLite does not wait for the lock this needs; two processes that open a new database at the same
/// time have to try again.
async fn use_write_ahead_log(writer: &SqlitePool, limits: Limits) -> Result<(), StoreError> {
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
    let deadline = tokio::time::Instant::now() + limits.wait;
    let mut mode: String = sqlx::query_scalar(JOURNAL_MODE).fetch_one(writer).await?;
    while mode != "wal" {
        match sqlx::query_scalar(USE_WRITE_AHEAD_LOG).fetch_one(writer).await.map_err(Into::into) {
            Ok(reached) => mode = reached,
            Err(StoreError::Locked(_)) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        }
        if mode != "wal" {
            let reason = "the file system does not allow a write-ahead log";
            return Err(StoreError::Database(sqlx::Error::Configuration(reason.into())));
        }
    }
    Ok(())
}

fn options(purpose: Purpose, limits: Limits) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(limits.wait)
        .synchronous(purpose.synchronous)
        .pragma("journal_size_limit", LOG_SIZE)
        .pragma("wal_autocheckpoint", LOG_PAGES)
        // What a statement may have to undo; the files would be made and removed all the time.
        .pragma("temp_store", "MEMORY")
        .thread_name(|number| format!("sqlite-{number}"))
}

fn pool_options(limits: Limits) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(limits.wait)
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection to a file does not break while it lies idle.
        .test_before_acquire(false)
}

async fn writer_pool(
    limits: Limits,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    pool_options(limits)
        .max_connections(1)
        .after_release(|connection, _| Box::pin(is_usable(connection)))
        .connect_with(options)
        .await
}

fn reader_pool(limits: Limits, options: SqliteConnectOptions) -> SqlitePool {
    pool_options(limits).max_connections(READERS).connect_lazy_with(options.read_only(true))
}

/// Whether a connection that comes back may be used again.
///
/// When SQLite itself undoes a transaction (a full disk, a failed write), the ROLLBACK that follows
/// fails and sqlx believes for ever that the transaction is open. Such a connection is replaced.
async fn is_usable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The rollback of a dropped transaction is only queued: this waits for it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
