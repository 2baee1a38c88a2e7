//! Writes what waits in one transaction: the price of a commit is shared by all who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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

/// How long a write that nobody waits for with impatience waits for others to share a commit with.
const PATIENCE: Duration = Duration::from_millis(5);

/// Hands writes to the task that does them. The task ends when this is closed or dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    closing: CancellationToken,
    task: TaskTracker,
    /// Writes that wait patiently.
    patient: Arc<AtomicUsize>,
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
        let patient = Arc::new(AtomicUsize::new(0));
        let worker =
            Worker { database, keeps_connection, connection: None, patient: Arc::clone(&patient) };
        task.spawn(worker.work(waiting, closing.clone()));
        task.close();
        Self { jobs, closing, task, patient }
    }

    /// Writes; what is answered is committed. A call that is given up may have its effect all the
    /// same.
    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let closed = || StoreError::Database(sqlx::Error::PoolClosed);
        let (answer, answered) = oneshot::channel();
        let room = self.jobs.reserve().await.map_err(|_| closed())?;
        if write.is_patient() {
            self.patient.fetch_add(1, Ordering::AcqRel);
        }
        room.send(Job { write, answer });
        answered.await.map_err(|_| closed())?
    }

    /// Waits until everything that was handed over before is committed.
    pub(super) async fn settle(&self) -> Result<(), StoreError> {
        if self.patient.load(Ordering::Acquire) > 0 {
            self.write(Write::Nothing).await?;
        }
        Ok(())
    }

    /// Finishes what waits and ends the task.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.task.wait().await;
    }
}

/// Waits for more while nothing is urgent.
async fn wait_for_company(
    waiting: &mut mpsc::Receiver<Job>,
    jobs: &mut Vec<Job>,
    closing: &CancellationToken,
) {
    let mut deadline = std::pin::pin!(tokio::time::sleep(PATIENCE));
    while jobs.len() < BATCH && jobs.iter().all(|job| job.write.is_patient()) {
        let room = BATCH - jobs.len();
        tokio::select! {
            biased;
            () = closing.cancelled() => return,
            () = &mut deadline => return,
            count = waiting.recv_many(jobs, room) => {
                if count == 0 {
                    return;
                }
            }
        }
    }
}

struct Worker {
    database: Database,
    keeps_connection: bool,
    connection: Option<PoolConnection<Sqlite>>,
    patient: Arc<AtomicUsize>,
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
                    wait_for_company(&mut waiting, &mut jobs, &closing).await;
                    let patient = jobs.iter().filter(|job| job.write.is_patient()).count();
                    self.finish(std::mem::take(&mut jobs)).await;
                    self.patient.fetch_sub(patient, Ordering::AcqRel);
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
        } else if let Some(together) = batch::Together::of(writes) {
            together.apply(&mut connection).await?
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
