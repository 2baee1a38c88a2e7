//! Users, groups and API keys.

use async_trait::async_trait;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{GroupId, UserId};

use crate::StoreError;

/// A user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Number.
    pub id: UserId,
    /// Name; unique, case-sensitive.
    pub name: String,
    /// How the password is stored; `None`: no sign-in by password.
    pub password: Option<PasswordHash>,
    /// Groups in order.
    pub groups: Vec<GroupId>,
    /// Patterns of addresses the user may sign in from.
    pub addresses: Vec<Glob>,
    /// Patterns of categories.
    pub categories: Vec<Glob>,
    /// Patterns of script names.
    pub scripts: Vec<Glob>,
    /// Whether sign-in is refused.
    pub disabled: bool,
    /// When the account was made.
    pub created: Timestamp,
    /// Last successful sign-in.
    pub last_sign_in: Option<Timestamp>,
}

/// A stored password.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordHash {
    /// A PHC string of Argon2id.
    Argon2id(String),
    /// PBKDF2-HMAC-SHA512 of an imported account (data-files.md §2.2).
    Pbkdf2Sha512 {
        /// The 64 bytes.
        hash: Vec<u8>,
        /// The salt.
        salt: Vec<u8>,
        /// Rounds.
        rounds: u32,
    },
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PasswordHash(…)")
    }
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Number, from 2 to 2⁵³ − 1; `None`: the next one above all that were ever used.
    pub id: Option<UserId>,
    /// Name.
    pub name: String,
    /// Password.
    pub password: Option<PasswordHash>,
    /// Groups.
    pub groups: Vec<GroupId>,
    /// Address patterns.
    pub addresses: Vec<Glob>,
    /// Category patterns.
    pub categories: Vec<Glob>,
    /// Script patterns.
    pub scripts: Vec<Glob>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number.
    pub id: GroupId,
    /// Name; unique.
    pub name: String,
}

/// Digest of an API key: SHA-256 of the text.
pub type ApiKeyDigest = [u8; 32];

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Done.
    Done,
    /// There is no such thing.
    NotFound,
    /// The name or number is taken.
    Taken,
    /// It would leave no enabled user in the administrators' groups.
    LastAdministrator,
}

/// Users, groups, API keys. Times are kept to the second. Users and groups 0 and 1 are built in and
/// never stored. A user may have a group number that no group has.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Finds a user by name.
    async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// Finds a user by number.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Finds the owner of an API key.
    async fn user_by_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<User>, StoreError>;
    /// At most `limit` users with numbers above `after`, in order.
    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;
    /// Makes a user. `Ok(None)`: the name or number is taken, or the number is not to be had: built
    /// in, too large, or that of a deleted user.
    async fn add_user(&self, user: &NewUser, now: Timestamp) -> Result<Option<UserId>, StoreError>;
    /// Replaces the password and ends all sessions of the user.
    async fn set_password(&self, id: UserId, password: &PasswordHash)
    -> Result<Change, StoreError>;
    /// Replaces a hash by a better one of the same password; sessions stay. Nothing happens if the
    /// stored one is no longer `old`.
    async fn upgrade_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), StoreError>;
    /// Disables or enables sign-in; disabling ends all sessions.
    /// The last enabled member of `admin_groups` cannot be disabled.
    async fn set_disabled(
        &self,
        id: UserId,
        disabled: bool,
        admin_groups: &[GroupId],
    ) -> Result<Change, StoreError>;
    /// Deletes a user with keys and sessions; the number is never given out again.
    async fn delete_user(&self, id: UserId, admin_groups: &[GroupId])
    -> Result<Change, StoreError>;
    /// Remembers a successful sign-in.
    async fn signed_in(&self, id: UserId, now: Timestamp) -> Result<(), StoreError>;
    /// Stores an API key under a name, in place of an earlier one of that name.
    async fn set_api_key(
        &self,
        id: UserId,
        name: &str,
        digest: &ApiKeyDigest,
        now: Timestamp,
    ) -> Result<Change, StoreError>;
    /// All groups in order.
    async fn groups(&self) -> Result<Vec<Group>, StoreError>;
    /// Makes a group.
    async fn add_group(&self, group: &Group) -> Result<Change, StoreError>;
    /// Deletes a group and takes it from all users, unless that leaves no administrator.
    async fn delete_group(
        &self,
        id: GroupId,
        admin_groups: &[GroupId],
    ) -> Result<Change, StoreError>;
}
