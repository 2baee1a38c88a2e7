//! Which scripts there are (scripts.md §1).

mod arguments;
mod documentation;
mod patterns;
mod rules;
mod script;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use webscripts_domain::catalogue::{Catalogue, ScriptName};

use crate::diagnostic::{Report, Spot};
use crate::guard::Role;
use crate::load::Loader;
use crate::merge::Merged;
use crate::pattern::files_matching;
use crate::read::Syntax;
use crate::sandbox::Secluded;
use crate::section::{Entry, Section, Sections};
use crate::typed::Typed;
use documentation::DocumentationDirectories;
pub use patterns::Patterns;

/// Names of sections that something refers to.
pub type Used = HashSet<String>;

/// What the scripts of an instance share.
struct Defaults<'a> {
    secluded: &'a Secluded,
    accept_undeclared: bool,
    accept_option_like: bool,
    scripts_path: Vec<String>,
    documentation: DocumentationDirectories,
}

/// Reads all scripts: those of the server's configuration, then those of INI and JSON files. Also
/// answers which sections of the server's configuration are used.
pub fn catalogue(
    loader: &mut Loader,
    merged: &Merged,
    keys: &Typed<'_>,
    secluded: &Secluded,
) -> (Catalogue, Used) {
    let defaults = Defaults {
        secluded,
        accept_undeclared: keys.flag("accept_undeclared_arguments"),
        accept_option_like: keys.flag("accept_option_like_values"),
        scripts_path: keys.texts("scripts_path"),
        documentation: DocumentationDirectories::read(loader, &keys.texts("documentations_path")),
    };
    let mut scripts = Catalogue::default();
    let mut used = Used::new();
    register(loader, &defaults, &merged.sections, &mut scripts, &mut used);
    if let Some(urls) = keys.text_if_set("urls_section") {
        used.insert(urls.to_owned());
    }
    for (path, syntax) in script_files(loader, keys) {
        let Some(document) = loader.read(&path, syntax, Role::ScriptConfiguration) else {
            continue;
        };
        for entry in document.root.iter() {
            let spot = Spot::parts(&entry.place, None, Some(&entry.key));
            warn_not_here(spot, &mut loader.report);
        }
        let mut used = Used::new();
        register(loader, &defaults, &document.sections, &mut scripts, &mut used);
        if let Some(server) = document.sections.get("server") {
            used.insert(server.name.clone());
            warn_not_here(server.spot(), &mut loader.report);
        }
        warn_unused(&document.sections, &used, &mut loader.report);
    }
    (scripts, used)
}

fn warn_not_here(spot: Spot<'_>, report: &mut Report) {
    report.warning(
        spot,
        "settings of the server are not read from files of scripts",
        "write them into `config/server.json` or `config/server.ini`",
    );
}

/// Warns of sections nothing refers to.
pub fn warn_unused(sections: &Sections, used: &Used, report: &mut Report) {
    for section in sections.iter() {
        let is_built_in = section.place.file().is_none();
        if section.name != "scripts" && !is_built_in && !used.contains(&section.name) {
            report.warning(section.spot(), "nothing refers to this section", "");
        }
    }
}

/// The files that declare scripts, in order, each once.
fn script_files(loader: &mut Loader, keys: &Typed<'_>) -> Vec<(PathBuf, Syntax)> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    let globs = [("ini_scripts_config", Syntax::Ini), ("json_scripts_config", Syntax::Json)];
    for (key, syntax) in globs {
        for pattern in keys.texts(key) {
            let matches = files_matching(&loader.directory, &pattern);
            for path in matches.unreadable_names {
                let message = format!("`{}` is left out: its name is not UTF-8", path.display());
                loader.report.warning(keys.spot(key), message, "rename the file");
            }
            if matches.paths.is_empty() && !pattern.contains(['*', '?', '[']) {
                let message = format!("there is no file `{pattern}`");
                loader.report.warning(keys.spot(key), message, "correct the name");
            }
            for path in matches.paths {
                if seen.insert((path.clone(), key)) {
                    files.push((path, syntax));
                }
            }
        }
    }
    files
}

/// Adds the scripts that a source declares; their sections are looked up in the same source.
fn register(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    sections: &Sections,
    scripts: &mut Catalogue,
    used: &mut Used,
) {
    let Some(declared) = sections.get("scripts") else { return };
    for entry in declared.iter() {
        let Some(name) = ScriptName::parse(&entry.key) else {
            loader.report.error(
                declared.spot_of(entry),
                "this is no name for a script",
                "write a plain name without `/`, such as `hello.py`",
            );
            continue;
        };
        let Some(section) = named_section(loader, declared, entry, sections, used) else {
            continue;
        };
        let declared_in = entry.place.file().unwrap_or(&loader.directory).to_owned();
        let place = Declaration { name: &name, file: &declared_in, section, sections };
        let Some(script) = script::read(loader, defaults, &place, used) else { continue };
        if let Some(earlier) = scripts.get(&name) {
            let file = loader.report.shown(&earlier.declared_in).display().to_string();
            let message = format!("this replaces the script of the same name in {file}");
            loader.report.warning(declared.spot_of(entry), message, "remove one of them");
        }
        scripts.add(script);
    }
}

/// A script as a source declares it.
struct Declaration<'a> {
    name: &'a ScriptName,
    file: &'a Path,
    section: &'a Section,
    sections: &'a Sections,
}

/// The section that the value of an entry names.
fn named_section<'a>(
    loader: &mut Loader,
    section: &Section,
    entry: &Entry,
    sections: &'a Sections,
    used: &mut Used,
) -> Option<&'a Section> {
    let Value::String(name) = &entry.value else {
        loader.report.error(
            section.spot_of(entry),
            "the value is no name of a section",
            "write the name of a section of this file",
        );
        return None;
    };
    let found = sections.get(name);
    if found.is_none() {
        loader.report.error(
            section.spot_of(entry),
            format!("there is no section `{name}`"),
            "write the section into the same file, or correct the name",
        );
    }
    used.insert(name.clone());
    found
}
