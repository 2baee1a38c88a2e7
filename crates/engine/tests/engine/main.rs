//! Runs of real processes, through the public surface.

mod ends;
mod order;
mod outputs;
mod start;
