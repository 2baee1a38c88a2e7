//! What a measurement found.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// Kinds of errors that are told apart; further ones are counted as `other`.
const MOST_KINDS: usize = 32;

/// The result of a plan.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Answers counted, all of them with status 200 and the expected body.
    pub requests: u64,
    /// Valid answers in all: those of the warm-up and those awaited at the end as well.
    pub answers: u64,
    /// Seconds of counting.
    pub seconds: f64,
    /// `requests` divided by `seconds`.
    pub requests_per_second: f64,
    /// Bytes in the bodies of the counted answers.
    pub body_bytes: u64,
    /// Connections opened; more than planned when the server closed some of them.
    pub connections: u64,
    /// From the first byte sent to the last byte received, in microseconds.
    pub latency_us: Latency,
    /// What went wrong and how often, warm-up included. Empty in a valid measurement.
    pub errors: BTreeMap<String, u64>,
}

/// Latencies in microseconds; zero when nothing was counted.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the requests took at most this long.
    pub median: u32,
    /// 99 of 100 requests took at most this long.
    pub p99: u32,
    /// The slowest request.
    pub longest: u32,
}

/// What one connection, or all of them together, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answers: u64,
    latencies_us: Vec<u32>,
    body_bytes: u64,
    pub(crate) connections: u64,
    errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, took: Duration, body_bytes: u64) {
        self.latencies_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        self.body_bytes = self.body_bytes.saturating_add(body_bytes);
    }

    pub(crate) fn fail(&mut self, what: String, times: u64) {
        let known = self.errors.len() < MOST_KINDS || self.errors.contains_key(&what);
        let kind = if known { what } else { "other".to_owned() };
        let counter = self.errors.entry(kind).or_default();
        *counter = counter.saturating_add(times);
    }

    pub(crate) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.latencies_us.extend(other.latencies_us);
        self.answers = self.answers.saturating_add(other.answers);
        self.body_bytes = self.body_bytes.saturating_add(other.body_bytes);
        self.connections = self.connections.saturating_add(other.connections);
        for (what, times) in other.errors {
            self.fail(what, times);
        }
    }

    pub(crate) fn into_report(mut self, counted_for: Duration) -> Report {
        self.latencies_us.sort_unstable();
        let requests = self.latencies_us.len();
        let seconds = counted_for.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a plan counts at most 10,000,000 requests")]
        let rate = if seconds > 0.0 { requests as f64 / seconds } else { 0.0 };
        Report {
            requests: requests as u64,
            answers: self.answers,
            seconds,
            requests_per_second: rate,
            body_bytes: self.body_bytes,
            connections: self.connections,
            latency_us: Latency {
                median: rank(&self.latencies_us, 50),
                p99: rank(&self.latencies_us, 99),
                longest: rank(&self.latencies_us, 100),
            },
            errors: self.errors,
        }
    }
}

/// The smallest value that `percent` of the sorted values do not exceed (nearest rank).
fn rank(sorted: &[u32], percent: usize) -> u32 {
    let position = (sorted.len() * percent).div_ceil(100);
    sorted.get(position.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_the_nearest_ranks() {
        let mut tally = Tally::default();
        for milliseconds in (1..=200).rev() {
            tally.count(Duration::from_millis(milliseconds), 10);
        }

        let report = tally.into_report(Duration::from_secs(2));

        let expected = Latency { median: 100_000, p99: 198_000, longest: 200_000 };
        assert_eq!(report.latency_us, expected);
        assert_eq!((report.requests, report.body_bytes), (200, 2_000));
        assert!((report.requests_per_second - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_measurement_without_answers_is_all_zero() {
        let report = Tally::default().into_report(Duration::ZERO);

        assert_eq!(report.latency_us, Latency { median: 0, p99: 0, longest: 0 });
        assert_eq!(report.requests, 0);
    }

    #[test]
    fn kinds_of_errors_are_bounded() {
        let mut tally = Tally::default();
        for number in 0..100 {
            tally.fail(format!("error {number}"), 1);
        }

        assert_eq!(tally.errors.len(), MOST_KINDS + 1);
        assert_eq!(tally.failures(), 100);
        assert_eq!(tally.errors.get("other"), Some(&68));
    }
}
