//! `webscripts check`: the whole configuration, examined without starting anything.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use webscripts_config::{Diagnostic, Loaded, Settings, Severity};

use super::accounts::block_on;
use super::{ConfigurationOptions, causes};
use crate::{compose, listen, tls};

/// Arguments of `webscripts check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    lines: Vec<String>,
    errors: usize,
    warnings: usize,
}

impl CheckArgs {
    /// Prints every problem, then how many there are. Exit status 1: there is an error, or with
    /// `--strict` a warning.
    ///
    /// # Errors
    ///
    /// When the directory does not exist or standard output cannot be written.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        let scope = match webscripts_config::load(&self.configuration.sources()?) {
            Ok(loaded) => {
                findings.add_all(&loaded.warnings);
                findings.examine_surroundings(&loaded.settings);
                scope(&loaded)
            }
            Err(errors) => {
                findings.add_all(&errors.0);
                String::new()
            }
        };
        findings.write(&mut io::stdout().lock(), &scope)?;
        let is_good = findings.errors == 0 && (findings.warnings == 0 || !self.strict);
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Findings {
    fn add_all(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let place = match (&diagnostic.file, diagnostic.line) {
                (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
                (Some(file), None) => format!("{}: ", file.display()),
                (None, _) => String::new(),
            };
            let rest = Diagnostic { file: None, line: None, ..diagnostic.clone() };
            self.add(diagnostic.severity, &place, &rest);
        }
    }

    fn add(&mut self, severity: Severity, place: &str, text: &impl Display) {
        let (count, word) = match severity {
            Severity::Error => (&mut self.errors, "error"),
            Severity::Warning => (&mut self.warnings, "warning"),
        };
        *count += 1;
        self.lines.push(format!("{place}{word}: {text}"));
    }

    /// What the server would examine at its start besides the configuration files.
    fn examine_surroundings(&mut self, settings: &Settings) {
        let results = [
            listen::refuse_public_without_tls(&settings.listen),
            tls::acceptor(&settings.listen).map(drop),
            examine_database(settings),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            self.add(Severity::Error, "", &causes(&error).join(": "));
        }
    }

    fn write(&self, out: &mut impl Write, scope: &str) -> io::Result<()> {
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        let errors = counted(self.errors, "error");
        let warnings = counted(self.warnings, "warning");
        writeln!(out, "{errors}, {warnings}{scope}")
    }
}

fn examine_database(settings: &Settings) -> anyhow::Result<()> {
    let path = settings.data_dir.join(compose::DATABASE);
    block_on(async { Ok(webscripts_store::examine(&path).await?) })
}

/// How much was examined.
fn scope(loaded: &Loaded) -> String {
    let files = counted(loaded.settings.files.len(), "file");
    let scripts = counted(loaded.catalogue.len(), "script");
    format!(" ({files}, {scripts})")
}

fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
