//! The commands of the real program, and the server as a process: how it starts, refuses to start,
//! stops, and survives what the system does to it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod auth_script;
mod check;
mod crash;
mod demo;
mod explain;
mod generate;
mod init;
mod program;
mod start;
mod stop;
mod storage;
mod terminal;
mod tls;
mod users;
