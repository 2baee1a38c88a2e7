//! A page of runs: which indexes are followed, and how far.
//!
//! Every index ends with the identifier, so it lists its runs newest first from wherever the page
//! before has ended. The parts of a filter that did not choose the index are compared run by run; how
//! many runs are compared for one page is limited, and a page may therefore be short.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{RunId, RunState};

use super::statements::{ALL, IN_STATE, OF_SCRIPT, OF_USER, OF_VISITOR, Walk};
use crate::StoreError;
use crate::runs::{Owner, RunFilter, Visible};

/// How many runs are compared for a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    /// When their rows have to be read.
    pub(super) rows: u32,
    /// When indexes are enough.
    pub(super) entries: u32,
}

const COMPARED: Compared = Compared { rows: 4_000, entries: 10_000 };

/// Scripts whose indexes are followed beside that of an owner; when there are more, all runs are.
const SCRIPTS: usize = 16;

/// Identifiers, newest first, and where the next page goes on.
pub(super) type Ids = (Vec<RunId>, Option<RunId>);

/// An index that is followed, and what is compared in its rows.
#[derive(Debug)]
struct Path<'a> {
    key: Key<'a>,
    wanted: Wanted<'a>,
}

/// What the index is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key<'a> {
    All,
    User(UserId),
    Visitor(Owner),
    Script(&'a str),
    State(RunState),
}

/// What the index does not promise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wanted<'a> {
    user: Option<UserId>,
    script: Option<&'a str>,
    states: &'a [RunState],
    visible: Option<(Owner, &'a [String])>,
    text: Option<&'a str>,
}

/// Identifiers of a page.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    filter: &RunFilter,
    cursor: Option<RunId>,
    limit: u32,
) -> Result<Ids, StoreError> {
    page_among(connection, filter, cursor, limit, COMPARED).await
}

/// As [`page`], but compares as many runs as it is told.
pub(super) async fn page_among(
    connection: &mut SqliteConnection,
    filter: &RunFilter,
    cursor: Option<RunId>,
    limit: u32,
    compared: Compared,
) -> Result<Ids, StoreError> {
    let text = filter.text.as_deref().map(str::to_lowercase).filter(|text| !text.is_empty());
    let paths = paths(filter, text.as_deref());
    let range = Range::of(filter, cursor);
    let mut found = Found::default();
    let share = u32::try_from(paths.len()).unwrap_or(u32::MAX).max(1);
    for path in &paths {
        let most = if path.wanted.reads_rows() { compared.rows } else { compared.entries };
        path.follow(connection, &range, limit, most / share, &mut found).await?;
    }
    Ok(found.newest(limit))
}

/// The indexes that together list everything that fits the filter.
fn paths<'a>(filter: &'a RunFilter, text: Option<&'a str>) -> Vec<Path<'a>> {
    let all = Wanted {
        user: filter.user,
        script: filter.script.as_deref(),
        states: &filter.states,
        visible: match &filter.visible {
            Visible::All => None,
            Visible::Own { owner, scripts } => Some((*owner, scripts)),
        },
        text,
    };
    keys(&all).into_iter().map(|key| Path::new(key, all.clone())).collect()
}

/// The most selective indexes first: few runs are not over, and a user has fewer than there are of
/// a script.
fn keys<'a>(wanted: &Wanted<'a>) -> Vec<Key<'a>> {
    let states = RunState::ALL.into_iter().filter(|state| wanted.states.contains(state));
    if !wanted.states.is_empty() && !wanted.states.iter().any(|state| state.is_over()) {
        return states.map(Key::State).collect();
    }
    match (wanted.user, wanted.script, wanted.visible) {
        (Some(user), _, Some((owner, []))) if user != owner.user => Vec::new(),
        (Some(_), _, Some((owner, []))) => vec![Key::of(owner)],
        (Some(user), ..) => vec![Key::User(user)],
        (None, Some(script), Some((owner, scripts))) => {
            let may_view = scripts.iter().any(|name| name == script);
            vec![if may_view { Key::Script(script) } else { Key::of(owner) }]
        }
        (None, Some(script), None) => vec![Key::Script(script)],
        (None, None, Some((owner, scripts))) if scripts.len() <= SCRIPTS => {
            scripts.iter().map(|script| Key::Script(script)).chain([Key::of(owner)]).collect()
        }
        (None, None, _) if !wanted.states.is_empty() => states.map(Key::State).collect(),
        (None, None, _) => vec![Key::All],
    }
}

impl Key<'_> {
    /// All runs of an owner.
    fn of(owner: Owner) -> Self {
        match owner.visitor() {
            Some(_) => Self::Visitor(owner),
            None => Self::User(owner.user),
        }
    }

    fn walk(self) -> Walk {
        match self {
            Self::All => ALL,
            Self::User(_) => OF_USER,
            Self::Visitor(_) => OF_VISITOR,
            Self::Script(_) => OF_SCRIPT,
            Self::State(_) => IN_STATE,
        }
    }
}

impl<'a> Path<'a> {
    /// Forgets the wishes that the index fulfils by itself.
    fn new(key: Key<'a>, mut wanted: Wanted<'a>) -> Self {
        match key {
            Key::All => {}
            Key::User(user) => {
                wanted.user = None;
                wanted.visible = wanted
                    .visible
                    .filter(|(owner, _)| owner.user != user || owner.visitor().is_some());
            }
            Key::Visitor(_) => (wanted.user, wanted.visible) = (None, None),
            Key::Script(name) => {
                wanted.script = None;
                wanted.visible = wanted
                    .visible
                    .filter(|(_, scripts)| !scripts.iter().any(|other| other == name));
            }
            Key::State(_) => wanted.states = &[],
        }
        Self { key, wanted }
    }

