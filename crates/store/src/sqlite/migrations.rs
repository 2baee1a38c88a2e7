//! Brings the tables up to date, one numbered step after the other.

use sqlx::{AssertSqlSafe, Executor, Sqlite};

use super::connection::Database;
use crate::StoreError;

/// What a database holds.
#[derive(Debug)]
pub(super) struct Schema {
    /// The steps that lead to the tables of this program, whose version is the number of steps.
    /// Never edited, only added to.
    steps: &'static [&'static str],
}

/// Users, groups, API keys, sessions, failed sign-ins.
pub(super) const ACCOUNTS: Schema = Schema {
    steps: &[include_str!("../../migrations/sqlite/accounts/0001_accounts_sessions_failures.sql")],
};

/// Records of runs.
pub(super) const RUNS: Schema =
    Schema { steps: &[include_str!("../../migrations/sqlite/runs/0001_runs.sql")] };

const VERSION: &str = "PRAGMA user_version";

impl Schema {
    /// Refuses a database that a newer program has changed.
    pub(super) async fn refuse_newer<'c>(
        &self,
        database: impl Executor<'c, Database = Sqlite>,
    ) -> Result<(), StoreError> {
        let found: i64 = sqlx::query_scalar(VERSION).fetch_one(database).await?;
        let known = self.versions().last().map_or(0, |(version, _)| version);
        if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
    }

    /// Takes the steps that are missing, each in its own transaction.
    pub(super) async fn migrate(&self, database: &Database) -> Result<(), StoreError> {
        for (version, step) in self.versions() {
            take(database, version, step).await?;
        }
        Ok(())
    }

    /// The steps with the version of the tables after each.
    fn versions(&self) -> impl Iterator<Item = (i64, &'static str)> {
        (1..).zip(self.steps.iter().copied())
    }
}

async fn take(database: &Database, version: i64, step: &'static str) -> Result<(), StoreError> {
    let mut transaction = database.write().await?;
    // Read under the lock: another process may have taken the step in the meantime.
    let found: i64 = sqlx::query_scalar(VERSION).fetch_one(&mut *transaction).await?;
    if found >= version {
        return Ok(transaction.rollback().await?);
    }
    sqlx::raw_sql(step).execute(&mut *transaction).await.map_err(migrating)?;
    let set_version = AssertSqlSafe(format!("PRAGMA user_version = {version}"));
    sqlx::raw_sql(set_version).execute(&mut *transaction).await.map_err(migrating)?;
    transaction.commit().await.map_err(migrating)?;
    tracing::info!(
        name: "store.migrated",
        version,
        "the tables of the database were brought to version {version}",
    );
    Ok(())
}

fn migrating(error: sqlx::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Database(source) => StoreError::Migrate(source),
        other => other,
    }
}
