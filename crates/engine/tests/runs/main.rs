//! Runs of real processes, kept by real supervisors, through the public surface.

mod ends;
mod escapes;
mod input;
mod outputs;
mod recovery;
mod scripts;
mod stage;
mod start;
