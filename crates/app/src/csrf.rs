//! CSRF tokens of all sessions, in memory, bounded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use webscripts_domain::csrf::CsrfTokens;
use webscripts_domain::identity::Caller;
use webscripts_domain::random::NoRandomness;
use webscripts_domain::session::SessionKey;

use crate::App;

/// Sessions whose tokens are remembered; the least used leave.
const MAX_SESSIONS: u64 = 100_000;

/// The tokens of every session that has some.
pub struct CsrfStore(moka::sync::Cache<SessionKey, Arc<Mutex<CsrfTokens>>>);

impl Default for CsrfStore {
    fn default() -> Self {
        // A table that nobody touches for this long holds no valid token any more.
        let idle = Duration::from_hours(24);
        Self(moka::sync::Cache::builder().max_capacity(MAX_SESSIONS).time_to_idle(idle).build())
    }
}

impl CsrfStore {
    fn of(&self, session: SessionKey) -> Arc<Mutex<CsrfTokens>> {
        self.0.get_with(session, Arc::default)
    }

    /// Forgets the tokens of a session that has ended.
    pub fn forget(&self, session: &SessionKey) {
        self.0.invalidate(session);
    }
}

impl App {
    /// A new token for the session of the caller; `None` without a session cookie.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn issue_csrf_token(&self, caller: &Caller) -> Result<Option<String>, NoRandomness> {
        let Some(session) = caller.session.filter(|_| caller.needs_csrf_token()) else {
            return Ok(None);
        };
        let tokens = self.csrf.of(session);
        let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let max_time = self.configuration().csrf_max_time();
        tokens.issue(self.random.as_ref(), self.clock.now(), max_time).map(Some)
    }

    /// Uses up a token. True for callers that need none (security.md §4).
    pub fn redeem_csrf_token(&self, caller: &Caller, token: Option<&str>) -> bool {
        if !caller.needs_csrf_token() {
            return true;
        }
        let (Some(session), Some(token)) = (caller.session, token) else { return false };
        let tokens = self.csrf.of(session);
        let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.redeem(token, self.clock.now(), self.configuration().csrf_max_time())
    }
}
