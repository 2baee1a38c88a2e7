//! Tests against the real program: an instance in a folder of its own, the server that serves it,
//! and HTTP down to the byte.
//!
//! ```no_run
//! use serde_json::json;
//! use webscripts_testkit::{Account, Request, Server};
//!
//! # fn main() -> anyhow::Result<()> {
//! let server = Server::builder("target/debug/webscripts")? // env!("CARGO_BIN_EXE_webscripts")
//!     .setting("session_max_time", 60)
//!     .script("hello.sh", "#!/bin/sh\necho hello\n", &json!({"category": "Samples"}))
//!     .account(Account::administrator("Admin"))
//!     .start()?;
//! let token = server.sign_in("Admin")?;
//! let answer = server.send(&Request::post("/api/scripts/hello.sh").api_token(&token).run(&json!({})))?;
//! assert_eq!(answer.json()?["stdout"], "hello\n");
//! # Ok(())
//! # }
//! ```

mod account;
mod builder;
mod cost;
pub mod http;
mod instance;
pub mod json;
mod program;
mod python;
mod server;

pub use account::{Account, CreatedAccount};
pub use builder::InstanceBuilder;
pub use http::{Answer, Connection, Outcome, Request};
pub use instance::Instance;
pub use program::Finished;
pub use python::python;
pub use server::{Server, Stopped};
