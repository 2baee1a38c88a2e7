//! Users, groups, API keys.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, SqlSafeStr};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::{GroupId, UserId};

use super::connection::Database;
use super::user_row::{PasswordColumns, groups_to_json, patterns_to_json, user_from_row};
use crate::StoreError;
use crate::accounts::{Accounts, ApiKeyDigest, Change, Group, NewUser, PasswordHash, User};

/// The columns that `user_from_row` reads, and where they come from.
macro_rules! select_user {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.name, u.argon2id, u.pbkdf2_hash, u.pbkdf2_salt, u.pbkdf2_rounds,\n",
            "    u.addresses, u.categories, u.scripts, u.disabled, u.created_s, u.last_sign_in_s,\n",
            "    (SELECT json_group_array(g.group_id ORDER BY g.position)\n",
            "        FROM user_groups AS g WHERE g.user_id = u.id) AS groups\n",
            "FROM ",
            $rest
        )
    };
}

pub(super) const USER_BY_NAME: &str = select_user!("users AS u WHERE u.name = ?1");

pub(super) const USER: &str = select_user!("users AS u WHERE u.id = ?1");

pub(super) const USER_BY_API_KEY: &str =
    select_user!("api_keys AS k JOIN users AS u ON u.id = k.user_id WHERE k.digest = ?1");

pub(super) const USERS: &str = select_user!("users AS u WHERE u.id > ?1 ORDER BY u.id LIMIT ?2");

pub(super) const IS_RETIRED: &str = "SELECT EXISTS (SELECT 1 FROM retired_users WHERE id = ?1)";

pub(super) const ADD_USER: &str = "\
INSERT INTO users (id, name, argon2id, pbkdf2_hash, pbkdf2_salt, pbkdf2_rounds,
    addresses, categories, scripts, created_s)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT DO NOTHING RETURNING id";

/// A group named twice counts where it stands first.
pub(super) const ADD_USER_GROUPS: &str = "\
INSERT INTO user_groups (user_id, position, group_id)
SELECT ?1, key, value FROM json_each(?2) WHERE true ORDER BY key
ON CONFLICT (group_id, user_id) DO NOTHING";

pub(super) const SET_PASSWORD: &str = "\
UPDATE users SET argon2id = ?2, pbkdf2_hash = ?3, pbkdf2_salt = ?4, pbkdf2_rounds = ?5
WHERE id = ?1";

pub(super) const UPGRADE_PASSWORD: &str = "\
UPDATE users SET argon2id = ?2, pbkdf2_hash = ?3, pbkdf2_salt = ?4, pbkdf2_rounds = ?5
WHERE id = ?1 AND argon2id IS ?6 AND pbkdf2_hash IS ?7 AND pbkdf2_salt IS ?8
    AND pbkdf2_rounds IS ?9";

pub(super) const END_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = ?1";

/// Whether user ?1 is the only enabled one in the groups ?2.
pub(super) const IS_LAST_ADMINISTRATOR: &str = "\
SELECT EXISTS (
    SELECT 1 FROM user_groups AS g JOIN users AS u ON u.id = g.user_id
    WHERE g.user_id = ?1 AND u.disabled = 0 AND g.group_id IN (SELECT value FROM json_each(?2))
) AND NOT EXISTS (
    SELECT 1 FROM user_groups AS g JOIN users AS u ON u.id = g.user_id
    WHERE g.group_id IN (SELECT value FROM json_each(?2)) AND u.disabled = 0 AND u.id <> ?1
)";

/// Whether all enabled users in the groups ?2 are there by group ?1 alone.
pub(super) const IS_LAST_ADMINISTRATORS_GROUP: &str = "\
SELECT EXISTS (
    SELECT 1 FROM user_groups AS g JOIN users AS u ON u.id = g.user_id
    WHERE g.group_id IN (SELECT value FROM json_each(?2)) AND u.disabled = 0
) AND NOT EXISTS (
    SELECT 1 FROM user_groups AS g JOIN users AS u ON u.id = g.user_id
    WHERE g.group_id IN (SELECT value FROM json_each(?2) WHERE value <> ?1) AND u.disabled = 0
)";

pub(super) const SET_DISABLED: &str = "UPDATE users SET disabled = ?2 WHERE id = ?1";

pub(super) const DELETE_USER: &str = "DELETE FROM users WHERE id = ?1";

