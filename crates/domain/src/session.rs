//! Sessions: the cookie value, its lifetime.
//!
//! The cookie carries `<user id>:<128 hexadecimal digits>` as existing clients expect; only a
//! digest of the digits is stored, the number before the colon is a hint that has to agree.

use std::net::IpAddr;

use crate::clock::{SignedDuration, Timestamp};
use crate::identity::UserId;
use crate::random::{self, NoRandomness, Random};

/// Name of the session cookie.
pub const COOKIE_NAME: &str = "SessionID";

/// Number of random bytes in a session token.
const TOKEN_BYTES: usize = 64;

/// The secret of a session, as the client holds it. Wiped when dropped, never printed.
#[derive(Clone, zeroize::ZeroizeOnDrop)]
pub struct SessionToken([u8; TOKEN_BYTES]);

impl SessionToken {
    /// A new random token.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn random(random: &dyn Random) -> Result<Self, NoRandomness> {
        Ok(Self(random::bytes(random)?))
    }

    /// The bytes to take a digest of.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; TOKEN_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SessionToken(…)")
    }
}

/// What a session cookie or `Api-Token` header says.
#[derive(Debug, Clone)]
pub struct SessionClaim {
    /// The user the client says the session belongs to.
    pub user: UserId,
    /// The secret.
    pub token: SessionToken,
}

impl SessionClaim {
    /// Reads `<id>:<128 hex digits>`, the value of the cookie.
    pub fn parse(value: &str) -> Option<Self> {
        let (user, token) = value.split_once(':')?;
        if user.is_empty() || user.len() > 18 || !user.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self { user: UserId(user.parse().ok()?), token: SessionToken::parse(token)? })
    }

    /// Reads a `Cookie` header: every part that begins with `SessionID=` (security.md §2).
    /// At most 8 candidates are considered.
    pub fn from_cookie_header(header: &str) -> impl Iterator<Item = Self> + '_ {
        header
            .split("; ")
            .filter_map(|part| part.strip_prefix("SessionID="))
            .filter_map(Self::parse)
            .take(8)
    }

    /// Reads an `Api-Token` header: the cookie text, attributes after `;` are ignored.
    pub fn from_api_token(header: &str) -> Option<Self> {
        let first = header.split(';').next()?.trim();
        Self::parse(first.strip_prefix("SessionID=")?)
    }

    /// The value of the cookie.
    pub fn cookie_value(&self) -> String {
        format!("{}:{}", self.user, hex::encode(self.token.0))
    }

    /// The whole `Set-Cookie` header, in the form of the founding text.
    pub fn set_cookie(&self, max_age_s: u64) -> String {
        format!(
            "{COOKIE_NAME}={}; Path=/; SameSite=Strict; Max-Age={max_age_s}; Secure; HttpOnly",
            self.cookie_value()
        )
    }
}

/// The `Set-Cookie` header that removes the session cookie.
pub fn remove_cookie() -> String {
    format!("{COOKIE_NAME}=; Path=/; SameSite=Strict; Max-Age=0; Secure; HttpOnly")
}

/// The digest under which a session is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey(pub [u8; 32]);

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SessionKey(…)")
    }
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// The only address it can be used from.
    pub address: IpAddr,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it ends; it is not prolonged by use.
    pub expires: Timestamp,
}

impl Session {
    /// A session that starts now.
    pub fn open(user: UserId, address: IpAddr, now: Timestamp, max_time: SignedDuration) -> Self {
        let expires = now.saturating_add(max_time).unwrap_or(Timestamp::MAX);
        Self { user, address, opened: now, expires }
    }

    /// Whether it has ended by time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn claim() -> SessionClaim {
        let token = SessionToken::random(&SeededRandom::new(1)).unwrap();
        SessionClaim { user: UserId(2), token }
    }

    #[test]
    fn a_cookie_value_reads_back() {
        let value = claim().cookie_value();
        let read = SessionClaim::parse(&value).unwrap();

        assert_eq!(value.len(), 2 + 128);
        assert_eq!(read.user, UserId(2));
        assert_eq!(read.token.expose(), claim().token.expose());
    }

    #[test]
    fn values_of_another_form_are_not_sessions() {
        let hex = "a".repeat(128);
        let wrong = [
            String::new(),
            "2".to_owned(),
            format!("x:{hex}"),
            format!("-1:{hex}"),
            format!(":{hex}"),
            format!("2:{}", "a".repeat(127)),
            format!("2:{}", "A".repeat(128)),
            format!("2:{}", "g".repeat(128)),
            format!("99999999999999999999:{hex}"),
        ];
        for value in wrong {
            assert!(SessionClaim::parse(&value).is_none(), "{value}");
        }
    }

    #[test]
    fn an_api_token_may_carry_the_attributes_of_the_cookie() {
        let header = claim().set_cookie(3600);

        assert_eq!(SessionClaim::from_api_token(&header).unwrap().user, UserId(2));
    }

    #[test]
    fn a_token_is_never_printed() {
        assert_eq!(format!("{:?}", claim().token), "SessionToken(…)");
    }

    #[test]
    fn a_session_ends_after_its_time_however_much_it_is_used() {
        let start = Timestamp::from_second(1_000).unwrap();
        let session =
            Session::open(UserId(2), [127, 0, 0, 1].into(), start, SignedDuration::from_secs(3600));

        assert!(!session.is_expired(Timestamp::from_second(4_600).unwrap()));
        assert!(session.is_expired(Timestamp::from_second(4_601).unwrap()));
    }
}
