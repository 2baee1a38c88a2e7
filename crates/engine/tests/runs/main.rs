//! Runs of real processes, kept by real supervisors, through the public surface.

mod ends;
mod outputs;
mod stage;
mod start;
