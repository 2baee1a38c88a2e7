//! From a proof to a user: limits first, then the authenticator, then the record of the result.

use std::net::IpAddr;

use webscripts_domain::blacklist::Failures;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Identity, UserId};
use webscripts_domain::random::NoRandomness;
use webscripts_domain::session::{Session, SessionClaim, SessionKey, SessionToken};
use webscripts_store::StoreError;
use webscripts_store::blacklist::Subject;

use crate::authenticator::{Attempt, AuthenticatorError, Proof};
use crate::passwords::HashError;
use crate::{App, events};

/// Failures that were looked up, so that a request does not ask the database again. This process
/// is the only one that writes them.
pub struct BlacklistCache(moka::sync::Cache<Subject, Option<Failures>>);

impl Default for BlacklistCache {
    fn default() -> Self {
        Self(moka::sync::Cache::new(100_000))
    }
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address or the name has to wait.
    #[error("too many failed sign-ins; try again later")]
    Blocked {
        /// When the block ends.
        until: Timestamp,
    },
    /// Too many sign-ins at once.
    #[error("too many sign-ins are waiting; try again in a moment")]
    Busy,
    /// It could not be decided.
    #[error("sign-in is not working at the moment")]
    Broken(#[source] AuthenticatorError),
    /// Saved state failed.
    #[error("sign-in is not working at the moment")]
    Store(#[from] StoreError),
    /// No randomness for a session.
    #[error("sign-in is not working at the moment")]
    NoRandomness(#[from] NoRandomness),
}

/// A session that was opened.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub identity: Identity,
    /// What the client gets.
    pub claim: SessionClaim,
    /// Under what it is stored.
    pub key: SessionKey,
    /// When it ends.
    pub session: Session,
}

impl App {
    /// Signs somebody in and opens a session. `Ok(None)`: the proof is wrong, and was counted.
    ///
    /// # Errors
    ///
    /// When the address or name is blocked, or it could not be decided.
    pub async fn sign_in(
        &self,
        proof: &Proof,
        address: IpAddr,
        context: &RequestContext,
    ) -> Result<Option<SignedIn>, SignInError> {
        let Some(identity) = self.verify(proof, address, context).await? else { return Ok(None) };
        let configuration = self.configuration();
        let token = SessionToken::random(self.random.as_ref())?;
        let claim = SessionClaim { user: identity.id, token };
        let key = crate::sessions::key_of(&claim.token);
        let now = self.clock.now();
        let session = Session::open(identity.id, address, now, configuration.session_max_time());
        let most = configuration.settings.access.max_sessions_per_user;
        self.stores.sessions.add(&key, &session, most).await?;
        self.identities.remember_sign_in(key, &identity);
        if identity.id.0 > 1 {
            self.stores.accounts.signed_in(identity.id, now).await?;
        }
        events::signed_in(&identity, address);
        Ok(Some(SignedIn { identity, claim, key, session }))
    }

    /// A session value that belongs to nobody, for existing clients that recognise a refusal by
    /// `SessionID=0:…` (client.md). It is never stored.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn refusal_claim(&self) -> Result<SessionClaim, NoRandomness> {
        let token = SessionToken::random(self.random.as_ref())?;
        Ok(SessionClaim { user: UserId::NOT_AUTHENTICATED, token })
    }

    /// Decides a proof without opening a session. Failures are counted, a success clears them.
    ///
    /// # Errors
    ///
    /// As [`App::sign_in`].
    pub async fn verify(
        &self,
        proof: &Proof,
        address: IpAddr,
        context: &RequestContext,
    ) -> Result<Option<Identity>, SignInError> {
        let subjects = subjects_of(proof, address);
        self.refuse_blocked(&subjects, address).await?;
        let attempt = Attempt { proof, address, context };
        let decided = self.authenticator.check(self, &attempt).await;
        let identity = match decided {
            Ok(identity) => identity,
            Err(AuthenticatorError::Hash(HashError::Busy)) => return Err(SignInError::Busy),
            Err(AuthenticatorError::Script(why)) => {
                self.count_failure(&subjects, proof, address).await?;
                return Err(SignInError::Broken(AuthenticatorError::Script(why)));
            }
            Err(AuthenticatorError::Store(error)) => return Err(SignInError::Store(error)),
            Err(error) => return Err(SignInError::Broken(error)),
        };
        if identity.is_none() {
            // Attempts that waited behind the one that blocked are refused too.
            self.refuse_blocked(&subjects, address).await?;
            self.count_failure(&subjects, proof, address).await?;
            return Ok(None);
        }
        for subject in subjects {
            self.forget_failures(subject).await?;
        }
        Ok(identity)
    }

    /// Until when this address is refused.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn blocked_until(&self, address: IpAddr) -> Result<Option<Timestamp>, StoreError> {
        self.subject_blocked_until(&Subject::Address(address.to_string())).await
    }

    async fn subject_blocked_until(
        &self,
        subject: &Subject,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(rule) = self.configuration().blacklist_rule() else { return Ok(None) };
        let failures = if let Some(known) = self.blacklist.0.get(subject) {
            known
        } else {
            let found = self.stores.blacklist.find(subject).await?;
            self.blacklist.0.insert(subject.clone(), found);
            found
        };
        Ok(rule.blocked_until(failures, self.clock.now()))
    }

    async fn refuse_blocked(
        &self,
        subjects: &[Subject],
        address: IpAddr,
    ) -> Result<(), SignInError> {
        for subject in subjects {
            let Some(until) = self.subject_blocked_until(subject).await? else { continue };
            // A blocked name is still accepted from where its owner is signed in, so that nobody
            // can lock a colleague out from elsewhere (security.md §7).
            let spared = match subject {
                Subject::Name(name) => self.has_session_from(name, address).await?,
                Subject::Address(_) => false,
            };
            if !spared {
                return Err(SignInError::Blocked { until });
            }
        }
        Ok(())
    }

    async fn has_session_from(&self, name: &str, address: IpAddr) -> Result<bool, StoreError> {
        let Some(user) = self.stores.accounts.user_by_name(name).await? else { return Ok(false) };
        let sessions = self.stores.sessions.of_user(user.id, self.clock.now()).await?;
        Ok(sessions.iter().any(|(_, session)| session.address == address))
    }

    async fn count_failure(
        &self,
        subjects: &[Subject],
        proof: &Proof,
        address: IpAddr,
    ) -> Result<(), StoreError> {
        events::sign_in_failed(proof.name(), address);
        let Some(rule) = self.configuration().blacklist_rule() else { return Ok(()) };
        let now = self.clock.now();
        for subject in subjects {
            let failures = self.stores.blacklist.record(subject, &rule, now).await?;
            self.blacklist.0.insert(subject.clone(), Some(failures));
            if rule.blocked_until(Some(failures), now).is_some() {
                events::blocked(subject, failures.count);
            }
        }
        Ok(())
    }

    async fn forget_failures(&self, subject: Subject) -> Result<(), StoreError> {
        if self.blacklist.0.get(&subject) == Some(None) {
            return Ok(());
        }
        self.stores.blacklist.clear(&subject).await?;
        self.blacklist.0.insert(subject, None);
        Ok(())
    }
}

fn subjects_of(proof: &Proof, address: IpAddr) -> Vec<Subject> {
    let address = Subject::Address(address.to_string());
    let name = proof
        .name()
        .map(|name| Subject::Name(name.chars().take(255).collect::<String>().to_lowercase()));
    std::iter::once(address).chain(name).collect()
}
