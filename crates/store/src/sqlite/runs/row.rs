//! A row of the table of runs.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{
    Outcome, Printed, RunEnd, RunId, RunRecord, RunState, StartedVia, Usage,
};

use super::arguments;
use crate::StoreError;
use crate::runs::{Ended, NewRun, Unfinished};
use crate::sqlite::Cell;

/// An identifier as statements read it in JSON.
fn hexadecimal(id: RunId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.bytes()))
}

/// Identifiers as a JSON array.
pub(super) fn ids_to_json(ids: &[RunId]) -> String {
    ids.iter().copied().map(hexadecimal).collect::<serde_json::Value>().to_string()
}

/// The array that [`super::statements::ADD`] reads.
pub(super) fn added(run: &NewRun) -> Result<String, serde_json::Error> {
    let (via, again_of) = match run.via {
        StartedVia::Page => ("page", None),
        StartedVia::Api => ("api", None),
        StartedVia::Again(id) => ("again", Some(hexadecimal(id))),
    };
    let state = if run.started.is_some() { RunState::Running } else { RunState::Queued };
    serde_json::to_string(&(
        hexadecimal(run.id),
        run.owner.user.0,
        run.owner.address.to_string(),
        &run.script,
        state.name(),
        arguments::words(&run.arguments),
        &run.user_name,
        via,
        again_of,
        run.terminal.map(|size| size.columns),
        run.terminal.map(|size| size.rows),
        run.started.map(Timestamp::as_millisecond),
        arguments::to_json(&run.arguments),
    ))
}

/// The array that [`super::statements::START`] reads.
pub(super) fn started(id: RunId, at: Timestamp) -> Result<String, serde_json::Error> {
    serde_json::to_string(&(hexadecimal(id), at.as_millisecond()))
}

/// The array that [`super::statements::END`] reads.
pub(super) fn ended(id: RunId, ended: &Ended) -> Result<String, serde_json::Error> {
    let (outcome, code) = match ended.end.map(|end| end.outcome) {
        None => (None, None),
        Some(Outcome::Exited(status)) => (Some(EXITED), Some(status)),
        Some(Outcome::Signalled(signal)) => (Some(SIGNALLED), Some(signal)),
        Some(Outcome::TimedOut) => (Some(TIMED_OUT), None),
        Some(Outcome::Cancelled) => (Some(CANCELLED), None),
    };
    let end = ended.end.as_ref();
    serde_json::to_string(&(
        hexadecimal(id),
        ended.at.as_millisecond(),
        ended.state.name(),
        outcome,
        code,
        end.map(|end| stored(end.took.as_micros())),
        end.map(|end| stored(end.usage.cpu.as_micros())),
        end.map(|end| stored(end.usage.peak_memory)),
        end.map(|end| stored(end.printed.stdout)),
        end.map(|end| stored(end.printed.stderr)),
        end.map(|end| stored(end.printed.dropped)),
        &ended.reason,
        stored(ended.output_bytes),
    ))
}

const EXITED: &str = "exited";
const SIGNALLED: &str = "signalled";
const TIMED_OUT: &str = "timed_out";
const CANCELLED: &str = "cancelled";

/// A number that is never negative, as far as SQLite can hold it.
pub(super) fn stored(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A row that is being read.
pub(super) struct Reader<'a> {
    row: &'a SqliteRow,
    number: i64,
}

impl<'a> Reader<'a> {
    /// Of a row with the column `number`.
    pub(super) fn new(row: &'a SqliteRow) -> Result<Self, StoreError> {
        Ok(Self { row, number: row.try_get("number")? })
    }

    fn unreadable(&self, column: &'static str) -> StoreError {
        Cell { table: "runs", column, row: self.number }.unreadable()
    }

