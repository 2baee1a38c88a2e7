//! Processes: the only crate that starts them, and the only one that may hold `unsafe`.

pub mod cgroup;
mod descriptor;
pub mod place;
pub mod result_files;
pub mod runs;
pub mod sandbox;
pub mod spool;
