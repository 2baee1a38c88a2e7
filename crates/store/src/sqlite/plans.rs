//! Every statement can be prepared, and none of them grows with the number of rows.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::connection::Database;
use super::connection::Purpose;
use super::runs::statements as runs;
use super::{Limits, accounts, blacklist, connection, health, sessions};

/// Statements about accounts that look only at the rows they change or answer.
const INDEXED: [&str; 33] = [
    accounts::USER_BY_NAME,
    accounts::USER,
    accounts::USER_BY_API_KEY,
    accounts::USERS,
    accounts::IS_RETIRED,
    accounts::ADD_USER,
    accounts::ADD_USER_GROUPS,
    accounts::SET_PASSWORD,
    accounts::UPGRADE_PASSWORD,
    accounts::END_SESSIONS,
    accounts::IS_LAST_ADMINISTRATOR,
    accounts::IS_LAST_ADMINISTRATORS_GROUP,
    accounts::SET_DISABLED,
    accounts::DELETE_USER,
    accounts::RETIRE_USER,
    accounts::SIGNED_IN,
    accounts::USER_EXISTS,
    accounts::SET_API_KEY,
    accounts::ADD_GROUP,
    accounts::DELETE_GROUP,
    accounts::LEAVE_GROUP,
    sessions::FIND,
    sessions::ADD,
    sessions::END_OLDEST,
    sessions::END,
    sessions::END_ALL,
    sessions::OF_USER,
    sessions::SWEEP,
    blacklist::FIND,
    blacklist::STORE,
    blacklist::SIZE,
    blacklist::CLEAR,
    blacklist::SWEEP,
];

/// Statements that follow an index from its beginning and stop early, or list a whole small table.
const WALKING: [(&str, &str); 3] = [
    (accounts::GROUPS, "SCAN groups"),
    (blacklist::DROP_OLDEST, "SCAN failures USING COVERING INDEX failures_by_last"),
    (health::READ, "SCAN users USING COVERING INDEX sqlite_autoindex_users_1"),
];

/// Statements about runs that look only at the rows they change or answer.
const RUNS: [&str; 23] = [
    runs::CLAIM,
    runs::CLAIMED,
    runs::SWEEP_KEYS,
    runs::FIND,
    runs::FIND_ALL,
    runs::UNFINISHED,
    runs::COUNTS,
    runs::DURATIONS,
    runs::TOTAL_OUTPUT,
    runs::SET_OUTPUT_SIZE,
    runs::EXPIRE_OUTPUT,
    runs::EXPIRED,
    runs::DELETE,
    runs::ALL.page,
    runs::ALL.floor,
    runs::OF_USER.page,
    runs::OF_USER.floor,
    runs::OF_VISITOR.page,
    runs::OF_VISITOR.floor,
    runs::OF_SCRIPT.page,
    runs::OF_SCRIPT.floor,
    runs::IN_STATE.page,
    runs::IN_STATE.floor,
];

/// Statements about runs that follow an index from its beginning and stop early.
const WALKING_RUNS: [(&str, &str); 1] =
    [(runs::OLDEST_WITH_OUTPUT, "SCAN runs USING INDEX runs_with_output")];

/// Statements about runs that are answered in the order of an index, so that they stop early.
const ORDERED: [&str; 7] = [
    runs::ALL.page,
    runs::OF_USER.page,
    runs::OF_VISITOR.page,
    runs::OF_SCRIPT.page,
    runs::IN_STATE.page,
    runs::EXPIRED,
    runs::OLDEST_WITH_OUTPUT,
];

async fn open(purpose: Purpose) -> Database {
    connection::open_memory(purpose, Limits::default()).await.unwrap()
}

async fn database() -> Database {
    open(connection::ACCOUNTS).await
}

/// The lines of the plan that say how tables are read.
async fn plan(database: &Database, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(&database.writer).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

/// The lines that go through all rows of a table, if only to make an index for the moment.
async fn scans(database: &Database, statement: &str) -> Vec<String> {
    // What a caller gives is as long as the caller makes it; a subquery has lines of its own.
    let given = ["CONSTANT ROW", "VIRTUAL TABLE", "VALUES CLAUSE", "SCAN given", "(subquery"];
    let mut lines = plan(database, statement).await;
    lines.retain(|line| {
        line.contains("AUTOMATIC")
            || line.starts_with("SCAN") && !given.iter().any(|words| line.contains(words))
    });
    lines
}

/// All statements about runs that look only at the rows they change or answer.
fn indexed_runs() -> impl Iterator<Item = &'static str> {
    let many_rows = [&runs::ADD, &runs::START, &runs::END];
    RUNS.into_iter().chain(many_rows.into_iter().flat_map(|statement| statement.texts()))
}

