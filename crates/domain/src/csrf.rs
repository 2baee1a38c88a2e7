//! CSRF tokens: per session, single use, short-lived, bounded in number.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use crate::clock::{SignedDuration, Timestamp};
use crate::random::{self, NoRandomness, Random};

/// Tokens one session may hold; the oldest leaves when another is made.
const TOKENS_PER_SESSION: usize = 64;

/// The unused tokens of one session, oldest first.
#[derive(Debug, Default)]
pub struct CsrfTokens {
    issued: VecDeque<(Timestamp, [u8; 48])>,
}

impl CsrfTokens {
    /// Makes a token: 48 random bytes in Base64, 64 characters (founding text).
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn issue(
        &mut self,
        random: &dyn Random,
        now: Timestamp,
        max_time: SignedDuration,
    ) -> Result<String, NoRandomness> {
        self.forget_expired(now, max_time);
        if self.issued.len() >= TOKENS_PER_SESSION {
            self.issued.pop_front();
        }
        let token = random::bytes::<48>(random)?;
        self.issued.push_back((now, token));
        Ok(STANDARD.encode(token))
    }

    /// Uses up `token`: true at most once per token, and only while it is young enough.
    pub fn redeem(&mut self, token: &str, now: Timestamp, max_time: SignedDuration) -> bool {
        self.forget_expired(now, max_time);
        let Ok(bytes) = STANDARD.decode(token) else { return false };
        let Ok(bytes) = <[u8; 48]>::try_from(bytes) else { return false };
        let found = self.issued.iter().position(|(_, issued)| bool::from(issued.ct_eq(&bytes)));
        found.and_then(|index| self.issued.remove(index)).is_some()
    }

    fn forget_expired(&mut self, now: Timestamp, max_time: SignedDuration) {
        self.issued.retain(|(made, _)| now.duration_since(*made) <= max_time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    const FIVE_MINUTES: SignedDuration = SignedDuration::from_secs(300);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_token_is_good_once() {
        let mut tokens = CsrfTokens::default();
        let token = tokens.issue(&SeededRandom::new(1), at(0), FIVE_MINUTES).unwrap();

        assert_eq!(token.len(), 64);
        assert!(tokens.redeem(&token, at(300), FIVE_MINUTES));
        assert!(!tokens.redeem(&token, at(300), FIVE_MINUTES));
    }

    #[test]
    fn a_token_older_than_its_time_is_refused() {
        let mut tokens = CsrfTokens::default();
        let token = tokens.issue(&SeededRandom::new(1), at(0), FIVE_MINUTES).unwrap();

        assert!(!tokens.redeem(&token, at(301), FIVE_MINUTES));
    }

    #[test]
    fn the_oldest_token_leaves_when_there_are_too_many() {
        let random = SeededRandom::new(1);
        let mut tokens = CsrfTokens::default();
        let first = tokens.issue(&random, at(0), FIVE_MINUTES).unwrap();
        let second = tokens.issue(&random, at(0), FIVE_MINUTES).unwrap();
        for _ in 0..TOKENS_PER_SESSION - 1 {
            tokens.issue(&random, at(0), FIVE_MINUTES).unwrap();
        }

        assert!(!tokens.redeem(&first, at(1), FIVE_MINUTES));
        assert!(tokens.redeem(&second, at(1), FIVE_MINUTES));
    }

    #[test]
    fn other_texts_are_refused() {
        let mut tokens = CsrfTokens::default();
        for text in ["", "x", &"A".repeat(64), &"é".repeat(64)] {
            assert!(!tokens.redeem(text, at(0), FIVE_MINUTES));
        }
    }
}
