//! Open sessions.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::session::{Session, SessionKey};

use super::Cell;
use super::connection::Database;
use crate::StoreError;
use crate::sessions::Sessions;

pub(super) const FIND: &str = "\
SELECT id, key, user_id, address, opened_ms, expires_ms FROM sessions
WHERE key = ?1 AND expires_ms >= ?2";

pub(super) const ADD: &str = "\
INSERT INTO sessions (key, user_id, address, opened_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)";

pub(super) const END_OLDEST: &str = "\
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2
)";

pub(super) const END: &str = "DELETE FROM sessions WHERE key = ?1";

pub(super) const END_ALL: &str = "DELETE FROM sessions WHERE user_id = ?1";

pub(super) const OF_USER: &str = "\
SELECT id, key, user_id, address, opened_ms, expires_ms FROM sessions
WHERE user_id = ?1 AND expires_ms >= ?2 ORDER BY id DESC";

pub(super) const SWEEP: &str = "\
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE expires_ms < ?1 ORDER BY expires_ms LIMIT ?2
)";

/// Sessions in SQLite.
pub(super) struct SqliteSessions(pub(super) Database);

#[async_trait]
impl Sessions for SqliteSessions {
    async fn find(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(FIND)
            .bind(key.0.as_slice())
            .bind(now.as_millisecond())
            .fetch_optional(&self.0.reader)
            .await?;
        row.map(|row| Ok(session_from_row(&row)?.1)).transpose()
    }

    async fn add(&self, key: &SessionKey, session: &Session, most: u32) -> Result<(), StoreError> {
        let mut transaction = self.0.write().await?;
        sqlx::query(ADD)
            .bind(key.0.as_slice())
            .bind(session.user.0)
            .bind(session.address.to_string())
            .bind(session.opened.as_millisecond())
            .bind(session.expires.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(END_OLDEST).bind(session.user.0).bind(most).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn end(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let ended = sqlx::query(END).bind(key.0.as_slice()).execute(&self.0.writer).await?;
        Ok(ended.rows_affected() > 0)
    }

    async fn end_all(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = sqlx::query(END_ALL).bind(user.0).execute(&self.0.writer).await?;
        Ok(ended.rows_affected())
    }

    async fn of_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        let rows = sqlx::query(OF_USER)
            .bind(user.0)
            .bind(now.as_millisecond())
            .fetch_all(&self.0.reader)
            .await?;
        rows.iter().map(session_from_row).collect()
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let swept = sqlx::query(SWEEP)
            .bind(now.as_millisecond())
            .bind(limit)
            .execute(&self.0.writer)
            .await?;
        Ok(swept.rows_affected())
    }
}

fn session_from_row(row: &SqliteRow) -> Result<(SessionKey, Session), StoreError> {
    let id: i64 = row.try_get("id")?;
    let cell = |column| Cell { table: "sessions", column, row: id };
    let key: &[u8] = row.try_get("key")?;
    let address: &str = row.try_get("address")?;
    let session = Session {
        user: UserId(row.try_get("user_id")?),
        address: address.parse().map_err(|_| cell("address").unreadable())?,
        opened: cell("opened_ms").milliseconds(row.try_get("opened_ms")?)?,
        expires: cell("expires_ms").milliseconds(row.try_get("expires_ms")?)?,
    };
    let key = key.try_into().map_err(|_| cell("key").unreadable())?;
    Ok((SessionKey(key), session))
}
