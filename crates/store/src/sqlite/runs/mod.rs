//! Records of runs.

mod arguments;
mod batch;
mod list;
mod parameter;
mod row;
pub(in crate::sqlite) mod statements;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{RunId, RunRecord};

use super::connection::Database;
use crate::StoreError;
use crate::runs::{
    Change, Claim, Counts, NewRun, Owner, PAGE, Page, RequestKey, RunFilter, Runs, Unfinished,
    Visible,
};
use batch::{Added, Write, Written};
use list::Compared;
use parameter::Parameter;
use row::{Reader, ids_to_json, stored};
use writer::Writer;

/// Runs of an owner among which the last one of a script is looked for.
const REMEMBERED: Compared = Compared { rows: 1_000, entries: 1_000 };

/// Records of runs in SQLite.
pub(super) struct SqliteRuns {
    database: Database,
    writer: Writer,
}

impl SqliteRuns {
    /// In a database whose reading connections are others than the writing one, or not.
    pub(super) fn new(database: Database, has_readers: bool) -> Self {
        Self { writer: Writer::start(database.clone(), has_readers), database }
    }

    /// Proves that records can be read, and that one could be written now.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.counts().await?;
        self.writer.write(Write::Nothing).await.map(drop)
    }

    /// Finishes what is being written and closes the files.
    pub(super) async fn close(&self) {
        self.writer.close().await;
        self.database.close().await;
    }

    /// Writes something else than a new run; answers how many rows it has changed.
    async fn write(&self, write: Write) -> Result<u64, StoreError> {
        match self.writer.write(write).await? {
            Written::Rows(rows) => Ok(rows),
            Written::Claim(_) => Ok(0),
        }
    }

    async fn execute(
        &self,
        statement: &'static str,
        parameters: Vec<Parameter>,
    ) -> Result<u64, StoreError> {
        self.write(Write::Other(statement, parameters)).await
    }
}

#[async_trait]
impl Runs for SqliteRuns {
    async fn add(&self, run: &NewRun) -> Result<Claim, StoreError> {
        let key = run.key.clone().map(|key| (run.owner, key));
        let added = Added { id: run.id, row: row::added(run), key };
        match self.writer.write(Write::Add(added)).await? {
            Written::Claim(claim) => Ok(claim),
            Written::Rows(_) => Ok(Claim::New),
        }
    }

    async fn claim(
        &self,
        owner: &Owner,
        key: &RequestKey,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let mut connection = self.database.reader.acquire().await?;
        batch::find_claim(&mut connection, owner, key, now).await
    }

    async fn change(&self, id: RunId, change: &Change) -> Result<bool, StoreError> {
        let write = match change {
            Change::Started { at } => Write::Start(id, row::started(id, *at)),
            Change::Ended(ended) => Write::End(id, row::ended(id, ended)),
        };
        Ok(self.write(write).await? > 0)
    }

    async fn find(&self, id: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.writer.settle().await?;
        let row = sqlx::query(statements::FIND)
            .bind(id.bytes().as_slice())
            .fetch_optional(&self.database.reader)
            .await?;
        row.map(|row| Reader::new(&row)?.record()).transpose()
    }

    async fn list(
        &self,
        filter: &RunFilter,
        cursor: Option<RunId>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.writer.settle().await?;
        let mut transaction = self.database.reader.begin().await?;
        let limit = limit.clamp(1, PAGE);
        let (ids, next) = list::page(&mut transaction, filter, cursor, limit).await?;
        let rows = sqlx::query(statements::FIND_ALL)
            .bind(ids_to_json(&ids))
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let runs = rows.iter().map(|row| Reader::new(row)?.record()).collect::<Result<_, _>>()?;
        Ok(Page { runs, next })
    }

    async fn unfinished(
        &self,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Unfinished>, StoreError> {
        let rows = sqlx::query(statements::UNFINISHED)
            .bind(after.map_or_else(Vec::new, |after| after.bytes().to_vec()))
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        rows.iter().map(|row| Reader::new(row)?.unfinished()).collect()
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.writer.settle().await?;
        let row = sqlx::query(statements::COUNTS).fetch_one(&self.database.reader).await?;
        let count = |column| Ok::<u64, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
        Ok(Counts { queued: count("queued")?, running: count("running")? })
    }

    async fn last_of(&self, owner: &Owner, script: &str) -> Result<Option<RunRecord>, StoreError> {
        self.writer.settle().await?;
        let visible = Visible::Own { owner: *owner, scripts: Vec::new() };
        let filter = RunFilter { script: Some(script.to_owned()), ..RunFilter::all(visible) };
        let mut transaction = self.database.reader.begin().await?;
        let (ids, _) = list::page_among(&mut transaction, &filter, None, 1, REMEMBERED).await?;
        let row = sqlx::query(statements::FIND_ALL)
            .bind(ids_to_json(&ids))
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        row.map(|row| Reader::new(&row)?.record()).transpose()
    }

    async fn usual_duration(&self, script: &str) -> Result<Option<Duration>, StoreError> {
        let rows = sqlx::query(statements::DURATIONS)
            .bind(script)
            .fetch_all(&self.database.reader)
            .await?;
        let mut durations =
            rows.iter().map(|row| Reader::new(row)?.took()).collect::<Result<Vec<_>, _>>()?;
        durations.sort_unstable();
        Ok(durations.get(durations.len() / 2).copied())
    }

    async fn total_output_bytes(&self) -> Result<u64, StoreError> {
        self.writer.settle().await?;
        let bytes: i64 =
            sqlx::query_scalar(statements::TOTAL_OUTPUT).fetch_one(&self.database.reader).await?;
        Ok(bytes.unsigned_abs())
    }

    async fn set_output_size(&self, id: RunId, bytes: u64) -> Result<bool, StoreError> {
        let parameters = vec![id.into(), stored(bytes).into()];
        Ok(self.execute(statements::SET_OUTPUT_SIZE, parameters).await? > 0)
    }

    async fn oldest_with_output(&self, limit: u32) -> Result<Vec<(RunId, u64)>, StoreError> {
        self.writer.settle().await?;
        let rows = sqlx::query(statements::OLDEST_WITH_OUTPUT)
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        let read = |row| {
            let reader = Reader::new(row)?;
            Ok((reader.id()?, reader.count("output_bytes")?))
        };
        rows.iter().map(read).collect()
    }

    async fn mark_output_expired(&self, ids: &[RunId]) -> Result<u64, StoreError> {
        let parameters = vec![ids_to_json(ids).into()];
        self.execute(statements::EXPIRE_OUTPUT, parameters).await
    }

    async fn expired(&self, before: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError> {
        self.writer.settle().await?;
        let rows = sqlx::query(statements::EXPIRED)
            .bind(list::first_at(before).bytes().to_vec())
            .bind(before.as_millisecond())
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        rows.iter().map(|row| Reader::new(row)?.id()).collect()
    }

    async fn delete(&self, ids: &[RunId]) -> Result<u64, StoreError> {
        self.execute(statements::DELETE, vec![ids_to_json(ids).into()]).await
    }

    async fn sweep_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let parameters = vec![batch::oldest(now).into(), i64::from(limit).into()];
        self.execute(statements::SWEEP_KEYS, parameters).await
    }
}
