//! Users, groups and API keys, as administrators change them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use webscripts_domain::clock::Clock;
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{GroupId, UserId};
use webscripts_domain::password::{self, WeakPassword};
use webscripts_domain::random::{self, NoRandomness, Random};
use webscripts_store::accounts::{Change, Group, NewUser, User};
use webscripts_store::{StoreError, Stores};

use crate::authenticator::api_key_digest;
use crate::passwords::{HashError, Passwords};

/// Characters of generated passwords: none that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Changes accounts. Used by the command line and, later, by the tools of the server.
pub struct AccountAdministration {
    stores: Stores,
    passwords: Passwords,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    admin_groups: Vec<GroupId>,
}

/// What a new account looks like.
#[derive(Debug, Clone)]
pub struct AccountRequest {
    /// Name.
    pub name: String,
    /// Groups.
    pub groups: Vec<GroupId>,
    /// Patterns of addresses, categories, scripts.
    pub addresses: Vec<Glob>,
    /// Patterns of categories.
    pub categories: Vec<Glob>,
    /// Patterns of script names.
    pub scripts: Vec<Glob>,
}

impl AccountRequest {
    /// An account that may come from anywhere and run what its groups allow.
    pub fn new(name: impl Into<String>, groups: Vec<GroupId>) -> Self {
        let any = || vec![Glob::any()];
        Self { name: name.into(), groups, addresses: any(), categories: any(), scripts: any() }
    }
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Saved state failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The password is too weak.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The name cannot be used.
    #[error(
        "a user name has 1 to 255 characters, none of them a control character or at an end a blank"
    )]
    Name,
    /// It exists already.
    #[error("`{0}` exists already")]
    Taken(String),
    /// It does not exist.
    #[error("`{0}` does not exist")]
    NotFound(String),
    /// Nobody could administer the server afterwards.
    #[error("`{0}` is the last enabled administrator; make another one first")]
    LastAdministrator(String),
}

impl AccountAdministration {
    /// Changes accounts in these stores.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn new(
        stores: Stores,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        admin_groups: Vec<GroupId>,
    ) -> Result<Self, AccountError> {
        let passwords = Passwords::new(Arc::clone(&random))?;
        Ok(Self { stores, passwords, clock, random, admin_groups })
    }

    /// Makes an account with a password.
    ///
    /// # Errors
    ///
    /// When the name is taken or the password too weak.
    pub async fn add_user(
        &self,
        request: &AccountRequest,
        password: &SecretString,
    ) -> Result<UserId, AccountError> {
        check_name(&request.name)?;
        check_password(&request.name, password)?;
        let user = NewUser {
            id: None,
            name: request.name.clone(),
            password: Some(self.passwords.hash(password).await?),
            groups: request.groups.clone(),
            addresses: request.addresses.clone(),
            categories: request.categories.clone(),
            scripts: request.scripts.clone(),
        };
        let added = self.stores.accounts.add_user(&user, self.clock.now()).await?;
        added.ok_or_else(|| AccountError::Taken(request.name.clone()))
    }

    /// Replaces a password; all sessions of the account end.
    ///
    /// # Errors
    ///
    /// When there is no such account or the password is too weak.
    pub async fn set_password(
        &self,
        name: &str,
        password: &SecretString,
    ) -> Result<(), AccountError> {
        check_password(name, password)?;
        let user = self.find(name).await?;
        let hash = self.passwords.hash(password).await?;
        done(name, self.stores.accounts.set_password(user.id, &hash).await?)
    }

    /// Disables or enables an account.
    ///
    /// # Errors
    ///
    /// When there is no such account, or it is the last administrator.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), AccountError> {
        let user = self.find(name).await?;
        let change =
            self.stores.accounts.set_disabled(user.id, disabled, &self.admin_groups).await?;
        done(name, change)
    }

    /// Deletes an account.
    ///
    /// # Errors
    ///
    /// When there is no such account, or it is the last administrator.
    pub async fn delete_user(&self, name: &str) -> Result<(), AccountError> {
        let user = self.find(name).await?;
        done(name, self.stores.accounts.delete_user(user.id, &self.admin_groups).await?)
    }

    /// Makes a new API key for an account, in place of an earlier one of the same name. It is
    /// answered once and stored as a digest.
    ///
    /// # Errors
    ///
    /// When there is no such account.
    pub async fn make_api_key(
        &self,
        name: &str,
        label: &str,
    ) -> Result<SecretString, AccountError> {
        let user = self.find(name).await?;
        // 125 bytes, 168 characters: the shape existing clients know (data-files.md §2.3).
        let key = SecretString::from(STANDARD.encode(random::bytes::<125>(self.random.as_ref())?));
        let now = self.clock.now();
        let change =
            self.stores.accounts.set_api_key(user.id, label, &api_key_digest(&key), now).await?;
        done(name, change)?;
        Ok(key)
    }

    /// At most `limit` accounts with numbers above `after`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, AccountError> {
        Ok(self.stores.accounts.users(after, limit).await?)
    }

    /// The account of this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn find(&self, name: &str) -> Result<User, AccountError> {
        let user = self.stores.accounts.user_by_name(name).await?;
        user.ok_or_else(|| AccountError::NotFound(name.to_owned()))
    }

    /// All groups.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn groups(&self) -> Result<Vec<Group>, AccountError> {
        Ok(self.stores.accounts.groups().await?)
    }

    /// Makes a group.
    ///
    /// # Errors
    ///
    /// When the number or name is taken.
    pub async fn add_group(&self, id: GroupId, name: &str) -> Result<(), AccountError> {
        check_name(name)?;
        let group = Group { id, name: name.to_owned() };
        done(name, self.stores.accounts.add_group(&group).await?)
    }

    /// Deletes a group and takes it from all accounts.
    ///
    /// # Errors
    ///
    /// When there is none, or nobody could administer the server afterwards.
    pub async fn delete_group(&self, id: GroupId) -> Result<(), AccountError> {
        let name = format!("group {id}");
        done(&name, self.stores.accounts.delete_group(id, &self.admin_groups).await?)
    }

    /// A random password of 20 characters, about 116 bits.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn generate_password(&self) -> Result<SecretString, AccountError> {
        let mut text = String::with_capacity(20);
        while text.len() < 20 {
            let [byte] = random::bytes::<1>(self.random.as_ref())?;
            // Bytes beyond the last whole alphabet would make some characters more likely.
            let whole = 256 / ALPHABET.len() * ALPHABET.len();
            if usize::from(byte) < whole
                && let Some(character) = ALPHABET.get(usize::from(byte) % ALPHABET.len())
            {
                text.push(char::from(*character));
            }
        }
        Ok(SecretString::from(text))
    }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let good = !name.is_empty()
        && name.chars().count() <= 255
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if good { Ok(()) } else { Err(AccountError::Name) }
}

fn check_password(name: &str, password: &SecretString) -> Result<(), AccountError> {
    use secrecy::ExposeSecret as _;

    Ok(password::check(name, password.expose_secret())?)
}

fn done(name: &str, change: Change) -> Result<(), AccountError> {
    match change {
        Change::Done => Ok(()),
        Change::NotFound => Err(AccountError::NotFound(name.to_owned())),
        Change::Taken => Err(AccountError::Taken(name.to_owned())),
        Change::LastAdministrator => Err(AccountError::LastAdministrator(name.to_owned())),
    }
}
