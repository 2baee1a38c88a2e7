//! The rules of runs, with a runner that starts nothing.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod controlling;
mod fake_runner;
mod following;
mod history;
mod live;
mod queueing;
mod recovering;
mod stage;
mod starting;
