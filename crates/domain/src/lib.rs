//! The rules of WebScripts.
//!
//! Everything here is a plain function of its input: no input or output, no async, no clock.
//! The modules are listed in the order in which a request meets them.

pub mod clock;
pub mod random;

pub mod blacklist;
pub mod client_ip;
pub mod csrf;
pub mod identity;
pub mod origin;
pub mod password;
pub mod session;

pub mod access;
pub mod catalogue;
pub mod description;
pub mod glob;

pub mod arguments;
pub mod environment;
pub mod invocation;
pub mod number;
pub mod request;
pub mod sandbox;

pub mod decoding;
pub mod masking;
pub mod output;
pub mod recording;
pub mod run;
pub mod run_rights;

#[cfg(feature = "testkit")]
pub mod testkit;
