//! Finding, listing and ending sessions.

use sha2::{Digest as _, Sha256};
use webscripts_domain::identity::{Caller, UserId};
use webscripts_domain::session::{Session, SessionKey, SessionToken};
use webscripts_store::StoreError;

use crate::{App, events};

/// The digest under which the session of this token is stored.
pub fn key_of(token: &SessionToken) -> SessionKey {
    SessionKey(Sha256::digest(token.expose()).into())
}

/// Sessions that have ended, for those who rely on one for longer than a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// This one.
    One(SessionKey),
    /// All of this user.
    AllOf(UserId),
}

impl SessionEnd {
    /// Whether the session of the caller is among them.
    pub fn concerns(self, caller: &Caller) -> bool {
        match self {
            Self::One(key) => caller.session == Some(key),
            Self::AllOf(user) => caller.session.is_some() && caller.identity.id == user,
        }
    }
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Short name of the session, to end it by: the first 16 hexadecimal digits of its digest.
    pub id: String,
    /// The session.
    pub session: Session,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl App {
    /// Ends the session of the caller; false when there is none.
    ///
    /// # Errors
    ///
    /// When the database fails: the session is then still open.
    pub async fn sign_out(&self, caller: &Caller) -> Result<bool, StoreError> {
        let Some(key) = caller.session else { return Ok(false) };
        let ended = self.stores.sessions.end(&key).await?;
        self.forget_session(&key);
        events::signed_out(&caller.identity, caller.address);
        Ok(ended)
    }

    /// The open sessions of the caller's account, newest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn sessions_of(&self, caller: &Caller) -> Result<Vec<SessionView>, StoreError> {
        let now = self.clock.now();
        let sessions = self.stores.sessions.of_user(caller.identity.id, now).await?;
        Ok(sessions
            .into_iter()
            .map(|(key, session)| SessionView {
                id: short_id(&key),
                session,
                current: caller.session == Some(key),
            })
            .collect())
    }

    /// Ends one session of the caller's account by its short name; false when there is none.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_session(&self, caller: &Caller, id: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let sessions = self.stores.sessions.of_user(caller.identity.id, now).await?;
        let Some((key, _)) = sessions.into_iter().find(|(key, _)| short_id(key) == id) else {
            return Ok(false);
        };
        let ended = self.stores.sessions.end(&key).await?;
        self.forget_session(&key);
        Ok(ended)
    }

    /// Ends all sessions of a user; answers how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_all_sessions(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = self.stores.sessions.end_all(user).await?;
        self.identities.forget_all();
        // Nobody may be listening.
        let _ = self.session_ends.send(SessionEnd::AllOf(user));
        Ok(ended)
    }

    fn forget_session(&self, key: &SessionKey) {
        self.identities.forget(key);
        self.csrf.forget(key);
        // Nobody may be listening.
        let _ = self.session_ends.send(SessionEnd::One(*key));
    }
}

fn short_id(key: &SessionKey) -> String {
    hex::encode(key.0.get(..8).unwrap_or_default())
}
