//! Who checks credentials: the built-in accounts, or a script of the administrator.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Identity, UserId};
use webscripts_domain::password;
use webscripts_domain::random::Random;
use webscripts_domain::request::RunRequest;
use webscripts_store::accounts::{ApiKeyDigest, PasswordHash, User};
use webscripts_store::{StoreError, Stores};

use crate::App;
use crate::passwords::{HashError, Passwords};
use crate::run_script::UnrecordedError;

/// What somebody offers to prove who they are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Name and password.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: SecretString,
    },
    /// An API key.
    ApiKey(SecretString),
    /// Arguments for an authentication script that asks for something else.
    Arguments(RunRequest),
}

impl Proof {
    /// The name that is claimed, if the kind of proof has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Password { name, .. } => Some(name),
            Self::ApiKey(_) | Self::Arguments(_) => None,
        }
    }
}

/// A sign-in that is to be decided.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// What is offered.
    pub proof: &'a Proof,
    /// From where.
    pub address: IpAddr,
    /// The request, for authentication scripts.
    pub context: &'a RequestContext,
}

/// Why an attempt could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticatorError {
    /// Saved state failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The authentication script did not run.
    #[error("the authentication script did not run")]
    Start(#[from] UnrecordedError),
    /// The authentication script failed, or printed something else than a user.
    #[error("the authentication script failed: {0}")]
    Script(String),
}

/// Decides who somebody is.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The user the proof belongs to; `None`: it proves nothing.
    async fn check(
        &self,
        app: &App,
        attempt: &Attempt<'_>,
    ) -> Result<Option<Identity>, AuthenticatorError>;

    /// The user behind a session as rights are right now; `None`: gone, disabled, or not known to
    /// this authenticator, which then relies on what it said at sign-in.
    async fn current(&self, id: UserId) -> Result<Current, StoreError>;
}

/// What an authenticator knows of a user between sign-ins.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// These are the rights now.
    Known(Box<Identity>),
    /// There is no such user any more.
    Gone,
    /// Rights are those of the sign-in.
    AsSignedIn,
}

/// The built-in accounts.
pub struct AccountsAuthenticator {
    stores: Stores,
    passwords: Arc<Passwords>,
    verified: VerifiedCache,
}

impl AccountsAuthenticator {
    /// Checks against these stores.
    ///
    /// # Errors
    ///
    /// When the system has no randomness for the key of the cache.
    pub fn new(
        stores: Stores,
        passwords: Arc<Passwords>,
        random: &dyn Random,
    ) -> Result<Self, webscripts_domain::random::NoRandomness> {
        Ok(Self { stores, passwords, verified: VerifiedCache::new(random)? })
    }

    async fn check_password(
        &self,
        name: &str,
        password: &SecretString,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<Option<User>, AuthenticatorError> {
        if password.expose_secret().len() > password::MAX_BYTES || name.len() > 255 {
            return Ok(None);
        }
        let user = self.stores.accounts.user_by_name(name).await?;
        let stored = user.as_ref().and_then(|user| user.password.as_ref());
        let seen = stored.map(|hash| self.verified.key(name, password, hash, attempt.address));
        if seen.is_some_and(|seen| self.verified.contains(&seen, now)) {
            return Ok(user);
        }
        let verdict = self.passwords.verify(stored, password).await?;
        let (Some(user), true) = (user, verdict.fits) else { return Ok(None) };
        if let (Some(old), Some(better)) = (&user.password, &verdict.better) {
            self.stores.accounts.upgrade_password(user.id, old, better).await?;
        } else if let Some(seen) = seen {
            self.verified.insert(seen, now);
        }
        Ok(Some(user))
    }
}

#[async_trait]
impl Authenticator for AccountsAuthenticator {
    async fn check(
        &self,
        app: &App,
        attempt: &Attempt<'_>,
    ) -> Result<Option<Identity>, AuthenticatorError> {
        let user = match attempt.proof {
            Proof::Password { name, password } => {
                self.check_password(name, password, attempt, app.now()).await?
            }
            Proof::ApiKey(key) => {
                self.stores.accounts.user_by_api_key(&api_key_digest(key)).await?
            }
            Proof::Arguments(_) => None,
        };
        let address = attempt.address.to_string();
        Ok(user
            .filter(|user| !user.disabled)
            .filter(|user| user.addresses.iter().any(|pattern| pattern.matches(&address)))
            .map(identity_of))
    }

    async fn current(&self, id: UserId) -> Result<Current, StoreError> {
        let user = self.stores.accounts.user(id).await?.filter(|user| !user.disabled);
        Ok(user.map_or(Current::Gone, |user| Current::Known(Box::new(identity_of(user)))))
    }
}

/// The digest under which an API key is stored.
pub fn api_key_digest(key: &SecretString) -> ApiKeyDigest {
    Sha256::digest(key.expose_secret().as_bytes()).into()
}

/// A stored user as access rules see it.
pub fn identity_of(user: User) -> Identity {
    Identity {
        id: user.id,
        name: user.name,
        groups: user.groups,
        categories: user.categories,
        scripts: user.scripts,
        custom: Map::new(),
    }
}

/// Passwords that were right a moment ago, so that programs with Basic credentials do not pay for
/// hashing at every request. Keyed by a digest with a secret of this process over name, password,
/// stored hash and address: a changed password or another address misses.
struct VerifiedCache {
    secret: zeroize::Zeroizing<[u8; 32]>,
    seen: moka::sync::Cache<[u8; 32], Timestamp>,
}

impl VerifiedCache {
    const SECONDS: i64 = 60;

    fn new(random: &dyn Random) -> Result<Self, webscripts_domain::random::NoRandomness> {
        let secret = zeroize::Zeroizing::new(webscripts_domain::random::bytes(random)?);
        Ok(Self { secret, seen: moka::sync::Cache::new(10_000) })
    }

    fn key(
        &self,
        name: &str,
        password: &SecretString,
        stored: &PasswordHash,
        address: IpAddr,
    ) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.secret.as_slice());
        let stored = match stored {
            PasswordHash::Argon2id(text) => text.as_bytes(),
            PasswordHash::Pbkdf2Sha512 { hash, .. } => hash,
        };
        let address = address.to_string();
        for part in
            [name.as_bytes(), password.expose_secret().as_bytes(), stored, address.as_bytes()]
        {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn contains(&self, key: &[u8; 32], now: Timestamp) -> bool {
        self.seen.get(key).is_some_and(|seen| now.duration_since(seen).as_secs() < Self::SECONDS)
    }

    fn insert(&self, key: [u8; 32], now: Timestamp) {
        self.seen.insert(key, now);
    }
}
