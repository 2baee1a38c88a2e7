//! Why saved state could not be read or written.

/// Why saved state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file cannot be opened or created.
    #[error("the database `{path}` cannot be opened")]
    Open {
        /// The file.
        path: std::path::PathBuf,
        /// The cause.
        #[source]
        source: sqlx::Error,
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
    /// Another process keeps the database locked.
    #[error("the database is locked by another process")]
    Locked(#[source] sqlx::Error),
    /// The database cannot be written: read-only.
    #[error("the database is read-only")]
    ReadOnly(#[source] sqlx::Error),
    /// The disk is full.
    #[error("the disk of the database is full")]
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
