//! From the bytes of a configuration file to its sections.

mod encoding;
mod ini;
mod json;

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Place, Report, Spot};
use crate::section::Document;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// configuration.md §4.
    Ini,
    /// configuration.md §5.
    Json,
}

impl Syntax {
    /// By the name of a file: `.json` is JSON, everything else INI (scripts.md §1).
    pub fn of(path: &Path) -> Self {
        let is_json = path.as_os_str().as_encoded_bytes().ends_with(b".json");
        if is_json { Self::Json } else { Self::Ini }
    }
}

/// A problem at a line of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    line: u32,
    message: String,
    help: &'static str,
}

/// Reads a file. `None` when it cannot be used; every problem is reported.
pub fn read(path: &Path, bytes: &[u8], syntax: Syntax, report: &mut Report) -> Option<Document> {
    let file: Arc<Path> = Arc::from(path);
    let at = |line: u32| Place::File(Arc::clone(&file), line);
    let text = match encoding::decode(bytes, syntax) {
        Ok(decoded) => {
            if let Some(line) = decoded.guessed_at {
                report.warning(
                    Spot::place(&at(line)),
                    "the text is not UTF-8; it is read as Windows-1252",
                    "save the file as UTF-8",
                );
            }
            decoded.text
        }
        Err(line) => {
            let message = "the text is not UTF-8";
            report.error(Spot::place(&at(line)), message, "save the file as UTF-8");
            return None;
        }
    };
    let read = match syntax {
        Syntax::Ini => ini::parse(&text, &at),
        Syntax::Json => json::parse(&text, &at, report),
    };
    match read {
        Ok(document) => Some(document),
        Err(problems) => {
            for problem in problems {
                report.error(Spot::place(&at(problem.line)), problem.message, problem.help);
            }
            None
        }
    }
}
