//! Brings the tables up to date, one numbered step after the other.

use sqlx::{AssertSqlSafe, Executor, Sqlite};

use super::connection::Database;
use crate::StoreError;

/// The steps with the version of the tables after each. Never edited, only added to.
const STEPS: [(i64, &str); 1] =
    [(1, include_str!("../../migrations/sqlite/0001_accounts_sessions_failures.sql"))];

/// Version of the tables that this program works with: the last step.
pub(super) const KNOWN: i64 = 1;

const VERSION: &str = "PRAGMA user_version";

/// Refuses a database that a newer program has changed.
pub(super) async fn refuse_newer<'c>(
    database: impl Executor<'c, Database = Sqlite>,
) -> Result<(), StoreError> {
    let found: i64 = sqlx::query_scalar(VERSION).fetch_one(database).await?;
    if found > KNOWN { Err(StoreError::Newer { found, known: KNOWN }) } else { Ok(()) }
}

/// Takes the steps that are missing, each in its own transaction.
pub(super) async fn run(database: &Database) -> Result<(), StoreError> {
    for (version, step) in STEPS {
        take(database, version, step).await?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_numbered_from_1_to_the_known_version() {
        let versions: Vec<i64> = STEPS.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, (1..=KNOWN).collect::<Vec<i64>>());
    }
}
