//! The real program, looked at from outside: attacks it must withstand, what it promises over
//! HTTP, and the rules of the house.
//!
//! Tests named `attack_<number>_…` belong to the row of that number in the list of attack checks.
//! Each sends the thing, sees exactly the required answer, and sees that nothing else happened.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod attacks_access;
mod attacks_api_keys;
mod attacks_bodies;
mod attacks_browser;
mod attacks_environment;
mod attacks_exhaustion;
mod attacks_http2;
mod attacks_markup;
mod attacks_processes;
mod attacks_restart;
mod attacks_secrets;
mod attacks_sign_in;
mod attacks_values;
mod errors;
mod files;
mod layers;
mod live;
mod places;
mod proxies;
mod runs_control;
mod runs_events;
mod runs_files;
mod runs_history;
mod runs_output;
mod runs_rights;
mod runs_stage;
mod runs_start;
mod runs_watch;
mod sessions;
mod stage;
