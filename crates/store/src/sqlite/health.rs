//! Whether the database answers.

use async_trait::async_trait;

use super::connection::Database;
use crate::{Health, StoreError};

pub(super) const READ: &str = "SELECT EXISTS (SELECT 1 FROM users)";

/// Health of a SQLite database.
pub(super) struct SqliteHealth(pub(super) Database);

#[async_trait]
impl Health for SqliteHealth {
    async fn check(&self) -> Result<(), StoreError> {
        let _: bool = sqlx::query_scalar(READ).fetch_one(&self.0.reader).await?;
        self.0.prove_writable().await
    }

    fn stamp(&self) -> Option<u64> {
        self.0.stamp.as_ref()?.read()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
