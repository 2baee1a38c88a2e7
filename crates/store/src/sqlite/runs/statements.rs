//! The statements.

use std::sync::LazyLock;

/// A statement for several rows at once: going to SQLite and back takes longer than a row.
#[derive(Debug)]
pub(in crate::sqlite) struct ManyRows([String; SIZES.len()]);

/// Rows for which there is a text. Those that are not given are NULL and have no effect.
const SIZES: [usize; 4] = [1, 8, 32, MOST];

/// Rows at once.
pub(in crate::sqlite) const MOST: usize = 128;

impl ManyRows {
    fn new(before: &str, columns: usize, after: &str) -> Self {
        let row = format!("({})", vec!["?"; columns].join(", "));
        Self(SIZES.map(|rows| format!("{before}{}{after}", vec![row.as_str(); rows].join(", "))))
    }

    /// The text for at most [`MOST`] rows.
    pub(in crate::sqlite) fn text(&self, rows: usize) -> &str {
        self.at(size_for(rows))
    }

    /// The text for at most [`MOST`] rows as one of [`SIZES`].
    fn at(&self, size: usize) -> &str {
        self.0.get(size).map_or("", String::as_str)
    }

    /// All texts.
    #[cfg(test)]
    pub(in crate::sqlite) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Which of [`SIZES`] holds so many rows.
fn size_for(rows: usize) -> usize {
    SIZES.iter().position(|size| rows <= *size).unwrap_or(SIZES.len() - 1)
}

/// A transaction that does [`ADD`] and [`END`] for so many rows, and for how many rows of the first
/// there are parameters: those that are missing are NULL.
pub(in crate::sqlite) fn add_and_end(added: usize, ended: usize) -> (&'static str, usize) {
    let (added, ended) = (size_for(added), size_for(ended));
    let text = ADD_AND_END.get(added * SIZES.len() + ended).map_or("", String::as_str);
    (text, SIZES.get(added).copied().unwrap_or(MOST))
}

static ADD_AND_END: LazyLock<Vec<String>> = LazyLock::new(|| {
    let pairs = (0..SIZES.len()).flat_map(|added| (0..SIZES.len()).map(move |end| (added, end)));
    let text = |(added, ended)| {
        format!("BEGIN IMMEDIATE;\n{};\n{};\nCOMMIT", ADD.at(added), END.at(ended))
    };
    pairs.map(text).collect()
});

/// Records runs.
pub(in crate::sqlite) static ADD: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "\
INSERT INTO runs (
    id, user_id, address, script, state, words, user_name, via, again_of,
    terminal_columns, terminal_rows, started_ms, arguments
)
SELECT * FROM (VALUES ",
        13,
        ") WHERE column1 IS NOT NULL",
    )
});

/// Starts queued runs. The sign keeps SQLite from looking for them by their state.
pub(in crate::sqlite) static START: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "WITH given (id, started_ms) AS (VALUES ",
        2,
        ")
UPDATE runs SET state = 'running', started_ms = given.started_ms
FROM given WHERE runs.id = given.id AND +runs.state = 'queued'
RETURNING id",
    )
});

/// Ends unfinished runs; the sign as in [`START`].
pub(in crate::sqlite) static END: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "\
WITH given (
    id, ended_ms, state, outcome, outcome_code, took_us, cpu_us, peak_memory_bytes, stdout_bytes,
    stderr_bytes, dropped_bytes, reason, output_bytes
) AS (VALUES ",
        13,
        ")
UPDATE runs SET ended_ms = given.ended_ms, state = given.state, outcome = given.outcome,
    outcome_code = given.outcome_code, took_us = given.took_us, cpu_us = given.cpu_us,
    peak_memory_bytes = given.peak_memory_bytes, stdout_bytes = given.stdout_bytes,
    stderr_bytes = given.stderr_bytes, dropped_bytes = given.dropped_bytes,
    reason = given.reason, output_bytes = given.output_bytes
FROM given WHERE runs.id = given.id AND +runs.state IN ('queued', 'running')
RETURNING id",
    )
});

/// Remembers a key, also in place of one that is older than ?7; nothing when it is taken.
pub(in crate::sqlite) const CLAIM: &str = "\
INSERT INTO request_keys (user_id, address, key, digest, run_id, created_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (user_id, address, key) DO UPDATE
SET digest = excluded.digest, run_id = excluded.run_id, created_ms = excluded.created_ms
WHERE created_ms < ?7";

pub(in crate::sqlite) const CLAIMED: &str = "\
SELECT digest, run_id FROM request_keys
WHERE user_id = ?1 AND address = ?2 AND key = ?3 AND created_ms >= ?4";

pub(in crate::sqlite) const SWEEP_KEYS: &str = "\
DELETE FROM request_keys WHERE (user_id, address, key) IN (
    SELECT user_id, address, key FROM request_keys
    WHERE created_ms < ?1 ORDER BY created_ms LIMIT ?2
)";

macro_rules! columns {
    () => {
        "number, id, user_id, address, script, state, user_name, via, again_of, terminal_columns,
    terminal_rows, started_ms, ended_ms, outcome, outcome_code, took_us, cpu_us,
    peak_memory_bytes, stdout_bytes, stderr_bytes, dropped_bytes, reason, output_expired, arguments"
    };
}

