//! Every statement can be prepared, and none of them grows with the number of rows.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::connection::Database;
use super::{Limits, accounts, blacklist, connection, health, sessions};

/// Statements that look only at the rows they change or answer.
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

async fn database() -> Database {
    connection::open_memory(Limits::default()).await.unwrap()
}

/// The lines of the plan that say how tables are read.
async fn plan(database: &Database, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(&database.writer).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

/// The lines that go through all rows of a table, if only to make an index for the moment.
async fn scans(database: &Database, statement: &str) -> Vec<String> {
    let mut lines = plan(database, statement).await;
    // A list of groups that is a parameter is as long as the caller makes it.
    lines.retain(|line| {
        line.contains("AUTOMATIC")
            || line.starts_with("SCAN")
                && line != "SCAN CONSTANT ROW"
                && !line.starts_with("SCAN json_each")
    });
    lines
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let database = database().await;
    let mut connection = database.writer.acquire().await.unwrap();
    for statement in INDEXED.into_iter().chain(WALKING.map(|(statement, _)| statement)) {
        connection.prepare(sqlx::SqlSafeStr::into_sql_str(statement)).await.unwrap();
    }
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
async fn no_statement_of_a_request_goes_through_all_rows() {
    let database = database().await;
    for statement in INDEXED {
        assert_eq!(scans(&database, statement).await, Vec::<String>::new(), "{statement}");
    }
}

#[tokio::test]
async fn the_few_statements_that_walk_do_it_in_order_of_an_index() {
    let database = database().await;
    for (statement, plan) in WALKING {
        assert_eq!(scans(&database, statement).await, [plan], "{statement}");
    }
}
