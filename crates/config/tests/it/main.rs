//! Loading whole instances.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod arguments;
mod defaults;
mod files;
mod instance;
mod merging;
mod permissions;
mod robustness;
mod runs;
mod sandbox;
mod scripts;
mod server_keys;
mod types;