pub(in crate::sqlite) const FIND: &str =
    concat!("SELECT ", columns!(), "\nFROM runs WHERE id = ?1");

pub(in crate::sqlite) const FIND_ALL: &str = concat!(
    "SELECT ",
    columns!(),
    "\nFROM runs WHERE id IN (SELECT unhex(value) FROM json_each(?1)) ORDER BY id DESC"
);

pub(in crate::sqlite) const UNFINISHED: &str = concat!(
    "SELECT ",
    columns!(),
    "\nFROM runs WHERE state = 'queued' AND id > ?1\nUNION ALL\nSELECT ",
    columns!(),
    "\nFROM runs WHERE state = 'running' AND id > ?1\nORDER BY id LIMIT ?2"
);

pub(in crate::sqlite) const COUNTS: &str = "\
SELECT (SELECT count(*) FROM runs WHERE state = 'queued') AS queued,
    (SELECT count(*) FROM runs WHERE state = 'running') AS running";

/// Durations of the last 20 successful runs, among the last 200.
pub(in crate::sqlite) const DURATIONS: &str = "\
SELECT number, took_us FROM (
    SELECT number, id, state, took_us FROM runs WHERE script = ?1 ORDER BY id DESC LIMIT 200
) WHERE state = 'succeeded' AND took_us IS NOT NULL ORDER BY id DESC LIMIT 20";

pub(in crate::sqlite) const TOTAL_OUTPUT: &str = "SELECT bytes FROM runs_output WHERE id = 1";

pub(in crate::sqlite) const SET_OUTPUT_SIZE: &str = "\
UPDATE runs SET output_bytes = ?2
WHERE id = ?1 AND output_expired = 0 AND state NOT IN ('queued', 'running')";

pub(in crate::sqlite) const OLDEST_WITH_OUTPUT: &str = "\
SELECT number, id, output_bytes FROM runs WHERE output_bytes > 0 ORDER BY id LIMIT ?1";

pub(in crate::sqlite) const EXPIRE_OUTPUT: &str = "\
UPDATE runs SET output_bytes = 0, output_expired = 1
WHERE id IN (SELECT unhex(value) FROM json_each(?1))
    AND output_expired = 0 AND state NOT IN ('queued', 'running')";

/// Who was over before ?2 was asked for before it, too: before the identifier ?1.
pub(in crate::sqlite) const EXPIRED: &str = "\
SELECT number, id FROM runs WHERE id < ?1 AND ended_ms < ?2 ORDER BY id LIMIT ?3";

pub(in crate::sqlite) const DELETE: &str = "\
DELETE FROM runs WHERE id IN (SELECT unhex(value) FROM json_each(?1))
    AND state NOT IN ('queued', 'running')";

/// What is wanted of a run beyond what chose the index; a parameter that is NULL wants nothing.
/// Script and state are looked up in their indexes, which lie in fewer pages than the rows.
macro_rules! wanted {
    () => {
        "
    AND (?6 IS NULL OR user_id = ?6)
    AND (?7 IS NULL OR EXISTS (
        SELECT 1 FROM runs AS same INDEXED BY runs_of_script
        WHERE same.script = ?7 AND same.id = runs.id
    ))
    AND (?8 IS NULL OR EXISTS (
        SELECT 1 FROM runs AS same INDEXED BY runs_in_state
        WHERE same.state IN (SELECT value FROM json_each(?8)) AND same.id = runs.id
    ))
    AND (?9 IS NULL OR user_id = ?9 AND (?10 IS NULL OR address = ?10)
        OR script IN (SELECT value FROM json_each(?11)))
    AND (?12 IS NULL OR instr(words, ?12) > 0)
ORDER BY id DESC LIMIT ?3"
    };
}

/// Follows an index downwards from below the identifier ?1 to ?2.
macro_rules! walk {
    ($index:literal, $of:literal) => {
        Walk {
            page: concat!(
                "SELECT id FROM runs INDEXED BY ",
                $index,
                "\nWHERE id < ?1 AND id >= ?2",
                $of,
                wanted!()
            ),
            floor: concat!(
                "SELECT min(id), count(*) FROM (\n    SELECT id FROM runs INDEXED BY ",
                $index,
                "\n    WHERE id < ?1 AND id >= ?2",
                $of,
                " ORDER BY id DESC LIMIT ?3\n)"
            ),
        }
    };
}

/// The statements that follow an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct Walk {
    /// At most ?3 runs that fit, newest first.
    pub(in crate::sqlite) page: &'static str,
    /// The last of ?3 runs, whether they fit or not, and how many there are.
    pub(in crate::sqlite) floor: &'static str,
}

pub(in crate::sqlite) const ALL: Walk = walk!("sqlite_autoindex_runs_1", "");
pub(in crate::sqlite) const OF_USER: Walk = walk!("runs_of_user", " AND user_id = ?4");
pub(in crate::sqlite) const OF_VISITOR: Walk =
    walk!("runs_of_visitor", " AND user_id IN (0, 1) AND user_id = ?4 AND address = ?5");
pub(in crate::sqlite) const OF_SCRIPT: Walk = walk!("runs_of_script", " AND script = ?4");
pub(in crate::sqlite) const IN_STATE: Walk = walk!("runs_in_state", " AND state = ?4");
