//! One side of a comparison: a process and the request it answers.

use std::time::Duration;

use anyhow::Context;

use super::figures::{Comparison, Spread, Target};
use super::load::{Load, Plan};
use super::running::Running;

/// A process that does the work, and the work.
pub struct Side<'a> {
    /// The process whose processor time counts.
    pub process: &'a Running,
    /// What it is asked.
    pub plan: Plan,
}

/// What one point of a side showed.
struct Point {
    per_second: f64,
    median_ms: f64,
    processor_us: f64,
}

/// What of a point is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Requests per second; more is better.
    Rate,
    /// Median latency in milliseconds; less is better.
    Latency,
}

impl Measure {
    fn unit(self) -> &'static str {
        match self {
            Self::Rate => "requests/s",
            Self::Latency => "ms",
        }
    }

    fn of(self, point: &Point) -> f64 {
        match self {
            Self::Rate => point.per_second,
            Self::Latency => point.median_ms,
        }
    }
}

/// What the comparison is called and what it should show.
pub struct Title {
    /// Number of the goal.
    pub goal: &'static str,
    /// The work in words.
    pub work: String,
    /// What the server is compared with.
    pub against: &'static str,
    /// What is compared.
    pub measure: Measure,
    /// What the ratio should be.
    pub target: Option<Target>,
}

impl Side<'_> {
    fn point(&self, load: &Load) -> anyhow::Result<Point> {
        let before = self.process.processor_time()?;
        let report = load.run(&self.plan).with_context(|| {
            format!("the measurement is not valid{}", self.process.last_lines())
        })?;
        let used = self.process.processor_time()?.saturating_sub(before);
        Ok(Point {
            per_second: report.requests_per_second,
            median_ms: f64::from(report.latency_us.median) / 1000.0,
            processor_us: per_answer_us(used, report.answers),
        })
    }
}

fn per_answer_us(used: Duration, answers: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far fewer answers than 2^52")]
    let answers = answers.max(1) as f64;
    used.as_secs_f64() * 1_000_000.0 / answers
}

/// Measures both sides in turn, the first one changing with each round, so that neither profits
/// from the state of the machine. The ratio is taken within each round.
pub fn compare(
    load: &Load,
    title: Title,
    server: &Side<'_>,
    other: &Side<'_>,
    rounds: usize,
) -> anyhow::Result<Comparison> {
    let mut points = Vec::with_capacity(rounds);
    for round in 0..rounds {
        points.push(if round.is_multiple_of(2) {
            let server = server.point(load)?;
            (server, other.point(load)?)
        } else {
            let other = other.point(load)?;
            (server.point(load)?, other)
        });
    }
    let measure = title.measure;
    let spread = |value: &dyn Fn(&(Point, Point)) -> f64| {
        Spread::of(points.iter().map(value)).context("there were no rounds")
    };
    let ratio = spread(&|(server, other)| measure.of(server) / measure.of(other))?;
    Ok(Comparison {
        goal: title.goal,
        work: title.work,
        unit: measure.unit(),
        server: spread(&|(server, _)| measure.of(server))?,
        against: title.against,
        other: spread(&|(_, other)| measure.of(other))?,
        ratio,
        target: title.target,
        met: title.target.map(|target| target.is_met_by(ratio.median)),
        server_processor_us: spread(&|(server, _)| server.processor_us)?.median,
        other_processor_us: Some(spread(&|(_, other)| other.processor_us)?.median),
    })
}
