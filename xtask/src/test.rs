//! `cargo xtask test`: everything that must hold before a change is taken.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::browser;
use crate::process::{cargo, run as run_command, run_tests, succeeds};
use crate::setup::{self, Need};
use crate::workspace;

/// What a step hands back: the closing lines of its test runner, and whether it succeeded.
type StepResult = (Vec<String>, anyhow::Result<()>);

/// A part of the whole that can also be run alone.
struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    /// Whether words after `--` can be handed to its test runner.
    takes_arguments: bool,
    run: fn(&[String]) -> StepResult,
}

const STEPS: [Step; 4] = [
    Step {
        name: "fmt",
        about: "the formatting of the code",
        needs: &[Need::Rustfmt],
        takes_arguments: false,
        run: |_| (Vec::new(), run_command(&mut cargo(["fmt", "--all", "--check"]))),
    },
    Step {
        name: "clippy",
        about: "the linter, warnings denied",
        needs: &[Need::Clippy],
        takes_arguments: false,
        run: |_| (Vec::new(), clippy()),
    },
    Step {
        name: "unit",
        about: "unit and integration tests (arguments go to the test runner)",
        needs: &[Need::Perl, Need::Python],
        takes_arguments: true,
        run: unit,
    },
    Step {
        name: "browser",
        about: "the real program in a real browser (arguments go to Playwright)",
        needs: &[Need::Perl, Need::Python, Need::Node, Need::Chromium],
        takes_arguments: true,
        run: browser::test,
    },
];

/// The name under which the set-up can be run alone.
const SETUP: &str = "setup";

/// Name and description of every step, in order.
pub fn steps() -> impl Iterator<Item = (&'static str, &'static str)> {
    let setup = (SETUP, "installs what the steps need (as root; else says what is missing)");
    std::iter::once(setup).chain(STEPS.iter().map(|step| (step.name, step.about)))
}

/// Runs all steps, or those named with `--only`.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let request = Request::parse(arguments)?;
    let mut report = Report::default();
    let prepared = report.measure(SETUP, || (Vec::new(), setup::prepare(&request.needs())));
    if prepared {
        for step in &request.steps {
            report.measure(step.name, || (step.run)(&request.runner_arguments));
        }
    }
    print!("{}", report.summary());
    report.outcome()
}

fn clippy() -> anyhow::Result<()> {
    let lints = ["--", "-D", "warnings"];
    run_command(cargo(["clippy", "--workspace", "--all-targets", "--locked"]).args(lints))
}

/// nextest where it is installed, otherwise cargo's own runner: both run the same tests.
fn unit(arguments: &[String]) -> StepResult {
    if !succeeds(&mut cargo(["nextest", "--version"])) {
        let mut command = cargo(["test", "--workspace", "--locked", "--no-fail-fast"]);
        return run_tests(with_client(command.args(arguments)), is_libtest_summary);
    }
    let mut command = cargo(["nextest", "run", "--workspace", "--locked"]);
    let (mut closing, result) = run_tests(with_client(command.args(arguments)), is_nextest_summary);
    // nextest leaves out the examples in documentation.
    let (examples, documented) = if arguments.is_empty() {
        let mut command = cargo(["test", "--workspace", "--locked", "--doc", "--no-fail-fast"]);
        run_tests(&mut command, is_libtest_summary)
    } else {
        (Vec::new(), Ok(()))
    };
    closing.extend(examples);
    (closing, result.and(documented))
}

/// Tells the test of the existing client where the Python is that can load it.
fn with_client(command: &mut std::process::Command) -> &mut std::process::Command {
    if let Ok(environment) = workspace::client_environment() {
        command.env("WEBSCRIPTS_CLIENT_PYTHON", environment.join("bin/python"));
    }
    command
}

fn is_nextest_summary(line: &str) -> bool {
    line.trim_start().starts_with("Summary [")
}

/// Leaves out the programs that hold no test.
fn is_libtest_summary(line: &str) -> bool {
    line.starts_with("test result:") && !line.contains(" 0 passed; 0 failed; 0 ignored;")
}

/// What the command line asks for.
struct Request {
    steps: Vec<&'static Step>,
    only_setup: bool,
    runner_arguments: Vec<String>,
}

