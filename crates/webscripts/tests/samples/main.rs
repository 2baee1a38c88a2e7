//! The sample scripts do what their configuration and their documentation say.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod configuration;
mod documentation;
mod installed;
mod instance;
mod printed;
mod refused;
#[path = "../../src/samples.rs"]
mod samples;