pub(super) const RETIRE_USER: &str = "INSERT INTO retired_users (id) VALUES (?1)";

pub(super) const SIGNED_IN: &str = "UPDATE users SET last_sign_in_s = ?2 WHERE id = ?1";

pub(super) const USER_EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1)";

/// The digest of another key is a conflict that changes nothing.
pub(super) const SET_API_KEY: &str = "\
INSERT INTO api_keys (user_id, name, digest, created_s) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (user_id, name) DO UPDATE SET digest = excluded.digest, created_s = excluded.created_s";

pub(super) const GROUPS: &str = "SELECT id, name FROM groups ORDER BY id";

pub(super) const ADD_GROUP: &str =
    "INSERT INTO groups (id, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

pub(super) const DELETE_GROUP: &str = "DELETE FROM groups WHERE id = ?1";

pub(super) const LEAVE_GROUP: &str = "DELETE FROM user_groups WHERE group_id = ?1";

/// Numbers 0 and 1 are built in; above the largest integer that JSON keeps exact nobody may choose
/// one, so that numbers to give out are left above every chosen one.
const CHOSEN_USER_IDS: std::ops::RangeInclusive<i64> = 2..=(1 << 53) - 1;

/// Accounts in SQLite.
pub(super) struct SqliteAccounts(pub(super) Database);

#[async_trait]
impl Accounts for SqliteAccounts {
    async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(USER_BY_NAME).bind(name).fetch_optional(&self.0.reader).await?;
        row.as_ref().map(user_from_row).transpose()
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(USER).bind(id.0).fetch_optional(&self.0.reader).await?;
        row.as_ref().map(user_from_row).transpose()
    }

    async fn user_by_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(USER_BY_API_KEY)
            .bind(digest.as_slice())
            .fetch_optional(&self.0.reader)
            .await?;
        row.as_ref().map(user_from_row).transpose()
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query(USERS)
            .bind(after.map_or(i64::MIN, |id| id.0))
            .bind(limit)
            .fetch_all(&self.0.reader)
            .await?;
        rows.iter().map(user_from_row).collect()
    }

    async fn add_user(&self, user: &NewUser, now: Timestamp) -> Result<Option<UserId>, StoreError> {
        let mut transaction = self.0.write().await?;
        if let Some(id) = user.id
            && (!CHOSEN_USER_IDS.contains(&id.0) || holds(&mut transaction, IS_RETIRED, id).await?)
        {
            return Ok(None);
        }
        let Some(id) = insert_user(&mut transaction, user, now).await? else {
            return Ok(None);
        };
        sqlx::query(ADD_USER_GROUPS)
            .bind(id)
            .bind(groups_to_json(&user.groups))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(UserId(id)))
    }

    async fn set_password(
        &self,
        id: UserId,
        password: &PasswordHash,
    ) -> Result<Change, StoreError> {
        let columns = PasswordColumns::from(Some(password));
        let mut transaction = self.0.write().await?;
        let updated = sqlx::query(SET_PASSWORD)
            .bind(id.0)
            .bind(columns.argon2id)
            .bind(columns.hash)
            .bind(columns.salt)
            .bind(columns.rounds)
            .execute(&mut *transaction)
            .await?;
        if updated.rows_affected() == 0 {
            return Ok(Change::NotFound);
        }
        sqlx::query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Change::Done)
    }

    async fn upgrade_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), StoreError> {
        let (old, new) = (PasswordColumns::from(Some(old)), PasswordColumns::from(Some(new)));
        sqlx::query(UPGRADE_PASSWORD)
            .bind(id.0)
            .bind(new.argon2id)
            .bind(new.hash)
            .bind(new.salt)
            .bind(new.rounds)
            .bind(old.argon2id)
            .bind(old.hash)
            .bind(old.salt)
            .bind(old.rounds)
            .execute(&self.0.writer)
            .await?;
        Ok(())
    }

    async fn set_disabled(
        &self,
        id: UserId,
        disabled: bool,
        admin_groups: &[GroupId],
    ) -> Result<Change, StoreError> {
        let mut transaction = self.0.write().await?;
        if disabled && is_last(&mut transaction, IS_LAST_ADMINISTRATOR, id.0, admin_groups).await? {
            return Ok(Change::LastAdministrator);
        }
        let updated =
            sqlx::query(SET_DISABLED).bind(id.0).bind(disabled).execute(&mut *transaction).await?;
        if updated.rows_affected() == 0 {
            return Ok(Change::NotFound);
        }
        if disabled {
            sqlx::query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Change::Done)
    }

    async fn delete_user(
        &self,
        id: UserId,
        admin_groups: &[GroupId],
    ) -> Result<Change, StoreError> {
        let mut transaction = self.0.write().await?;
        if is_last(&mut transaction, IS_LAST_ADMINISTRATOR, id.0, admin_groups).await? {
            return Ok(Change::LastAdministrator);
        }
        let deleted = sqlx::query(DELETE_USER).bind(id.0).execute(&mut *transaction).await?;
        if deleted.rows_affected() == 0 {
            return Ok(Change::NotFound);
        }
        sqlx::query(RETIRE_USER).bind(id.0).execute(&mut *transaction).await?;
        sqlx::query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Change::Done)
    }

    async fn signed_in(&self, id: UserId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(SIGNED_IN).bind(id.0).bind(now.as_second()).execute(&self.0.writer).await?;
        Ok(())
    }

    async fn set_api_key(
        &self,
        id: UserId,
        name: &str,
        digest: &ApiKeyDigest,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let mut transaction = self.0.write().await?;
        if !holds(&mut transaction, USER_EXISTS, id).await? {
            return Ok(Change::NotFound);
        }
        let stored = sqlx::query(SET_API_KEY)
            .bind(id.0)
            .bind(name)
            .bind(digest.as_slice())
            .bind(now.as_second())
            .execute(&mut *transaction)
            .await;
        match stored {
            Ok(_) => transaction.commit().await?,
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Ok(Change::Taken);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Change::Done)
    }

    async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let rows = sqlx::query(GROUPS).fetch_all(&self.0.reader).await?;
        rows.iter().map(group_from_row).collect()
    }

    async fn add_group(&self, group: &Group) -> Result<Change, StoreError> {
        if matches!(group.id.0, 0 | 1) {
            return Ok(Change::Taken);
        }
        let added = sqlx::query(ADD_GROUP)
            .bind(group.id.0)
            .bind(&group.name)
            .execute(&self.0.writer)
            .await?;
        Ok(if added.rows_affected() == 0 { Change::Taken } else { Change::Done })
    }

    async fn delete_group(
        &self,
        id: GroupId,
        admin_groups: &[GroupId],
    ) -> Result<Change, StoreError> {
        let mut transaction = self.0.write().await?;
        let deleted = sqlx::query(DELETE_GROUP).bind(id.0).execute(&mut *transaction).await?;
        if deleted.rows_affected() == 0 {
            return Ok(Change::NotFound);
        }
        if is_last(&mut transaction, IS_LAST_ADMINISTRATORS_GROUP, id.0, admin_groups).await? {
            return Ok(Change::LastAdministrator);
        }
        sqlx::query(LEAVE_GROUP).bind(id.0).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Change::Done)
    }
}

