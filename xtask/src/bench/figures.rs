//! What was measured, as it is printed and saved.

use serde::Serialize;

use super::machine::Machine;

/// The result of one run of the command.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Day of the run, `YYYY-MM-DD`.
    pub date: String,
    /// Commit that was measured; `+` at its end: with changes.
    pub commit: String,
    /// Where it ran.
    pub machine: Machine,
    /// Rounds, each with one point of every side.
    pub rounds: usize,
    /// Seconds of each point.
    pub seconds_per_point: f64,
    /// Scripts that `GET /api/` listed in P2.
    pub scripts_listed: usize,
    /// Work that something else does as well.
    pub comparisons: Vec<Comparison>,
    /// Figures that stand alone.
    pub values: Vec<Figure>,
    /// What was not measured, and why.
    pub notes: Vec<String>,
}

/// The server and something else at the same work.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Number of the goal, such as `P1`.
    pub goal: &'static str,
    /// The work in words.
    pub work: String,
    /// Unit of both sides.
    pub unit: &'static str,
    /// The server.
    pub server: Spread,
    /// What the server is compared with.
    pub against: &'static str,
    /// The same work done by that.
    pub other: Spread,
    /// Server divided by other, round by round.
    pub ratio: Spread,
    /// What the ratio should be.
    pub target: Option<Target>,
    /// Whether it is; judged by the median.
    pub met: Option<bool>,
    /// Microseconds of processor time per request of the server, with the programs it ran.
    pub server_processor_us: f64,
    /// The same of the other side, where it can be known.
    pub other_processor_us: Option<f64>,
}

/// A figure of the server alone.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// Number of the goal, such as `P7`.
    pub goal: &'static str,
    /// What it is, in words.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// The figure.
    pub value: Spread,
    /// What it should be.
    pub target: Option<Target>,
    /// Whether it is; judged by the median.
    pub met: Option<bool>,
}

/// A bound that a goal sets.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
}

impl Target {
    /// Whether `value` keeps within the bound.
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

/// Median and extremes of repeated measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// The spread of some values; `None` without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), least, most })
    }

    /// A value measured once.
    pub fn single(value: f64) -> Self {
        Self { median: value, least: value, most: value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_names_the_middle_and_the_extremes() {
        assert_eq!(
            Spread::of([3.0, 1.0, 2.0]),
            Some(Spread { median: 2.0, least: 1.0, most: 3.0 })
        );
        assert_eq!(
            Spread::of([4.0, 1.0, 2.0, 3.0]),
            Some(Spread { median: 2.5, least: 1.0, most: 4.0 })
        );
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_bound_belongs_to_what_meets_it() {
        assert!(Target::AtLeast(0.7).is_met_by(0.7));
        assert!(!Target::AtLeast(0.7).is_met_by(0.69));
        assert!(Target::AtMost(15.0).is_met_by(15.0));
        assert!(!Target::AtMost(15.0).is_met_by(15.1));
    }
}
