//! A row of the table of users.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{GroupId, UserId};

use super::Cell;
use crate::StoreError;
use crate::accounts::{PasswordHash, User};

/// A password as its four columns; at most one kind is there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PasswordColumns<'a> {
    pub(super) argon2id: Option<&'a str>,
    pub(super) hash: Option<&'a [u8]>,
    pub(super) salt: Option<&'a [u8]>,
    pub(super) rounds: Option<u32>,
}

impl<'a> From<Option<&'a PasswordHash>> for PasswordColumns<'a> {
    fn from(password: Option<&'a PasswordHash>) -> Self {
        match password {
            None => Self::default(),
            Some(PasswordHash::Argon2id(text)) => Self { argon2id: Some(text), ..Self::default() },
            Some(PasswordHash::Pbkdf2Sha512 { hash, salt, rounds }) => {
                Self { argon2id: None, hash: Some(hash), salt: Some(salt), rounds: Some(*rounds) }
            }
        }
    }
}

/// Patterns as a JSON array of strings.
pub(super) fn patterns_to_json(patterns: &[Glob]) -> String {
    patterns.iter().map(Glob::as_str).collect::<serde_json::Value>().to_string()
}

/// Numbers of groups as a JSON array.
pub(super) fn groups_to_json(groups: &[GroupId]) -> String {
    groups.iter().map(|group| group.0).collect::<serde_json::Value>().to_string()
}

/// Reads the columns that `select_user!` names.
pub(super) fn user_from_row(row: &SqliteRow) -> Result<User, StoreError> {
    let id: i64 = row.try_get("id")?;
    let cell = |column| Cell { table: "users", column, row: id };
    let patterns = |column| {
        let text: &str = row.try_get(column)?;
        serde_json::from_str::<Vec<Glob>>(text).map_err(|_| cell(column).unreadable())
    };
    let groups: &str = row.try_get("groups")?;
    let last_sign_in: Option<i64> = row.try_get("last_sign_in_s")?;
    Ok(User {
        id: UserId(id),
        name: row.try_get("name")?,
        password: password_from_row(row, id)?,
        groups: serde_json::from_str::<Vec<GroupId>>(groups)
            .map_err(|_| Cell { table: "user_groups", column: "group_id", row: id }.unreadable())?,
        addresses: patterns("addresses")?,
        categories: patterns("categories")?,
        scripts: patterns("scripts")?,
        disabled: row.try_get("disabled")?,
        created: cell("created_s").seconds(row.try_get("created_s")?)?,
        last_sign_in: last_sign_in
            .map(|value| cell("last_sign_in_s").seconds(value))
            .transpose()?,
    })
}

fn password_from_row(row: &SqliteRow, id: i64) -> Result<Option<PasswordHash>, StoreError> {
    if let Some(text) = row.try_get::<Option<String>, _>("argon2id")? {
        return Ok(Some(PasswordHash::Argon2id(text)));
    }
    let Some(hash) = row.try_get::<Option<Vec<u8>>, _>("pbkdf2_hash")? else {
        return Ok(None);
    };
    let rounds: i64 = row.try_get("pbkdf2_rounds")?;
    let rounds = u32::try_from(rounds)
        .map_err(|_| Cell { table: "users", column: "pbkdf2_rounds", row: id }.unreadable())?;
    Ok(Some(PasswordHash::Pbkdf2Sha512 { hash, salt: row.try_get("pbkdf2_salt")?, rounds }))
}
