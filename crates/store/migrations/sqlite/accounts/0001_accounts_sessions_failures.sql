-- Users, groups, API keys, sessions, failed sign-ins.
--
-- Times count from 1970 in UTC; the end of the name says the unit: `_s` seconds, `_ms` milliseconds.
-- Lists of patterns are JSON arrays of strings. Digests are 32 bytes of SHA-256.

-- Numbers 0 and 1 are built in and never stored.
CREATE TABLE groups (
    id   INTEGER PRIMARY KEY CHECK (id NOT IN (0, 1)),
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO groups (id, name) VALUES
    (50, 'User'),
    (500, 'Developers'),
    (750, 'Maintainers'),
    (1000, 'Administrators');

-- AUTOINCREMENT: a number above all that were ever used.
CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 1),
    name           TEXT NOT NULL UNIQUE,
    argon2id       TEXT,
    pbkdf2_hash    BLOB,
    pbkdf2_salt    BLOB,
    pbkdf2_rounds  INTEGER,
    addresses      TEXT NOT NULL,
    categories     TEXT NOT NULL,
    scripts        TEXT NOT NULL,
    disabled       INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_s      INTEGER NOT NULL,
    last_sign_in_s INTEGER,
    CHECK (argon2id IS NULL OR pbkdf2_hash IS NULL),
    CHECK ((pbkdf2_hash IS NULL) = (pbkdf2_salt IS NULL)),
    CHECK ((pbkdf2_hash IS NULL) = (pbkdf2_rounds IS NULL))
) STRICT;

-- The first number given out is 2.
INSERT INTO sqlite_sequence (name, seq) VALUES ('users', 1);

-- Numbers of deleted users: nobody gets them again, even on request.
CREATE TABLE retired_users (
    id INTEGER PRIMARY KEY
) STRICT;

-- A group number may stand here without a row in `groups`: it is an access level as well.
CREATE TABLE user_groups (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, position),
    UNIQUE (group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    digest    BLOB NOT NULL UNIQUE,
    created_s INTEGER NOT NULL,
    PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;

-- No reference to `users`: the account may be known to an authentication script alone.
-- The order of `id` is the order of opening, even when the clock was set back.
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    key        BLOB NOT NULL UNIQUE,
    user_id    INTEGER NOT NULL,
    address    TEXT NOT NULL,
    opened_ms  INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

CREATE TABLE failures (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('address', 'name')),
    subject TEXT NOT NULL,
    count   INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX failures_by_last ON failures (last_ms);

-- Number of rows in `failures`: `count(*)` would read them all.
CREATE TABLE failures_size (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL
) STRICT;
INSERT INTO failures_size (id, size) VALUES (1, 0);
CREATE TRIGGER failures_grow AFTER INSERT ON failures BEGIN
    UPDATE failures_size SET size = size + 1 WHERE id = 1;
END;
CREATE TRIGGER failures_shrink AFTER DELETE ON failures BEGIN
    UPDATE failures_size SET size = size - 1 WHERE id = 1;
END;
