//! Plays the recorded exchanges of the reference against the program and prints the parity: equal,
//! intended (each with the decision that explains it), unexplained. Unexplained must be 0.
//!
//! One theme: `cargo test -p webscripts --test replay replay_of_03`; the table is printed with
//! `-- --nocapture` and written to `target/tmp/parity-03-arguments.txt`.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "keys of JSON values are looked up, which never panics; the table is for people"
)]

mod compare;
mod credentials;
mod effects;
mod expected;
mod generated;
mod intended;
mod listings;
mod placeholders;
mod play;
mod report;
mod stage;
mod transcript;
mod wire;

use std::path::Path;

/// The themes that are played.
const THEMES: [&str; 9] = [
    "01-index-and-redirects",
    "02-authentication",
    "03-arguments",
    "04-real-time",
    "05-accounts",
    "15-blacklist",
    "17-static-and-js",
    "21-script-behaviour",
    "22-http-edge",
];

fn replay(theme: &str) -> anyhow::Result<()> {
    let report = play::play(&transcript::theme(theme)?)?;
    let text = report.text();
    println!("{text}");
    std::fs::write(
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("parity-{theme}.txt")),
        &text,
    )?;
    anyhow::ensure!(report.unexplained() == 0, "{} unexplained", report.unexplained());
    anyhow::ensure!(report.stale() == 0, "{} stale rules", report.stale());
    Ok(())
}

#[test]
fn replay_of_01_index_and_redirects() -> anyhow::Result<()> {
    replay("01-index-and-redirects")
}

#[test]
fn replay_of_02_authentication() -> anyhow::Result<()> {
    replay("02-authentication")
}

#[test]
fn replay_of_03_arguments() -> anyhow::Result<()> {
    replay("03-arguments")
}

#[test]
fn replay_of_04_real_time() -> anyhow::Result<()> {
    replay("04-real-time")
}

#[test]
fn replay_of_05_accounts() -> anyhow::Result<()> {
    replay("05-accounts")
}

#[test]
fn replay_of_15_blacklist() -> anyhow::Result<()> {
    replay("15-blacklist")
}

#[test]
fn replay_of_17_static_and_js() -> anyhow::Result<()> {
    replay("17-static-and-js")
}

#[test]
fn replay_of_21_script_behaviour() -> anyhow::Result<()> {
    replay("21-script-behaviour")
}

#[test]
fn replay_of_22_http_edge() -> anyhow::Result<()> {
    replay("22-http-edge")
}
