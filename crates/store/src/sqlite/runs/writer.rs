//! Writes what waits in one transaction: the price of a commit is shared by all who wait for it.

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Sqlite};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::batch;
use super::batch::{Write, Written};
use crate::StoreError;
use crate::sqlite::connection::{BEGIN, Database};

/// Writes that wait; whoever comes then waits for room.
const QUEUE: usize = 1024;

/// Writes of one transaction.
const BATCH: usize = 256;

/// Hands writes to the task that does them. The task ends when this is closed or dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    closing: CancellationToken,
    task: TaskTracker,
}

/// A write and who waits for it.
#[derive(Debug)]
struct Job {
    write: Write,
    answer: oneshot::Sender<Result<Written, StoreError>>,
}

impl Writer {
    /// Starts the task. It keeps the writing connection to itself unless others need it to read.
    pub(super) fn start(database: Database, keeps_connection: bool) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let closing = CancellationToken::new();
        let task = TaskTracker::new();
        let worker = Worker { database, keeps_connection, connection: None };
        task.spawn(worker.work(waiting, closing.clone()));
        task.close();
        Self { jobs, closing, task }
    }

    /// Writes; what is answered is committed. A call that is given up may have its effect all the
    /// same.
    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let closed = || StoreError::Database(sqlx::Error::PoolClosed);
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { write, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Finishes what waits and ends the task.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.task.wait().await;
    }
}

struct Worker {
    database: Database,
    keeps_connection: bool,
    connection: Option<PoolConnection<Sqlite>>,
}

impl Worker {
    async fn work(mut self, mut waiting: mpsc::Receiver<Job>, closing: CancellationToken) {
        let mut jobs = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = closing.cancelled(), if !waiting.is_closed() => waiting.close(),
                count = waiting.recv_many(&mut jobs, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.finish(std::mem::take(&mut jobs)).await;
                }
            }
        }
    }

    /// Writes and answers.
    async fn finish(&mut self, jobs: Vec<Job>) {
        let (writes, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.write, job.answer)).unzip();
        let results = match self.commit(&writes).await {
            Ok(written) => written.into_iter().map(Ok).collect(),
            // One of them may be to blame; the others must not suffer from it.
            Err(StoreError::Database(_)) if writes.len() > 1 => self.commit_each(&writes).await,
            Err(error) => error.for_each(writes.len()),
        };
        for (answer, result) in answers.into_iter().zip(results) {
            // Nobody waits for a call that was given up.
            drop(answer.send(result));
        }
    }

    async fn commit_each(&mut self, writes: &[Write]) -> Vec<Result<Written, StoreError>> {
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let written = self.commit(std::slice::from_ref(write)).await;
            results.push(written.map(|written| written.first().copied().unwrap_or_default()));
        }
        results
    }

    /// Writes all in one transaction or none.
    async fn commit(&mut self, writes: &[Write]) -> Result<Vec<Written>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.database.writer.acquire().await?,
        };
        let written = if batch::is_one_statement(writes) {
            batch::apply(&mut connection, writes).await?
        } else {
            let mut transaction = connection.begin_with(BEGIN).await?;
            let written = batch::apply(&mut transaction, writes).await?;
            transaction.commit().await?;
            written
        };
        // After an error it goes back and is looked at before it is used again.
        self.connection = Some(connection).filter(|_| self.keeps_connection);
        Ok(written)
    }
}
