//! What the presets of the sandbox allow: every test tries to break one row of the table in
//! `docs/sandbox.md`, with real processes.

mod account;
mod calls;
mod documentation;
mod files;
mod fixture;
mod groups;
mod limits;
mod network;
mod processes;
mod programs;
mod strict;
