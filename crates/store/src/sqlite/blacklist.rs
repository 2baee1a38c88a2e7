//! Failed sign-ins.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use webscripts_domain::blacklist::{BlacklistRule, Failures};
use webscripts_domain::clock::Timestamp;

use super::Cell;
use super::connection::Database;
use crate::StoreError;
use crate::blacklist::{Blacklist, Subject};

pub(super) const FIND: &str =
    "SELECT id, count, last_ms FROM failures WHERE kind = ?1 AND subject = ?2";

pub(super) const STORE: &str = "\
INSERT INTO failures (kind, subject, count, last_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (kind, subject) DO UPDATE SET count = excluded.count, last_ms = excluded.last_ms
RETURNING id";

pub(super) const SIZE: &str = "SELECT size FROM failures_size WHERE id = 1";

/// Follows the index from its beginning and stops after ?2 rows.
pub(super) const DROP_OLDEST: &str = "\
DELETE FROM failures WHERE id IN (
    SELECT id FROM failures WHERE id <> ?1 ORDER BY last_ms LIMIT ?2
)";

pub(super) const CLEAR: &str = "DELETE FROM failures WHERE kind = ?1 AND subject = ?2";

pub(super) const SWEEP: &str = "\
DELETE FROM failures WHERE id IN (
    SELECT id FROM failures WHERE last_ms < ?1 ORDER BY last_ms LIMIT ?2
)";

/// Rows dropped by one failure at most, when the limit was lowered.
const DROPPED_AT_ONCE: i64 = 100;

/// Characters of a subject that are kept. Longer ones, which name nobody, count together.
const SUBJECT_CHARACTERS: usize = 256;

/// Failed sign-ins in SQLite.
pub(super) struct SqliteBlacklist {
    pub(super) database: Database,
    /// Rows that are kept.
    pub(super) most: i64,
}

#[async_trait]
impl Blacklist for SqliteBlacklist {
    async fn find(&self, subject: &Subject) -> Result<Option<Failures>, StoreError> {
        let (kind, text) = columns(subject);
        let row =
            sqlx::query(FIND).bind(kind).bind(text).fetch_optional(&self.database.reader).await?;
        row.as_ref().map(failures_from_row).transpose()
    }

    async fn record(
        &self,
        subject: &Subject,
        rule: &BlacklistRule,
        now: Timestamp,
    ) -> Result<Failures, StoreError> {
        let (kind, text) = columns(subject);
        // What is answered is what `find` will answer: whole milliseconds.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mut transaction = self.database.write().await?;
        let before =
            sqlx::query(FIND).bind(kind).bind(text).fetch_optional(&mut *transaction).await?;
        let before = before.as_ref().map(failures_from_row).transpose()?;
        let after = rule.record(before, now);
        let id: i64 = sqlx::query_scalar(STORE)
            .bind(kind)
            .bind(text)
            .bind(after.count)
            .bind(after.last.as_millisecond())
            .fetch_one(&mut *transaction)
            .await?;
        if before.is_none() {
            self.make_room(&mut transaction, id).await?;
        }
        transaction.commit().await?;
        Ok(after)
    }

    async fn clear(&self, subject: &Subject) -> Result<(), StoreError> {
        let (kind, text) = columns(subject);
        sqlx::query(CLEAR).bind(kind).bind(text).execute(&self.database.writer).await?;
        Ok(())
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let swept = sqlx::query(SWEEP)
            .bind(before.as_millisecond())
            .bind(limit)
            .execute(&self.database.writer)
            .await?;
        Ok(swept.rows_affected())
    }
}

impl SqliteBlacklist {
    /// Drops the oldest rows above the limit; the row `newest` stays whatever its time.
    async fn make_room(
        &self,
        connection: &mut SqliteConnection,
        newest: i64,
    ) -> Result<(), StoreError> {
        let size: i64 = sqlx::query_scalar(SIZE).fetch_one(&mut *connection).await?;
        let surplus = size.saturating_sub(self.most).min(DROPPED_AT_ONCE);
        if surplus > 0 {
            sqlx::query(DROP_OLDEST).bind(newest).bind(surplus).execute(connection).await?;
        }
        Ok(())
    }
}

fn columns(subject: &Subject) -> (&'static str, &str) {
    let (kind, text) = match subject {
        Subject::Address(text) => ("address", text),
        Subject::Name(text) => ("name", text),
    };
    let end = text.char_indices().nth(SUBJECT_CHARACTERS).map_or(text.len(), |(end, _)| end);
    (kind, text.get(..end).unwrap_or(text))
}

fn failures_from_row(row: &SqliteRow) -> Result<Failures, StoreError> {
    let id: i64 = row.try_get("id")?;
    let cell = |column| Cell { table: "failures", column, row: id };
    let count: i64 = row.try_get("count")?;
    Ok(Failures {
        count: u32::try_from(count).map_err(|_| cell("count").unreadable())?,
        last: cell("last_ms").milliseconds(row.try_get("last_ms")?)?,
    })
}
