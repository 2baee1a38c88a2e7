//! Loads a configuration: the start of everything, from top to bottom.

use std::io;
use std::path::{Path, PathBuf};

use webscripts_domain::catalogue::Catalogue;

use crate::diagnostic::{Diagnostic, LoadErrors, Place, Report, Spot};
use crate::guard::{Guard, Role};
use crate::keys::SERVER_KEYS;
use crate::merge::Merged;
use crate::read::{Syntax, read};
use crate::sandbox::{self, Secluded};
use crate::scripts::{self, Patterns};
use crate::section::Document;
use crate::server;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::typed::Typed;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings of the server.
    pub settings: Settings,
    /// The scripts.
    pub catalogue: Catalogue,
    /// What someone should look at.
    pub warnings: Vec<Diagnostic>,
}

/// Reads, checks and merges a configuration.
///
/// Blocks: it reads files and may look up a host name.
///
/// # Errors
///
/// Everything that is wrong, not only the first problem.
pub fn load(sources: &Sources) -> Result<Loaded, LoadErrors> {
    let directory = match std::fs::canonicalize(&sources.directory) {
        Ok(directory) => directory,
        Err(error) => return Err(no_directory(&sources.directory, &error)),
    };
    let mut loader = Loader::new(sources, directory);

    let mut merged = Merged::built_in();
    for (path, syntax) in loader.server_files(sources) {
        if let Some(document) = loader.read(&path, syntax, Role::ServerConfiguration) {
            merged.add(document, &mut loader.report);
        }
    }
    merged.add_overrides(&sources.overrides, &mut loader.report);

    let keys = Typed::read(
        &merged.server,
        SERVER_KEYS,
        "it is kept, but nothing uses it",
        &mut loader.report,
    );
    let secluded = Secluded::read(&loader, &keys);
    let (catalogue, mut used) = scripts::catalogue(&mut loader, &merged, &keys, &secluded);
    let sandbox = sandbox::read(&mut loader, &secluded, &merged.sections, &keys, &mut used);
    let mut settings = server::settings(&mut loader, &merged, &keys, &catalogue);
    settings.runs.sandbox = sandbox.unwrap_or_default();
    settings.security &= !sources.insecure;
    scripts::warn_unused(&merged.sections, &used, &mut loader.report);

    let Loader { mut report, guard, files, .. } = loader;
    settings.files = files;
    guard.report(settings.force_file_permissions, &mut report);
    let warnings = report.finish()?;
    Ok(Loaded { settings, catalogue, warnings })
}

fn no_directory(directory: &Path, error: &io::Error) -> LoadErrors {
    let mut report = Report::new(Path::new(""));
    let place = Place::File(directory.into(), 0);
    report.error(
        Spot::place(&place),
        format!("the directory of the instance cannot be used: {}", reason(error)),
        "make one with `webscripts init`, or name another one",
    );
    LoadErrors(report.finish().unwrap_or_else(|errors| errors.0))
}

/// The words of an error of the system, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    let mut characters = words.chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}

/// What loading shares: where, the problems so far, the guard of files.
#[derive(Debug)]
pub struct Loader {
    /// The instance, absolute and without links.
    pub directory: PathBuf,
    /// The problems so far.
    pub report: Report,
    /// Examines files.
    pub guard: Guard,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Patterns that were compiled.
    pub patterns: Patterns,
    /// Whether every configuration file could be read; otherwise keys that are missing may be in
    /// one that could not.
    pub is_complete: bool,
}

impl Loader {
    fn new(sources: &Sources, directory: PathBuf) -> Self {
        Self {
            report: Report::new(&directory),
            guard: Guard::new(sources.process_user, sources.insecure, &directory),
            files: Vec::new(),
            patterns: Patterns::default(),
            is_complete: true,
            directory,
        }
    }

    /// The files of the server's configuration, lowest priority first (configuration.md §1).
    fn server_files(&self, sources: &Sources) -> Vec<(PathBuf, Syntax)> {
        let own = [("config/server.ini", Syntax::Ini), ("config/server.json", Syntax::Json)]
            .map(|(name, syntax)| (self.directory.join(name), syntax))
            .into_iter()
            // A link to nowhere or a closed directory is a file that cannot be read, not none.
            .filter(|(path, _)| {
                !path.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
            });
        let named = |files: &[PathBuf], syntax| {
            files
                .iter()
                .map(|file| (std::path::absolute(file).unwrap_or_else(|_| file.clone()), syntax))
                .collect::<Vec<_>>()
        };
        own.chain(named(&sources.ini_files, Syntax::Ini))
            .chain(named(&sources.json_files, Syntax::Json))
            .collect()
    }

    /// Reads a configuration file; `None` when it cannot be used, which is reported.
    pub fn read(&mut self, path: &Path, syntax: Syntax, role: Role) -> Option<Document> {
        let document = match self.guard.read(path, role) {
            Ok(bytes) => read(path, &bytes, syntax, &mut self.report),
            Err(error) => {
                let help = match error.kind() {
                    io::ErrorKind::NotFound => "correct the name, or make the file",
                    io::ErrorKind::PermissionDenied => {
                        "let the account of the server read the file and enter its directories"
                    }
                    _ => "",
                };
                let place = Place::File(path.into(), 0);
                let message = format!("the file cannot be read: {}", reason(&error));
                self.report.error(Spot::place(&place), message, help);
                None
            }
        };
        self.is_complete &= document.is_some();
        self.files.push(path.to_owned());
        document
    }

    /// A path of the configuration: absolute, or relative to the instance.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.directory.join(path).components().collect()
    }
}
