//! Several writes with few statements.

use std::collections::HashSet;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Row, Sqlite};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::RunId;

use super::parameter::Parameter;
use super::statements::{self, MOST, ManyRows};
use crate::StoreError;
use crate::runs::{Claim, KEY_LIFETIME, Owner, RequestKey};

/// What is to be written.
#[derive(Debug)]
pub(super) enum Write {
    /// A new run.
    Add(Added),
    /// A queued run starts: a row of [`statements::START`].
    Start(RunId, Vec<Parameter>),
    /// A run is over: a row of [`statements::END`].
    End(RunId, Vec<Parameter>),
    /// A statement of its own.
    Other(&'static str, Vec<Parameter>),
    /// Nothing, to see whether something could be written.
    Nothing,
}

/// A new run.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) id: RunId,
    /// A row of [`statements::ADD`].
    pub(super) row: Vec<Parameter>,
    /// The key that it claims, for whom.
    pub(super) key: Option<(Owner, RequestKey)>,
}

/// What became of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// What a new run has claimed.
    Claim(Claim),
    /// How many rows any other write has changed.
    Rows(u64),
}

impl Default for Written {
    fn default() -> Self {
        Self::Rows(0)
    }
}

/// A write of a transaction.
struct Pending<'a> {
    write: &'a Write,
    written: Written,
}

impl Write {
    /// Whether it may wait a little: the end of a run stands in its directory as well.
    pub(super) fn is_patient(&self) -> bool {
        matches!(self, Self::End(..))
    }

    /// The run that it is about.
    fn run(&self) -> Option<RunId> {
        match self {
            Self::Add(Added { id, .. }) | Self::Start(id, _) | Self::End(id, _) => Some(*id),
            Self::Other(..) | Self::Nothing => None,
        }
    }
}

/// Whether they need no transaction around them.
pub(super) fn is_one_statement(writes: &[Write]) -> bool {
    match writes {
        [Write::Add(added)] => added.key.is_none(),
        [Write::Start(..) | Write::End(..) | Write::Other(..)] => true,
        _ => false,
    }
}

/// New runs and ends of runs, which is what a busy server writes: one way to SQLite and back for
/// the whole transaction.
#[derive(Debug)]
pub(super) struct Together<'a> {
    writes: &'a [Write],
    added: Vec<&'a [Parameter]>,
    ended: Vec<&'a [Parameter]>,
}

impl<'a> Together<'a> {
    /// `None`: they are not only that, or too many.
    pub(super) fn of(writes: &'a [Write]) -> Option<Self> {
        let (mut added, mut ended, mut ends) = (Vec::new(), Vec::new(), HashSet::new());
        for write in writes {
            match write {
                // An end that came before its run found nothing to end.
                Write::Add(Added { id, key: None, row }) if !ends.contains(id) => {
                    added.push(row.as_slice());
                }
                Write::End(run, row) if ends.insert(*run) => ended.push(row.as_slice()),
                _ => return None,
            }
        }
        let fits = |rows: &Vec<_>| (1..=MOST).contains(&rows.len());
        (fits(&added) && fits(&ended)).then_some(Self { writes, added, ended })
    }

    /// Writes all or nothing. An end may be that of a new run.
    pub(super) async fn apply(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<Written>, StoreError> {
        let (text, size) = statements::add_and_end(self.added.len(), self.ended.len());
        let columns = self.added.first().map_or(0, |row| row.len());
        let missing = size.saturating_sub(self.added.len()).saturating_mul(columns);
        let query = self.added.into_iter().flatten();
        let query = query.fold(sqlx::query(text), |query, parameter| parameter.bind(query));
        let query = (0..missing).fold(query, |query, _| query.bind(None::<i64>));
        let query = self.ended.into_iter().flatten().fold(query, |query, value| value.bind(query));
        let rows = match query.fetch_all(&mut *connection).await {
            Ok(rows) => rows,
            Err(error) => {
                // Nothing is open if not even the beginning was possible.
                drop(sqlx::query("ROLLBACK").execute(&mut *connection).await);
                return Err(error.into());
            }
        };
        let ids: HashSet<&[u8]> =
            rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let written = self.writes.iter().map(|write| match write {
            Write::End(run, _) => Written::Rows(ids.contains(run.bytes().as_slice()).into()),
            _ => Written::Claim(Claim::New),
        });
        Ok(written.collect())
    }
}

/// Writes them; of one run in their order.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    writes: &[Write],
) -> Result<Vec<Written>, StoreError> {
    let start = |write| Pending { write, written: Written::default() };
    let mut all: Vec<Pending<'_>> = writes.iter().map(start).collect();
    let mut waiting: Vec<&mut Pending<'_>> = all.iter_mut().collect();
    while !waiting.is_empty() {
        let mut seen = HashSet::new();
        // What is about no single run may be about each that stands before it.
        let (round, later) = waiting.into_iter().partition(|pending| match pending.write.run() {
            Some(run) => seen.insert(run),
            None => seen.is_empty(),
        });
        apply_round(connection, round).await?;
        waiting = later;
    }
    Ok(all.into_iter().map(|pending| pending.written).collect())
}

