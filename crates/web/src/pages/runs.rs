//! The history of runs (web-ui.md B6.5). The server renders the first page; the module of the page
//! keeps it up to date.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use webscripts_app::runs::RunView;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{RunId, RunState};

use super::{Shell, run_words};

/// A run in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct RunRow {
    /// Its identifier.
    pub id: String,
    /// Name of its script.
    pub script: String,
    /// Name of its script for people.
    pub label: String,
    /// Whether the reader may open the page of the script.
    pub script_known: bool,
    /// State, as in the API.
    pub state: &'static str,
    /// State in a word.
    pub word: &'static str,
    /// State as an icon.
    pub icon: &'static str,
    /// Its arguments in one line, secrets as dots.
    pub parameters: String,
    /// Name of the user who started it.
    pub user: String,
    /// When it was asked for: for machines.
    pub created_machine: String,
    /// When it was asked for: for people.
    pub created: String,
    /// How long it took, or has taken up to now; empty: it has not started.
    pub duration: String,
    /// What it ended with; empty: nothing to say.
    pub exit: String,
    /// How much it printed.
    pub size: String,
    /// How many runs start before it, while it waits.
    pub queue_position: Option<usize>,
    /// Whether it is over.
    pub is_over: bool,
    /// Whether the reader may stop it now.
    pub can_stop: bool,
    /// Whether the reader may delete it now.
    pub can_delete: bool,
}

impl RunRow {
    /// What is shown of a run at `now`.
    pub fn new(view: &RunView, now: Timestamp) -> Self {
        let record = &view.record;
        let (word, icon) = run_words::state(record.state, record.started.is_some());
        let label = view.script.as_ref().and_then(|script| script.label.clone());
        let took = run_words::took(record, now);
        Self {
            id: record.id.to_string(),
            script: record.script.clone(),
            label: label.unwrap_or_else(|| record.script.clone()),
            script_known: view.can.open_script,
            state: record.state.name(),
            word,
            icon,
            parameters: run_words::summary(&record.arguments),
            user: record.user_name.clone(),
            created_machine: run_words::machine_time(record.id.created()),
            created: run_words::time(record.id.created()),
            duration: took.map_or_else(String::new, run_words::duration),
            exit: run_words::exit(record),
            size: run_words::bytes(view.printed.stdout.saturating_add(view.printed.stderr)),
            queue_position: view.queue_position,
            is_over: record.state.is_over(),
            can_stop: view.can.stop,
            can_delete: view.can.delete,
        }
    }
}

/// What the address asks for. Empty texts ask for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsFilter {
    /// `state`: words of states, separated by commas.
    pub state: String,
    /// `script`: name of a script.
    pub script: String,
    /// `user`: name of a user; for administrators.
    pub user: String,
    /// `q`: text in names and arguments.
    pub text: String,
    /// `period`: one of [`RunsFilter::PERIODS`].
    pub period: String,
    /// `from`: first day, `YYYY-MM-DD`, UTC.
    pub from: String,
    /// `to`: last day, `YYYY-MM-DD`, UTC.
    pub to: String,
    /// `mine`: only the reader's own.
    pub mine: bool,
}

impl RunsFilter {
    /// Presets of the period: their word in the address, their hours, and what they are called.
    pub const PERIODS: [(&str, u32, &str); 3] = [
        ("24h", 24, "Last 24 hours"),
        ("7d", 24 * 7, "Last 7 days"),
        ("30d", 24 * 30, "Last 30 days"),
    ];

    /// Reads the query of an address. Unknown words of `period` ask for nothing.
    pub fn read(query: &super::Prefill) -> Self {
        let value = |name: &str| query.value(name).unwrap_or_default().trim().to_owned();
        let period = value("period");
        let is_known = Self::PERIODS.iter().any(|(word, ..)| *word == period);
        Self {
            state: value("state"),
            script: value("script"),
            user: value("user"),
            text: value("q"),
            period: if is_known { period } else { String::new() },
            from: value("from"),
            to: value("to"),
            mine: query.value("mine") == Some("true"),
        }
    }

