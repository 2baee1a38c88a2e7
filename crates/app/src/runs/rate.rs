//! `rate_limit`: how many runs a user may start in a time.
//!
//! The generic cell rate algorithm (ITU-T I.371): each run moves the time at which the allowance
//! would be full again; a run that would move it further than the allowance reaches is refused. One
//! time per user and script is all that is kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use webscripts_domain::catalogue::{RateLimit, ScriptName};
use webscripts_domain::clock::{SignedDuration, Timestamp};

use super::queue::Tenant;

/// Users and scripts whose times are kept; the least used leave.
const MAX_KEPT: u64 = 100_000;

/// The times of all users.
pub struct Rates(moka::sync::Cache<Key, Arc<Mutex<Timestamp>>>);

/// Whose allowance; with a script: that of its own limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(Tenant, Option<ScriptName>);

impl Default for Rates {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MAX_KEPT))
    }
}

impl Rates {
    /// Takes a run from the allowance of a user. `script`: whose own limit it is; `None`: it is
    /// that of the server.
    ///
    /// # Errors
    ///
    /// How long to wait.
    pub fn take(
        &self,
        tenant: Tenant,
        script: Option<&ScriptName>,
        limit: RateLimit,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let full_at = self
            .0
            .get_with(Key(tenant, script.cloned()), || Arc::new(Mutex::new(Timestamp::UNIX_EPOCH)));
        let mut full_at = full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let per = SignedDuration::try_from(limit.per).unwrap_or(SignedDuration::MAX);
        let runs = i32::try_from(limit.runs.max(1)).unwrap_or(i32::MAX);
        let next = later((*full_at).max(now), per / runs);
        let wait = next.duration_since(now) - per;
        if wait.is_positive() {
            return Err(Duration::try_from(wait).unwrap_or_default());
        }
        *full_at = next;
        Ok(())
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use webscripts_domain::identity::UserId;
    use webscripts_store::runs::Owner;

    use super::*;

    fn tenant(user: i64) -> Tenant {
        Owner { user: UserId(user), address: IpAddr::V4(Ipv4Addr::LOCALHOST) }.into()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back_bit_by_bit() {
        let rates = Rates::default();
        let limit = RateLimit { runs: 2, per: Duration::from_mins(1) };
        let take = |user, now| rates.take(tenant(user), None, limit, now);

        assert_eq!(take(2, at(0)), Ok(()));
        assert_eq!(take(2, at(0)), Ok(()));
        assert_eq!(take(2, at(0)), Err(Duration::from_secs(30)));
        assert_eq!(take(3, at(0)), Ok(()), "everybody has an allowance");
        assert_eq!(take(2, at(30)), Ok(()));
        assert_eq!(take(2, at(31)), Err(Duration::from_secs(29)));
    }

    #[test]
    fn a_script_with_a_limit_of_its_own_has_its_own_allowance() {
        let rates = Rates::default();
        let limit = RateLimit { runs: 1, per: Duration::from_secs(1) };
        let script = ScriptName::parse("x.py").unwrap();

        assert_eq!(rates.take(tenant(2), Some(&script), limit, at(0)), Ok(()));
        assert_eq!(rates.take(tenant(2), None, limit, at(0)), Ok(()));
        assert!(rates.take(tenant(2), Some(&script), limit, at(0)).is_err());
    }
}
