-- Records of runs, and keys of requests that may be sent again.
--
-- In a file of their own: what is remembered of accounts and sessions stays valid while runs are
-- recorded, and neither waits for the other.
--
-- Times count from 1970 in UTC; the end of the name says the unit: `_ms` milliseconds, `_us`
-- microseconds. Identifiers are the 16 bytes of a UUIDv7: in order of time, and the time of the
-- request is part of them.

CREATE TABLE runs (
    number            INTEGER PRIMARY KEY,
    id                BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user_id           INTEGER NOT NULL,
    address           TEXT NOT NULL,
    script            TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (
        state IN ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'stopped', 'lost')
    ),
    -- Names and values of arguments in lower case, for searching; only the beginning.
    words             TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    via               TEXT NOT NULL CHECK (via IN ('page', 'api', 'again')),
    again_of          BLOB CHECK (length(again_of) = 16),
    terminal_columns  INTEGER,
    terminal_rows     INTEGER,
    started_ms        INTEGER,
    ended_ms          INTEGER,
    outcome           TEXT CHECK (outcome IN ('exited', 'signalled', 'timed_out', 'cancelled')),
    -- Status or signal.
    outcome_code      INTEGER,
    took_us           INTEGER,
    cpu_us            INTEGER,
    peak_memory_bytes INTEGER,
    stdout_bytes      INTEGER,
    stderr_bytes      INTEGER,
    dropped_bytes     INTEGER,
    reason            TEXT,
    -- On disk.
    output_bytes      INTEGER NOT NULL DEFAULT 0,
    output_expired    INTEGER NOT NULL DEFAULT 0 CHECK (output_expired IN (0, 1)),
    -- JSON; secrets as markers only.
    arguments         TEXT NOT NULL,
    CHECK ((via = 'again') = (again_of IS NOT NULL)),
    CHECK ((terminal_columns IS NULL) = (terminal_rows IS NULL)),
    CHECK ((state IN ('queued', 'running')) = (ended_ms IS NULL))
) STRICT;

CREATE INDEX runs_of_user ON runs (user_id, id);
-- Visitors are told apart by their address.
CREATE INDEX runs_of_visitor ON runs (user_id, address, id) WHERE user_id IN (0, 1);
CREATE INDEX runs_of_script ON runs (script, id);
CREATE INDEX runs_in_state ON runs (state, id);
CREATE INDEX runs_with_output ON runs (id) WHERE output_bytes > 0;

-- Sum of `output_bytes`: `sum` would read all rows.
CREATE TABLE runs_output (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO runs_output (id, bytes) VALUES (1, 0);
CREATE TRIGGER runs_output_changes AFTER UPDATE OF output_bytes ON runs
WHEN new.output_bytes <> old.output_bytes BEGIN
    UPDATE runs_output SET bytes = bytes + new.output_bytes - old.output_bytes WHERE id = 1;
END;
CREATE TRIGGER runs_output_leaves AFTER DELETE ON runs WHEN old.output_bytes <> 0 BEGIN
    UPDATE runs_output SET bytes = bytes - old.output_bytes WHERE id = 1;
END;

-- `address` is empty for accounts. The run may have been deleted.
CREATE TABLE request_keys (
    user_id    INTEGER NOT NULL,
    address    TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    run_id     BLOB NOT NULL CHECK (length(run_id) = 16),
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, address, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_keys_by_age ON request_keys (created_ms);