    /// A number that is never negative; `None` if it is absent.
    fn optional<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let value: Option<i64> = self.row.try_get(column)?;
        value.map(|value| T::try_from(value).map_err(|_| self.unreadable(column))).transpose()
    }

    /// A number that is never negative.
    pub(super) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        self.optional(column)?.ok_or_else(|| self.unreadable(column))
    }

    fn duration(&self, column: &'static str) -> Result<Duration, StoreError> {
        self.count(column).map(Duration::from_micros)
    }

    fn time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let value: Option<i64> = self.row.try_get(column)?;
        let cell = Cell { table: "runs", column, row: self.number };
        value.map(|value| cell.milliseconds(value)).transpose()
    }

    /// An identifier; `None` if it is absent.
    fn optional_id(&self, column: &'static str) -> Result<Option<RunId>, StoreError> {
        let bytes: Option<&[u8]> = self.row.try_get(column)?;
        bytes
            .map(|bytes| bytes.try_into().map(RunId::from_bytes))
            .transpose()
            .map_err(|_| self.unreadable(column))
    }

    /// The identifier.
    pub(super) fn id(&self) -> Result<RunId, StoreError> {
        self.optional_id("id")?.ok_or_else(|| self.unreadable("id"))
    }

    /// How long it took.
    pub(super) fn took(&self) -> Result<Duration, StoreError> {
        self.duration("took_us")
    }

    fn via(&self) -> Result<StartedVia, StoreError> {
        match (self.row.try_get("via")?, self.optional_id("again_of")?) {
            ("page", None) => Ok(StartedVia::Page),
            ("api", None) => Ok(StartedVia::Api),
            ("again", Some(id)) => Ok(StartedVia::Again(id)),
            _ => Err(self.unreadable("via")),
        }
    }

    fn outcome(&self) -> Result<Option<Outcome>, StoreError> {
        let word: Option<&str> = self.row.try_get("outcome")?;
        let code: Option<i32> = self.row.try_get("outcome_code")?;
        Ok(Some(match (word, code) {
            (None, _) => return Ok(None),
            (Some(EXITED), Some(status)) => Outcome::Exited(status),
            (Some(SIGNALLED), Some(signal)) => Outcome::Signalled(signal),
            (Some(TIMED_OUT), _) => Outcome::TimedOut,
            (Some(CANCELLED), _) => Outcome::Cancelled,
            _ => return Err(self.unreadable("outcome")),
        }))
    }

    fn end(&self) -> Result<Option<RunEnd>, StoreError> {
        let Some(outcome) = self.outcome()? else { return Ok(None) };
        Ok(Some(RunEnd {
            outcome,
            took: self.took()?,
            usage: Usage {
                cpu: self.duration("cpu_us")?,
                peak_memory: self.count("peak_memory_bytes")?,
            },
            printed: Printed {
                stdout: self.count("stdout_bytes")?,
                stderr: self.count("stderr_bytes")?,
                dropped: self.count("dropped_bytes")?,
            },
        }))
    }

    /// The whole record.
    pub(super) fn record(&self) -> Result<RunRecord, StoreError> {
        let id = self.id()?;
        let address: &str = self.row.try_get("address")?;
        let state = RunState::parse(self.row.try_get("state")?);
        let arguments = arguments::from_json(self.row.try_get("arguments")?);
        Ok(RunRecord {
            id,
            script: self.row.try_get("script")?,
            arguments: arguments.ok_or_else(|| self.unreadable("arguments"))?,
            user: UserId(self.row.try_get("user_id")?),
            user_name: self.row.try_get("user_name")?,
            address: address.parse().map_err(|_| self.unreadable("address"))?,
            via: self.via()?,
            state: state.ok_or_else(|| self.unreadable("state"))?,
            created: id.created(),
            started: self.time("started_ms")?,
            ended: self.time("ended_ms")?,
            end: self.end()?,
            reason: self.row.try_get("reason")?,
            output_expired: self.row.try_get("output_expired")?,
        })
    }

    /// The record and what is needed to start it.
    pub(super) fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let columns = self.optional("terminal_columns")?;
        let rows = self.optional("terminal_rows")?;
        let terminal = columns.zip(rows).map(|(columns, rows)| TerminalSize { columns, rows });
        Ok(Unfinished { record: self.record()?, terminal })
    }
}
