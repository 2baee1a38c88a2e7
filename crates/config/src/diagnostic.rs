//! What is wrong with a configuration, where, and what to write instead.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How serious a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The server starts; someone should look at it.
    Warning,
    /// The server does not start.
    Error,
}

/// One problem. Displayed as `config/server.ini:12: [server] port: …; write …`.
///
/// Values of keys that hold secrets are never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How serious it is.
    pub severity: Severity,
    /// The file, relative to the directory of the instance if it lies there.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The section; `command line` for a value that was given there.
    pub section: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(out, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(out, ":{line}")?;
            }
            write!(out, ": ")?;
        }
        match (&self.section, &self.key) {
            (Some(section), Some(key)) => write!(out, "[{section}] {key}: ")?,
            (Some(section), None) => write!(out, "[{section}] ")?,
            (None, Some(key)) => write!(out, "{key}: ")?,
            (None, None) => {}
        }
        write!(out, "{}", self.message)?;
        match &self.help {
            Some(help) => write!(out, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that was found when the configuration cannot be used: errors first, then warnings.
///
/// Displayed as the errors, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<Diagnostic>);

impl LoadErrors {
    /// What stops the start.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// What was found besides.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning)
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.errors().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            diagnostic.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the program.
    BuiltIn,
    /// On the command line.
    CommandLine,
    /// In this file, at this line from 1.
    File(Arc<Path>, u32),
}

impl Place {
    /// The file, absolute.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file, _) => Some(file),
            Self::BuiltIn | Self::CommandLine => None,
        }
    }
}

/// What a problem is about: a place, and the section and key there.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    place: &'a Place,
    section: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Spot<'a> {
    /// A file or a line of it.
    pub fn place(place: &'a Place) -> Self {
        Self { place, section: None, key: None }
    }

    /// A section.
    pub fn section(place: &'a Place, section: &'a str) -> Self {
        Self { place, section: Some(section), key: None }
    }

    /// A place with an optional section and key.
    pub fn parts(place: &'a Place, section: Option<&'a str>, key: Option<&'a str>) -> Self {
        Self { place, section, key }
    }

    /// The same, owned.
    pub fn into_parts(self) -> (Place, Option<String>, Option<String>) {
        (self.place.clone(), self.section.map(str::to_owned), self.key.map(str::to_owned))
    }

    /// A key of a section.
    pub fn key(place: &'a Place, section: &'a str, key: &'a str) -> Self {
        Self { place, section: Some(section), key: Some(key) }
    }
}

/// Collects problems; loading goes on after each, so that all of them are reported at once.
#[derive(Debug)]
pub struct Report {
    directory: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// For an instance in this directory: files in it are shown relative to it.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), diagnostics: Vec::new() }
    }

    /// Records what stops the start.
    pub fn error(&mut self, spot: Spot<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, spot, message.into(), help.into());
    }

    /// Records what someone should look at.
    pub fn warning(&mut self, spot: Spot<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, spot, message.into(), help.into());
    }

    /// Records a problem; an empty `help` is none.
    pub fn add(&mut self, severity: Severity, spot: Spot<'_>, message: String, help: String) {
        let (file, line) = match spot.place {
            Place::File(file, line) => (Some(self.shown(file)), Some(*line).filter(|at| *at > 0)),
            Place::BuiltIn | Place::CommandLine => (None, None),
        };
        let section = match spot.place {
            Place::CommandLine => Some("command line"),
            Place::BuiltIn | Place::File(..) => spot.section,
        };
        self.diagnostics.push(Diagnostic {
            severity,
            file,
            line,
            section: section.map(str::to_owned),
            key: spot.key.map(str::to_owned),
            message,
            help: Some(help).filter(|help| !help.is_empty()),
        });
    }

    /// The path as it is shown: relative to the instance when it lies there.
    pub fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(&self.directory).unwrap_or(file).to_owned()
    }

    /// The warnings, or everything when there is an error.
    ///
    /// # Errors
    ///
    /// When an error was recorded.
    pub fn finish(self) -> Result<Vec<Diagnostic>, LoadErrors> {
        let mut diagnostics = self.diagnostics;
        // Sections that several scripts share are read once per script.
        let mut seen = HashSet::new();
        diagnostics.retain(|diagnostic| seen.insert(diagnostic.clone()));
        if diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning) {
            return Ok(diagnostics);
        }
        diagnostics.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
        Err(LoadErrors(diagnostics))
    }
}