/// Writes about different runs: in any order.
async fn apply_round(
    connection: &mut SqliteConnection,
    round: Vec<&mut Pending<'_>>,
) -> Result<(), StoreError> {
    let (mut new_rows, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for pending in round {
        match pending.write {
            Write::Add(added) => {
                let claim = claim(connection, added).await?;
                pending.written = Written::Claim(claim);
                if claim == Claim::New {
                    new_rows.push(added.row.as_slice());
                }
            }
            Write::Start(run, row) => starts.push((*run, row.as_slice(), &mut pending.written)),
            Write::End(run, row) => ends.push((*run, row.as_slice(), &mut pending.written)),
            Write::Other(statement, parameters) => {
                let changed = execute(connection, statement, parameters).await?;
                pending.written = Written::Rows(changed);
            }
            Write::Nothing => {}
        }
    }
    for rows in new_rows.chunks(MOST) {
        many(&statements::ADD, rows.iter().copied()).execute(&mut *connection).await?;
    }
    change(connection, &statements::START, starts).await?;
    change(connection, &statements::END, ends).await
}

async fn claim(connection: &mut SqliteConnection, added: &Added) -> Result<Claim, StoreError> {
    let Some((owner, key)) = &added.key else { return Ok(Claim::New) };
    let now = added.id.created();
    let claimed = sqlx::query(statements::CLAIM)
        .bind(owner.user.0)
        .bind(visitor(owner))
        .bind(key.key.as_str())
        .bind(key.digest.as_slice())
        .bind(added.id.bytes().as_slice())
        .bind(now.as_millisecond())
        .bind(oldest(now))
        .execute(&mut *connection)
        .await?;
    if claimed.rows_affected() > 0 {
        return Ok(Claim::New);
    }
    find_claim(connection, owner, key, now).await
}

/// What is known of a key.
pub(super) async fn find_claim(
    connection: &mut SqliteConnection,
    owner: &Owner,
    key: &RequestKey,
    now: Timestamp,
) -> Result<Claim, StoreError> {
    let row = sqlx::query(statements::CLAIMED)
        .bind(owner.user.0)
        .bind(visitor(owner))
        .bind(key.key.as_str())
        .bind(oldest(now))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(Claim::New) };
    let (digest, run): (&[u8], &[u8]) = (row.try_get("digest")?, row.try_get("run_id")?);
    match run.try_into() {
        Ok(run) if digest == key.digest => Ok(Claim::Same(RunId::from_bytes(run))),
        _ => Ok(Claim::Other),
    }
}

/// The address as it stands in the table of keys.
fn visitor(owner: &Owner) -> String {
    owner.visitor().map(|address| address.to_string()).unwrap_or_default()
}

/// When the oldest key that counts was used, in milliseconds.
pub(super) fn oldest(now: Timestamp) -> i64 {
    now.saturating_sub(KEY_LIFETIME).unwrap_or(Timestamp::MIN).as_millisecond()
}

/// A statement with its rows.
fn many<'a>(
    statement: &'static ManyRows,
    rows: impl ExactSizeIterator<Item = &'a [Parameter]>,
) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(statement.text(rows.len()));
    rows.flatten().fold(query, |query, parameter| parameter.bind(query))
}

/// Changes runs with a statement that answers those that have changed.
async fn change(
    connection: &mut SqliteConnection,
    statement: &'static ManyRows,
    mut changes: Vec<(RunId, &[Parameter], &mut Written)>,
) -> Result<(), StoreError> {
    for changes in changes.chunks_mut(MOST) {
        let query = many(statement, changes.iter().map(|(_, row, _)| *row));
        let rows = query.fetch_all(&mut *connection).await?;
        let ids: HashSet<&[u8]> =
            rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        for (run, _, written) in changes {
            **written = Written::Rows(ids.contains(run.bytes().as_slice()).into());
        }
    }
    Ok(())
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    parameters: &[Parameter],
) -> Result<u64, StoreError> {
    let query = sqlx::query(statement);
    let query = parameters.iter().fold(query, |query, parameter| parameter.bind(query));
    Ok(query.execute(connection).await?.rows_affected())
}
