//! Builds the program once and drives it with Playwright.

use std::process::Command;

use crate::process::{cargo, run, run_tests};
use crate::workspace;

/// Checks the types of the browser tests and of the scripts in the pages, then runs the tests.
pub fn test(arguments: &[String]) -> (Vec<String>, anyhow::Result<()>) {
    if let Err(error) = build().and_then(|()| check_types()) {
        return (Vec::new(), Err(error));
    }
    match playwright(&["test"]) {
        Ok(mut command) => run_tests(command.args(arguments), is_summary),
        Err(error) => (Vec::new(), Err(error)),
    }
}

fn check_types() -> anyhow::Result<()> {
    run(&mut tool("tsc", &["--project", "tsconfig.json"])?)?;
    run(&mut tool("tsc", &["--project", "tsconfig.pages.json"])?)
}

/// Builds the program exactly as the unit tests do, so that nothing is compiled twice.
pub fn build() -> anyhow::Result<()> {
    run(&mut cargo(["build", "--workspace", "--bins", "--tests", "--locked"]))
}

/// Playwright, told which program to drive.
pub fn playwright(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = tool("playwright", arguments)?;
    command.env("WEBSCRIPTS_BIN", workspace::binaries()?.join("webscripts"));
    Ok(command)
}

/// A tool that npm installed for the browser tests.
fn tool(name: &str, arguments: &[&str]) -> anyhow::Result<Command> {
    let folder = workspace::browser_tests()?;
    let mut command = Command::new(folder.join("node_modules/.bin").join(name));
    command.args(arguments).current_dir(&folder);
    Ok(command)
}

/// Whether Playwright sums up in this line: `  41 passed (1.2m)`, `  1 failed`, `  2 skipped`.
fn is_summary(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let counts = words.next().is_some_and(|word| word.parse::<u32>().is_ok());
    let kinds = ["passed", "failed", "flaky", "skipped", "interrupted"];
    counts && words.next().is_some_and(|word| kinds.contains(&word)) && words.count() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_in_which_playwright_sums_up_are_recognised() {
        assert!(is_summary("  41 passed (1.2m)\n"));
        assert!(is_summary("  1 failed\n"));
        assert!(!is_summary("  ✓ 1 sign-in.spec.ts:3 a user signs in (1.2s)\n"));
        assert!(!is_summary("3 passed values are refused when one of them is wrong"));
    }
}
