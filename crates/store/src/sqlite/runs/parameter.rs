//! Values for statements that are written later, by the task that writes.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use webscripts_domain::run::RunId;

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(super) enum Parameter {
    Null,
    Number(i64),
    Text(String),
    Word(&'static str),
    Id(RunId),
}

impl Parameter {
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        match self {
            Self::Null => query.bind(None::<i64>),
            Self::Number(value) => query.bind(*value),
            Self::Text(value) => query.bind(value.clone()),
            Self::Word(value) => query.bind(*value),
            Self::Id(value) => query.bind(value.bytes().to_vec()),
        }
    }
}

impl From<i64> for Parameter {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<String> for Parameter {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&'static str> for Parameter {
    fn from(value: &'static str) -> Self {
        Self::Word(value)
    }
}

impl From<RunId> for Parameter {
    fn from(value: RunId) -> Self {
        Self::Id(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