    /// Looks for `limit` runs and one more, which tells whether there are more.
    async fn follow(
        &self,
        connection: &mut SqliteConnection,
        range: &Range,
        limit: u32,
        compared: u32,
        found: &mut Found,
    ) -> Result<(), StoreError> {
        let mut from = range.from;
        if self.wanted != Wanted::default()
            && let Some(floor) = self.floor(connection, range, compared).await?
        {
            from = floor;
            found.covers_down_to(floor);
        }
        let walk = self.key.walk();
        let query = self.begin(walk.page, range.below, from, limit.saturating_add(1));
        let rows = self.wanted.bind(query).fetch_all(connection).await?;
        for row in &rows {
            found.ids.insert(id(row.try_get("id")?)?);
        }
        match rows.last() {
            Some(last) if rows.len() > limit as usize => {
                found.covers_down_to(id(last.try_get("id")?)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// The last run that is to be compared; `None`: all are.
    async fn floor(
        &self,
        connection: &mut SqliteConnection,
        range: &Range,
        compared: u32,
    ) -> Result<Option<RunId>, StoreError> {
        let query = self.begin(self.key.walk().floor, range.below, range.from, compared);
        let row = query.fetch_one(connection).await?;
        let count: i64 = row.try_get(1)?;
        if count < i64::from(compared) { Ok(None) } else { id(row.try_get(0)?).map(Some) }
    }

    /// The parameters ?1 to ?5.
    fn begin(
        &self,
        statement: &'static str,
        below: RunId,
        from: RunId,
        limit: u32,
    ) -> Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(statement)
            .bind(below.bytes().to_vec())
            .bind(from.bytes().to_vec())
            .bind(limit);
        match self.key {
            Key::All => query.bind(None::<i64>).bind(None::<i64>),
            Key::User(user) => query.bind(user.0).bind(None::<i64>),
            Key::Visitor(owner) => query.bind(owner.user.0).bind(owner.address.to_string()),
            Key::Script(name) => query.bind(name.to_owned()).bind(None::<i64>),
            Key::State(state) => query.bind(state.name()).bind(None::<i64>),
        }
    }
}

impl Wanted<'_> {
    /// Whether the indexes do not tell.
    fn reads_rows(&self) -> bool {
        self.user.is_some() || self.visible.is_some() || self.text.is_some()
    }

    /// The parameters ?6 to ?12.
    fn bind(
        &self,
        query: Query<'static, Sqlite, SqliteArguments>,
    ) -> Query<'static, Sqlite, SqliteArguments> {
        let states = (!self.states.is_empty()).then(|| {
            self.states.iter().map(|state| state.name()).collect::<serde_json::Value>().to_string()
        });
        let owner = self.visible.map(|(owner, _)| owner);
        let visitor = owner.and_then(|owner| owner.visitor());
        let scripts = self.visible.map(|(_, scripts)| {
            scripts.iter().map(String::as_str).collect::<serde_json::Value>().to_string()
        });
        query
            .bind(self.user.map(|user| user.0))
            .bind(self.script.map(str::to_owned))
            .bind(states)
            .bind(owner.map(|owner| owner.user.0))
            .bind(visitor.map(|address| address.to_string()))
            .bind(scripts)
            .bind(self.text.map(str::to_owned))
    }
}

/// The identifiers of a page.
struct Range {
    /// Lower than this.
    below: RunId,
    /// This or higher.
    from: RunId,
}

impl Range {
    fn of(filter: &RunFilter, cursor: Option<RunId>) -> Self {
        let highest = RunId::from_bytes([0xff; 16]);
        let to = filter.to.map_or(highest, first_at);
        Self {
            below: cursor.map_or(to, |cursor| cursor.min(to)),
            from: filter.from.map_or(RunId::from_bytes([0; 16]), first_at),
        }
    }
}

/// The lowest identifier that a run of this time or later can have: the first 48 bits are
/// milliseconds (RFC 9562 §5.7).
pub(super) fn first_at(time: Timestamp) -> RunId {
    const MILLISECOND: i128 = 1_000_000;
    const LAST: u128 = (1 << 48) - 1;
    let nanoseconds = time.as_nanosecond();
    let round_up = i128::from(nanoseconds.rem_euclid(MILLISECOND) > 0);
    let milliseconds = nanoseconds.div_euclid(MILLISECOND) + round_up;
    let milliseconds = u128::try_from(milliseconds).unwrap_or(0).min(LAST);
    RunId::from_bytes((milliseconds << 80).to_be_bytes())
}

/// What the paths have found.
#[derive(Debug, Default)]
struct Found {
    ids: BTreeSet<RunId>,
    /// Below this a path may not have found all.
    complete_down_to: Option<RunId>,
}

impl Found {
    fn covers_down_to(&mut self, id: RunId) {
        self.complete_down_to = self.complete_down_to.max(Some(id));
    }

    fn newest(self, limit: u32) -> Ids {
        let lowest = self.complete_down_to;
        let mut ids = self.ids.into_iter().rev().filter(|id| Some(*id) >= lowest);
        let page: Vec<RunId> = ids.by_ref().take(limit as usize).collect();
        let next = if ids.next().is_some() { page.last().copied() } else { lowest };
        (page, next)
    }
}

fn id(bytes: &[u8]) -> Result<RunId, StoreError> {
    let unreadable = StoreError::Unreadable { table: "runs", column: "id", row: 0 };
    bytes.try_into().map(RunId::from_bytes).map_err(|_| unreadable)
}
