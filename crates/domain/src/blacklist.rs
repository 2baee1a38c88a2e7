//! Failed sign-ins make an address or a user name wait.
//!
//! Failures are counted, not successes (security.md §7, the reference counts the wrong ones). The
//! key is blocked from the T-th failure on, until B seconds after the last one.

use crate::clock::{SignedDuration, Timestamp};

/// The two settings `auth_failures_to_blacklist` and `blacklist_time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlacklistRule {
    /// Failures that block.
    pub failures: u32,
    /// How long a failure counts.
    pub time: SignedDuration,
}

/// Recent failures of one address or one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many in a row, none further apart than the time of the rule.
    pub count: u32,
    /// The last one.
    pub last: Timestamp,
}

impl BlacklistRule {
    /// The entry after one more failure.
    pub fn record(&self, before: Option<Failures>, now: Timestamp) -> Failures {
        let earlier = before.filter(|failures| self.counts(failures, now)).map_or(0, |f| f.count);
        Failures { count: earlier.saturating_add(1), last: now }
    }

    /// Until when the key is refused; `None` when it is not.
    pub fn blocked_until(&self, failures: Option<Failures>, now: Timestamp) -> Option<Timestamp> {
        let failures = failures?;
        // A threshold of 0 would lock everybody out for ever; it means "at the first failure".
        let blocked = failures.count >= self.failures.max(1) && self.counts(&failures, now);
        blocked.then(|| failures.last.saturating_add(self.time).unwrap_or(Timestamp::MAX))
    }

    fn counts(&self, failures: &Failures, now: Timestamp) -> bool {
        now.duration_since(failures.last) <= self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BlacklistRule = BlacklistRule { failures: 3, time: SignedDuration::from_secs(30) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn after(seconds: &[i64]) -> Option<Failures> {
        seconds.iter().fold(None, |before, &second| Some(RULE.record(before, at(second))))
    }

    #[test]
    fn the_third_failure_blocks_for_thirty_seconds() {
        assert_eq!(RULE.blocked_until(after(&[0, 1]), at(1)), None);
        assert_eq!(RULE.blocked_until(after(&[0, 1, 2]), at(2)), Some(at(32)));
        assert_eq!(RULE.blocked_until(after(&[0, 1, 2]), at(32)), Some(at(32)));
        assert_eq!(RULE.blocked_until(after(&[0, 1, 2]), at(33)), None);
    }

    #[test]
    fn a_failure_after_a_pause_starts_again() {
        assert_eq!(after(&[0, 1, 32]), Some(Failures { count: 1, last: at(32) }));
    }

    #[test]
    fn nobody_without_failures_is_blocked() {
        assert_eq!(RULE.blocked_until(None, at(0)), None);
    }
}
