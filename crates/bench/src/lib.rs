//! The load generator of `cargo xtask bench`.
//!
//! A [`plan::Plan`] says what to ask and how often; [`generator::run`] asks it over keep-alive
//! connections and answers with a [`report::Report`]; [`exchange::ask`] makes a single request and
//! returns the whole answer, which is how a measurement signs in.
//!
//! [`watch::run`] watches one run over many event streams instead.
//!
//! The programs beside it: `load` (this library as a program), `limit` (what a server could reach
//! at best), `tiny`, `flood` and `ticker` (what is run).

mod connection;
pub mod exchange;
pub mod generator;
pub mod plan;
pub mod report;
pub mod soak;
pub mod watch;
