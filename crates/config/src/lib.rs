//! Settings and script catalogue from INI and JSON files, as configuration.md describes them.
//!
//! [`load`] is the one way in: it finds the files, checks that nobody else may change them, reads
//! and merges them, and reports every problem with file, line, section and key. The tables in
//! [`keys`] say what each key is; they drive defaults, types and the detection of unknown keys.

mod coerce;
mod diagnostic;
mod guard;
pub mod keys;
mod load;
mod merge;
mod pattern;
mod protected;
mod read;
mod runs;
mod sandbox;
mod scripts;
mod section;
mod server;
pub mod settings;
mod sources;
mod spelling;
mod typed;

pub use diagnostic::{Diagnostic, LoadErrors, Severity};
pub use load::{Loaded, load};
pub use pattern::{Matches, files_matching};
pub use protected::protected;
pub use settings::Settings;
pub use sources::{OverrideValue, Overrides, Sources};
