//! The rules of runs, with a runner that starts nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

mod controlling;
mod fake_runner;
mod following;
mod history;
mod live;
mod queueing;
mod recovering;
mod stage;
mod starting;
