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
use super::parameter::Parameter;
use crate::StoreError;
use crate::runs::{Ended, NewRun, Unfinished};
use crate::sqlite::Cell;

/// Identifiers as a JSON array of hexadecimal numbers.
pub(super) fn ids_to_json(ids: &[RunId]) -> String {
    let hexadecimal = |id: &RunId| format!("{:032x}", u128::from_be_bytes(id.bytes()));
    ids.iter().map(hexadecimal).collect::<serde_json::Value>().to_string()
}

/// The row that [`super::statements::ADD`] takes.
pub(super) fn added(run: &NewRun) -> Vec<Parameter> {
    let (via, again_of) = match run.via {
        StartedVia::Page => ("page", None),
        StartedVia::Api => ("api", None),
        StartedVia::Again(id) => ("again", Some(id)),
    };
    let state = if run.started.is_some() { RunState::Running } else { RunState::Queued };
    vec![
        run.id.into(),
        run.owner.user.0.into(),
        run.owner.address.to_string().into(),
        run.script.clone().into(),
        state.name().into(),
        arguments::words(&run.arguments).into(),
        run.user_name.clone().into(),
        via.into(),
        again_of.into(),
        run.terminal.map(|size| i64::from(size.columns)).into(),
        run.terminal.map(|size| i64::from(size.rows)).into(),
        run.started.map(Timestamp::as_millisecond).into(),
        arguments::to_json(&run.arguments).into(),
    ]
}

/// The row that [`super::statements::START`] takes.
pub(super) fn started(id: RunId, at: Timestamp) -> Vec<Parameter> {
    vec![id.into(), at.as_millisecond().into()]
}

/// The row that [`super::statements::END`] takes.
pub(super) fn ended(id: RunId, ended: &Ended) -> Vec<Parameter> {
    let (outcome, code) = match ended.end.map(|end| end.outcome) {
        None => (None, None),
        Some(Outcome::Exited(status)) => (Some(EXITED), Some(status)),
        Some(Outcome::Signalled(signal)) => (Some(SIGNALLED), Some(signal)),
        Some(Outcome::TimedOut) => (Some(TIMED_OUT), None),
        Some(Outcome::Cancelled) => (Some(CANCELLED), None),
    };
    let end = ended.end.as_ref();
    vec![
        id.into(),
        ended.at.as_millisecond().into(),
        ended.state.name().into(),
        outcome.into(),
        code.map(i64::from).into(),
        end.map(|end| stored(end.took.as_micros())).into(),
        end.map(|end| stored(end.usage.cpu.as_micros())).into(),
        end.map(|end| stored(end.usage.peak_memory)).into(),
        end.map(|end| stored(end.printed.stdout)).into(),
        end.map(|end| stored(end.printed.stderr)).into(),
        end.map(|end| stored(end.printed.dropped)).into(),
        ended.reason.clone().into(),
        stored(ended.output_bytes).into(),
    ]
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
            terminal: self.terminal()?,
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
        Ok(Unfinished { record: self.record()?, terminal: self.terminal()? })
    }

    fn terminal(&self) -> Result<Option<TerminalSize>, StoreError> {
        let columns = self.optional("terminal_columns")?;
        let rows = self.optional("terminal_rows")?;
        Ok(columns.zip(rows).map(|(columns, rows)| TerminalSize { columns, rows }))
    }
}
