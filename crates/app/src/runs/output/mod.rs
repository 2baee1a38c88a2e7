//! Output of runs as text: read from disk, decoded once, shared between watchers.

mod reader;
mod recent;
mod text;

pub use reader::{Entry, Reader};
pub use recent::{Answer, Recent};
