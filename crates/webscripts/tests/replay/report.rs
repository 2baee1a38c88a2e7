//! The parity table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::compare::Difference;
use crate::intended::{RULES, Rule};
use crate::wire::WIRE_RULES;

/// How a step came out.
pub enum Verdict {
    /// As recorded.
    Equal,
    /// As the rule says.
    Intended(&'static Rule),
    /// As recorded, although a rule says otherwise.
    Stale(&'static Rule),
    /// Neither.
    Unexplained {
        /// Against the recording.
        recorded: Vec<Difference>,
        /// Against the rule that concerns the step.
        rule: Option<(&'static Rule, Vec<Difference>)>,
    },
    /// Something observed that is no answer of the API.
    NotCompared,
}

/// A step and how it came out.
pub struct Result {
    /// Part and id.
    pub step: String,
    /// What the recording says about it.
    pub note: String,
    /// How it came out.
    pub verdict: Verdict,
}

/// All steps of a theme.
pub struct Report {
    /// Name of the theme.
    pub theme: String,
    /// What it is about.
    pub about: String,
    /// The steps in order.
    pub results: Vec<Result>,
}

impl Report {
    /// Number of steps that are neither as recorded nor as a rule says.
    pub fn unexplained(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Unexplained { .. }))
    }

    /// Number of steps that are as recorded although a rule says otherwise.
    pub fn stale(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Stale(_)))
    }

    fn count(&self, wanted: fn(&Verdict) -> bool) -> usize {
        self.results.iter().filter(|result| wanted(&result.verdict)).count()
    }

    /// The table and every difference that nothing explains.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}: {}", self.theme, self.about);
        let intended = self.count(|verdict| matches!(verdict, Verdict::Intended(_)));
        let _ = writeln!(
            out,
            "  equal {}, intended {intended}, unexplained {}, stale {}, not compared {}",
            self.count(|verdict| matches!(verdict, Verdict::Equal)),
            self.unexplained(),
            self.stale(),
            self.count(|verdict| matches!(verdict, Verdict::NotCompared)),
        );
        self.write_rules(&mut out);
        for result in &self.results {
            write_problem(&mut out, result);
        }
        out
    }

    fn write_rules(&self, out: &mut String) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for result in &self.results {
            if let Verdict::Intended(rule) = result.verdict {
                *counts.entry(rule.id).or_default() += 1;
            }
        }
        for rule in RULES {
            if let Some(count) = counts.get(rule.id) {
                let _ = writeln!(out, "  {count:>4} {:<34} {}", rule.id, rule.why);
            }
        }
        for rule in WIRE_RULES {
            let _ = writeln!(out, "   all {:<34} {}", rule.id, rule.why);
        }
    }
}

fn write_problem(out: &mut String, result: &Result) {
    match &result.verdict {
        Verdict::Unexplained { recorded, rule } => {
            let _ = writeln!(out, "\n  UNEXPLAINED {} ({})", result.step, result.note);
            write_differences(out, "recorded", recorded);
            if let Some((rule, differences)) = rule {
                let _ = writeln!(out, "    and not what the rule `{}` says:", rule.id);
                write_differences(out, "the rule", differences);
            }
        }
        Verdict::Stale(rule) => {
            let _ = writeln!(
                out,
                "\n  STALE {}: our answer is the recorded one, the rule `{}` says otherwise",
                result.step, rule.id
            );
        }
        _ => {}
    }
}

fn write_differences(out: &mut String, of: &str, differences: &[Difference]) {
    for Difference { what, wanted, ours } in differences {
        let _ = writeln!(out, "    {what}\n      {of}: {wanted}\n      ours: {ours}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_and_shows_what_nothing_explains() {
        let result =
            |step: &str, verdict| Result { step: step.into(), note: "note".into(), verdict };
        let report = Report {
            theme: "00-x".to_owned(),
            about: "things".to_owned(),
            results: vec![
                result("a", Verdict::Equal),
                result("b", Verdict::Intended(&RULES[0])),
                result(
                    "c",
                    Verdict::Unexplained {
                        recorded: vec![Difference::new("answer", "200", "500")],
                        rule: None,
                    },
                ),
                result("d", Verdict::Stale(&RULES[0])),
            ],
        };

        let text = report.text();

        assert!(text.starts_with(
            "00-x: things\n  equal 1, intended 1, unexplained 1, stale 1, not compared 0\n     1 method-405"
        ));
        assert!(
            text.contains(
                "UNEXPLAINED c (note)\n    answer\n      recorded: 200\n      ours: 500\n"
            )
        );
        assert!(text.contains("STALE d: our answer is the recorded one"));
    }
}
