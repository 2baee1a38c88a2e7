//! Who is calling, on every request (security.md §2).

use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Caller, Credential, Identity};
use webscripts_domain::session::{Session, SessionClaim, SessionKey};
use webscripts_store::StoreError;

use crate::App;
use crate::authenticator::{Current, Proof};
use crate::sessions::key_of;
use crate::sign_in::SignInError;

/// The credentials a request carries.
#[derive(Debug, Default)]
pub struct Credentials {
    /// Sessions of the `Cookie` header, in order.
    pub cookies: Vec<SessionClaim>,
    /// Whether there is a `Cookie` header at all.
    pub has_cookie_header: bool,
    /// The `Api-Token` header.
    pub api_token: Option<SessionClaim>,
    /// `Authorization: Basic`.
    pub basic: BasicCredentials,
    /// The `Api-Key` header.
    pub api_key: Option<SecretString>,
    /// Whether a browser page sent the request: `Sec-Fetch-Mode` or `Sec-Fetch-Site` is present.
    pub from_browser: bool,
}

/// What `Authorization: Basic` says.
#[derive(Debug, Default)]
pub enum BasicCredentials {
    /// There is no such header.
    #[default]
    Absent,
    /// It cannot be read: it proves nothing.
    Unreadable,
    /// It can.
    Read {
        /// The name.
        name: String,
        /// The password.
        password: SecretString,
    },
}

/// Why a caller could not be identified.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The address is blocked.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Saved state failed.
    #[error("saved state cannot be reached")]
    Store(#[from] StoreError),
    /// A browser must not use these credentials: nothing protects it against other sites.
    #[error("`Basic` and `Api-Key` are for programs; in a browser, sign in at the page web/auth/")]
    BrowserCredential,
}

/// Identities of open sessions, remembered while the database did not change.
pub struct Identities {
    seen: moka::sync::Cache<SessionKey, Remembered>,
    signed_in: moka::sync::Cache<SessionKey, Identity>,
}

#[derive(Clone)]
struct Remembered {
    session: Session,
    identity: Identity,
    stamp: u64,
}

impl Default for Identities {
    fn default() -> Self {
        let idle = Duration::from_mins(10);
        Self {
            seen: moka::sync::Cache::builder().max_capacity(100_000).time_to_idle(idle).build(),
            signed_in: moka::sync::Cache::new(100_000),
        }
    }
}

impl Identities {
    /// Remembers what an authentication script said at sign-in.
    pub fn remember_sign_in(&self, key: SessionKey, identity: &Identity) {
        self.signed_in.insert(key, identity.clone());
    }

    /// Forgets a session.
    pub fn forget(&self, key: &SessionKey) {
        self.seen.invalidate(key);
        self.signed_in.invalidate(key);
    }

    /// Forgets all sessions; they are looked up again.
    pub fn forget_all(&self) {
        self.seen.invalidate_all();
    }
}

impl App {
    /// Who is calling. Blocked addresses are refused before anything is computed, unless they
    /// bring a session that is open.
    ///
    /// # Errors
    ///
    /// When the address is blocked, a browser uses credentials of programs, or saved state fails.
    pub async fn identify(
        &self,
        credentials: Credentials,
        address: IpAddr,
        context: &RequestContext,
    ) -> Result<Caller, IdentifyError> {
        let by_session = self.by_session(&credentials, address).await?;
        if by_session.is_none()
            && let Some(until) = self.blocked_until(address).await?
        {
            return Err(SignInError::Blocked { until }.into());
        }
        let program = program_proof(&credentials, by_session.is_some());
        let Some((proof, credential)) = program else {
            return Ok(by_session.unwrap_or_else(|| Caller::anonymous(address)));
        };
        if credentials.from_browser {
            return Err(IdentifyError::BrowserCredential);
        }
        if !self.configuration().settings.access.active_auth {
            return Ok(Caller::anonymous(address));
        }
        let identity = match self.verify(&proof, address, context).await {
            Ok(identity) => identity,
            Err(SignInError::Broken(error)) => {
                tracing::error!(error = %error, "credentials could not be checked");
                None
            }
            Err(error) => return Err(error.into()),
        };
        Ok(match identity {
            Some(identity) => Caller { identity, address, credential, session: None },
            None => Caller::anonymous(address),
        })
    }

    /// The caller of a request that lasts, with the rights of this moment; `None`: the session has
    /// ended, or the account is gone or disabled.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn caller_still(&self, caller: &Caller) -> Result<Option<Caller>, StoreError> {
        if let Some(key) = &caller.session
            && self.stores.sessions.find(key, self.clock.now()).await?.is_none()
        {
            return Ok(None);
        }
        self.caller_now(caller.clone()).await
    }

    async fn by_session(
        &self,
        credentials: &Credentials,
        address: IpAddr,
    ) -> Result<Option<Caller>, StoreError> {
        for claim in &credentials.cookies {
            if let Some((key, identity)) = self.open_session(claim, address).await? {
                let credential = Credential::SessionCookie;
                return Ok(Some(Caller { identity, address, credential, session: Some(key) }));
            }
        }
        // A request with any cookie is a browser's: the header is not looked at (security.md §2).
        let Some(claim) = credentials.api_token.as_ref().filter(|_| !credentials.has_cookie_header)
        else {
            return Ok(None);
        };
        Ok(self.open_session(claim, address).await?.map(|(key, identity)| Caller {
            identity,
            address,
            credential: Credential::ApiToken,
            session: Some(key),
        }))
    }

    /// The user of a session that is open, belongs to the claimed user and to this address.
    async fn open_session(
        &self,
        claim: &SessionClaim,
        address: IpAddr,
    ) -> Result<Option<(SessionKey, Identity)>, StoreError> {
        if !self.configuration().settings.access.active_auth {
            return Ok(None);
        }
        let key = key_of(&claim.token);
        let now = self.clock.now();
        let fits = |session: &Session| {
            session.user == claim.user && session.address == address && !session.is_expired(now)
        };
        let stamp = self.stores.health.stamp();
        if let Some(seen) = self.identities.seen.get(&key).filter(|s| Some(s.stamp) == stamp) {
            return Ok(fits(&seen.session).then_some((key, seen.identity)));
        }
        let Some(session) = self.stores.sessions.find(&key, now).await? else { return Ok(None) };
        let identity = match self.authenticator.current(session.user).await? {
            Current::Known(identity) => Some(*identity),
            Current::AsSignedIn => self.identities.signed_in.get(&key),
            Current::Gone => None,
        };
        let Some(identity) = identity else { return Ok(None) };
        if let Some(stamp) = stamp {
            let remembered =
                Remembered { session: session.clone(), identity: identity.clone(), stamp };
            self.identities.seen.insert(key, remembered);
        }
        Ok(fits(&session).then_some((key, identity)))
    }
}

/// `Basic` is looked at when there is no session; `Api-Key` always, and replaces it.
fn program_proof(credentials: &Credentials, has_session: bool) -> Option<(Proof, Credential)> {
    match (&credentials.basic, &credentials.api_key) {
        (BasicCredentials::Read { name, password }, _) if !has_session => {
            let (name, password) = (name.clone(), password.clone());
            Some((Proof::Password { name, password }, Credential::Basic))
        }
        (BasicCredentials::Unreadable, _) if !has_session => None,
        (_, Some(key)) => Some((Proof::ApiKey(key.clone()), Credential::ApiKey)),
        (_, None) => None,
    }
}