impl Request {
    fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut words = arguments.iter();
        let mut names: Vec<&str> = Vec::new();
        let mut runner_arguments = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--only" => match words.next() {
                    Some(name) if steps().any(|(known, _)| known == name) => names.push(name),
                    Some(name) => bail!("there is no step `{name}`; there are {}", step_names()),
                    None => bail!("`--only` needs the name of a step: {}", step_names()),
                },
                "--" => runner_arguments = words.by_ref().cloned().collect(),
                other => bail!("`{other}` is not an option of `cargo xtask test`"),
            }
        }
        let steps: Vec<_> =
            STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect();
        let can_take = matches!(steps.as_slice(), [step] if step.takes_arguments);
        if !runner_arguments.is_empty() && !can_take {
            bail!("arguments after `--` need `--only unit` or `--only browser`");
        }
        Ok(Self { only_setup: names == [SETUP], steps, runner_arguments })
    }

    /// Everything for the set-up alone, otherwise what the chosen steps need.
    fn needs(&self) -> Vec<Need> {
        let steps = if self.only_setup { STEPS.iter().collect() } else { self.steps.clone() };
        let mut needs: Vec<Need> = Vec::new();
        for need in steps.iter().flat_map(|step| step.needs) {
            if !needs.contains(need) {
                needs.push(*need);
            }
        }
        needs
    }
}

fn step_names() -> String {
    steps().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

/// How each step went.
#[derive(Default)]
struct Report {
    rows: Vec<Row>,
    closing: Vec<String>,
}

struct Row {
    name: &'static str,
    succeeded: bool,
    took: Duration,
}

impl Report {
    /// Runs a step, says how it went and how to run only it, and goes on.
    fn measure(&mut self, name: &'static str, step: impl FnOnce() -> StepResult) -> bool {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let (closing, result) = step();
        let took = started.elapsed();
        let seconds = took.as_secs_f64();
        match &result {
            Ok(()) => eprintln!("== {name}: ok in {seconds:.1} s"),
            Err(error) => {
                eprintln!("error: {error:#}");
                eprintln!("== {name}: FAILED after {seconds:.1} s");
                eprintln!("   only this step: cargo xtask test --only {name}");
            }
        }
        self.closing.extend(closing);
        self.rows.push(Row { name, succeeded: result.is_ok(), took });
        result.is_ok()
    }

    /// A table of steps, then the closing lines of the test runners, as they printed them.
    fn summary(&self) -> String {
        let mut text = String::from("\nstep      result      seconds\n");
        for row in &self.rows {
            let result = if row.succeeded { "ok" } else { "FAILED" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<9} {result:<9} {:>9.1}", row.name, row.took.as_secs_f64());
        }
        if !self.closing.is_empty() {
            text.push('\n');
        }
        for line in &self.closing {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    fn outcome(&self) -> anyhow::Result<()> {
        let failed: Vec<_> =
            self.rows.iter().filter(|row| !row.succeeded).map(|row| row.name).collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: &[&str]) -> anyhow::Result<Request> {
        Request::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn names(request: &Request) -> Vec<&'static str> {
        request.steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn without_options_every_step_runs() {
        assert_eq!(names(&request(&[]).unwrap()), ["fmt", "clippy", "unit", "browser"]);
    }

    #[test]
    fn chosen_steps_run_in_their_usual_order() {
        let request = request(&["--only", "unit", "--only", "fmt"]).unwrap();

        assert_eq!(names(&request), ["fmt", "unit"]);
        assert_eq!(request.needs(), [Need::Rustfmt, Need::Perl, Need::Python]);
    }

    #[test]
    fn the_set_up_alone_prepares_everything_and_runs_no_step() {
        let request = request(&["--only", "setup"]).unwrap();

        assert_eq!(names(&request), [""; 0]);
        assert_eq!(request.needs().len(), 6);
    }

    #[test]
    fn words_after_two_dashes_reach_the_runner_of_one_step() {
        let browser = request(&["--only", "browser", "--", "--grep", "sign"]).unwrap();

        assert_eq!(browser.runner_arguments, ["--grep", "sign"]);
        assert!(request(&["--only", "fmt", "--", "--grep"]).is_err());
        assert!(request(&["--", "--grep"]).is_err());
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_names_of_those_that_exist() {
        let error = request(&["--only", "lint"]).err().map(|error| error.to_string());

        assert_eq!(
            error.as_deref(),
            Some("there is no step `lint`; there are setup, fmt, clippy, unit, browser")
        );
    }

    #[test]
    fn the_summary_ends_with_the_closing_lines_of_the_runners() {
        let mut report = Report::default();
        report.measure("unit", || (vec!["2 passed".to_owned()], Ok(())));
        report.measure("browser", || (vec!["1 failed".to_owned()], Err(anyhow::anyhow!("no"))));

        assert!(report.summary().ends_with("\n\n2 passed\n1 failed\n"));
        assert_eq!(report.outcome().unwrap_err().to_string(), "failed: browser");
    }
}