/// Answers a question about one user.
async fn holds(
    connection: &mut SqliteConnection,
    question: impl SqlSafeStr,
    id: UserId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(question).bind(id.0).fetch_one(connection).await?)
}

/// Answers one of the two questions about the last administrator.
async fn is_last(
    connection: &mut SqliteConnection,
    question: impl SqlSafeStr,
    id: i64,
    admin_groups: &[GroupId],
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(question)
        .bind(id)
        .bind(groups_to_json(admin_groups))
        .fetch_one(connection)
        .await?)
}

async fn insert_user(
    connection: &mut SqliteConnection,
    user: &NewUser,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let password = PasswordColumns::from(user.password.as_ref());
    Ok(sqlx::query_scalar(ADD_USER)
        .bind(user.id.map(|id| id.0))
        .bind(&user.name)
        .bind(password.argon2id)
        .bind(password.hash)
        .bind(password.salt)
        .bind(password.rounds)
        .bind(patterns_to_json(&user.addresses))
        .bind(patterns_to_json(&user.categories))
        .bind(patterns_to_json(&user.scripts))
        .bind(now.as_second())
        .fetch_optional(connection)
        .await?)
}

fn group_from_row(row: &SqliteRow) -> Result<Group, StoreError> {
    Ok(Group { id: GroupId(row.try_get("id")?), name: row.try_get("name")? })
}