async fn prepare(purpose: Purpose, statements: impl IntoIterator<Item = &'static str>) {
    let database = open(purpose).await;
    let mut connection = database.writer.acquire().await.unwrap();
    for statement in statements {
        connection.prepare(sqlx::SqlSafeStr::into_sql_str(statement)).await.unwrap();
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let walking = WALKING.map(|(statement, _)| statement);
    prepare(connection::ACCOUNTS, INDEXED.into_iter().chain(walking)).await;
    let walking = WALKING_RUNS.map(|(statement, _)| statement);
    prepare(connection::RUNS, indexed_runs().chain(walking)).await;
}

#[tokio::test]
async fn sessions_and_users_are_searched_by_an_index() {
    let database = database().await;
    let keys = [
        (sessions::FIND, "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (key=?)"),
        (accounts::USER_BY_NAME, "SEARCH u USING INDEX sqlite_autoindex_users_1 (name=?)"),
        (accounts::USER, "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)"),
        (accounts::USER_BY_API_KEY, "SEARCH k USING INDEX sqlite_autoindex_api_keys_1 (digest=?)"),
        (
            blacklist::FIND,
            "SEARCH failures USING INDEX sqlite_autoindex_failures_1 (kind=? AND subject=?)",
        ),
    ];
    for (statement, search) in keys {
        assert_eq!(plan(&database, statement).await[0], search, "{statement}");
    }
}

#[tokio::test]
async fn runs_are_searched_by_an_index() {
    let database = open(connection::RUNS).await;
    let of = "SEARCH runs USING";
    let keys = [
        (runs::FIND, "INDEX sqlite_autoindex_runs_1 (id=?)"),
        (runs::ALL.page, "INDEX sqlite_autoindex_runs_1 (id>? AND id<?)"),
        (runs::OF_USER.page, "INDEX runs_of_user (user_id=? AND id>? AND id<?)"),
        (
            runs::OF_VISITOR.page,
            "INDEX runs_of_visitor (user_id=? AND address=? AND id>? AND id<?)",
        ),
        (runs::OF_SCRIPT.page, "INDEX runs_of_script (script=? AND id>? AND id<?)"),
        (runs::IN_STATE.page, "INDEX runs_in_state (state=? AND id>? AND id<?)"),
        (runs::EXPIRED, "INDEX sqlite_autoindex_runs_1 (id<?)"),
    ];
    for (statement, search) in keys {
        assert_eq!(plan(&database, statement).await[0], format!("{of} {search}"), "{statement}");
    }
}

#[tokio::test]
async fn runs_are_changed_one_by_one() {
    let database = open(connection::RUNS).await;
    for statement in runs::START.texts().chain(runs::END.texts()) {
        let search = "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)";
        let plan = plan(&database, statement).await;
        assert!(plan.iter().any(|line| line == search), "{statement}: {plan:?}");
    }
}

#[tokio::test]
async fn pages_of_runs_need_no_sorting() {
    let database = open(connection::RUNS).await;
    for statement in ORDERED {
        let plan = plan(&database, statement).await;
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{statement}: {plan:?}");
    }
}

async fn assert_no_scans(purpose: Purpose, statements: impl IntoIterator<Item = &'static str>) {
    let database = open(purpose).await;
    for statement in statements {
        assert_eq!(scans(&database, statement).await, Vec::<String>::new(), "{statement}");
    }
}

#[tokio::test]
async fn no_statement_of_a_request_goes_through_all_rows() {
    assert_no_scans(connection::ACCOUNTS, INDEXED).await;
    assert_no_scans(connection::RUNS, indexed_runs()).await;
}

#[tokio::test]
async fn the_few_statements_that_walk_do_it_in_order_of_an_index() {
    for (purpose, statements) in
        [(connection::ACCOUNTS, &WALKING[..]), (connection::RUNS, &WALKING_RUNS)]
    {
        let database = open(purpose).await;
        for (statement, plan) in statements {
            assert_eq!(scans(&database, statement).await, [*plan], "{statement}");
        }
    }
}