    /// The states that are asked for; `None`: one of the words is no state.
    pub fn states(&self) -> Option<Vec<RunState>> {
        let words = self.state.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(RunState::parse).collect()
    }

    /// Whether anything is asked for.
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// The query of an address that asks for the same, without `?`.
    pub fn query(&self) -> String {
        let mine = if self.mine { "true" } else { "" };
        let parts = [
            ("state", self.state.as_str()),
            ("script", &self.script),
            ("user", &self.user),
            ("q", &self.text),
            ("period", &self.period),
            ("from", &self.from),
            ("to", &self.to),
            ("mine", mine),
        ];
        let set = parts.iter().filter(|(_, value)| !value.is_empty());
        let pairs = set.map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut changed = self.clone();
        change(&mut changed);
        changed.query()
    }
}

/// A choice among filters that is a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterLink {
    /// Its words.
    pub label: &'static str,
    /// Its icon; empty: none.
    pub icon: &'static str,
    /// The query of its address.
    pub query: String,
    /// Whether it is chosen.
    pub current: bool,
}

/// The history of runs.
#[derive(Debug, Clone, Template)]
#[template(path = "runs.html")]
pub struct RunsPage {
    /// The frame.
    pub shell: Shell,
    /// What the address asks for.
    pub filter: RunsFilter,
    /// The runs of this page, newest first.
    pub rows: Vec<RunRow>,
    /// `cursor` of the next page; `None`: this is the last one.
    pub next: Option<String>,
    /// Whether the address names a cursor: newer runs are on other pages.
    pub is_later_page: bool,
    /// Names and labels of scripts to choose from.
    pub scripts: Vec<(String, String)>,
    /// Whether the reader sees the runs of everybody.
    pub administrator: bool,
    /// How many days runs are kept; `None`: without end.
    pub keep_days: Option<u64>,
}

impl RunsPage {
    /// The page of these runs at `now`.
    pub fn new(shell: Shell, filter: RunsFilter, views: &[RunView], now: Timestamp) -> Self {
        Self {
            shell,
            filter,
            rows: views.iter().map(|view| RunRow::new(view, now)).collect(),
            next: None,
            is_later_page: false,
            scripts: Vec::new(),
            administrator: false,
            keep_days: None,
        }
    }

    /// The same page with the cursor of its next one.
    #[must_use]
    pub fn with_next(mut self, next: Option<RunId>) -> Self {
        self.next = next.map(|id| id.to_string());
        self
    }

    /// Choices of the state.
    pub fn states(&self) -> Vec<FilterLink> {
        let all = FilterLink {
            label: "All",
            icon: "",
            query: self.filter.with(|filter| filter.state.clear()),
            current: self.filter.state.is_empty(),
        };
        let each = RunState::ALL.into_iter().map(|state| {
            let (label, icon) = run_words::state(state, true);
            FilterLink {
                label,
                icon,
                query: self.filter.with(|filter| state.name().clone_into(&mut filter.state)),
                current: self.filter.state == state.name(),
            }
        });
        std::iter::once(all).chain(each).collect()
    }

    /// Choices of the period.
    pub fn periods(&self) -> Vec<FilterLink> {
        let is_free = self.filter.from.is_empty() && self.filter.to.is_empty();
        let link = |label, word: &str| FilterLink {
            label,
            icon: "",
            query: self.filter.with(|filter| {
                word.clone_into(&mut filter.period);
                filter.from.clear();
                filter.to.clear();
            }),
            current: is_free && self.filter.period == word,
        };
        let presets = RunsFilter::PERIODS.iter().map(|(word, _, label)| link(label, word));
        std::iter::once(link("Any time", "")).chain(presets).collect()
    }

    /// The query of the page with the runs of the reader alone, or of everybody.
    pub fn whose(&self, mine: bool) -> String {
        self.filter.with(|filter| filter.mine = mine)
    }

    /// The query of the next page.
    pub fn next_query(&self) -> Option<String> {
        let cursor = format!("cursor={}", self.next.as_deref()?);
        let query = self.filter.query();
        Some(if query.is_empty() { cursor } else { format!("{query}&{cursor}") })
    }
}
