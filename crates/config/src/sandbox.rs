//! The key `sandbox`: a preset, or a section of the same file that declares more.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use webscripts_domain::sandbox::{Network, Preset, Sandbox};

use crate::keys::SANDBOX_KEYS;
use crate::load::Loader;
use crate::scripts::Used;
use crate::section::{Section, Sections};
use crate::spelling::closest;
use crate::typed::Typed;

/// Where the server keeps what runs must not reach.
#[derive(Debug)]
pub struct Secluded {
    data: PathBuf,
    others: Vec<PathBuf>,
}

impl Secluded {
    /// By the keys of the server.
    pub fn read(loader: &Loader, server: &Typed<'_>) -> Self {
        let real = |path: &str| real(&loader.absolute(path));
        Self { data: real(&server.text("data_dir")), others: ["config", "logs"].map(real).to_vec() }
    }
}

/// Reads the key `sandbox` of the server or of a script; `None` if it is not set or cannot be
/// used, which is reported.
pub fn read(
    loader: &mut Loader,
    secluded: &Secluded,
    sections: &Sections,
    keys: &Typed<'_>,
    used: &mut Used,
) -> Option<Sandbox> {
    let default = keys.text("sandbox");
    let word = default.trim();
    if word.is_empty() {
        return None;
    }
    if let Some(preset) = Preset::parse(word) {
        return Some(Sandbox { preset, ..Sandbox::default() });
    }
    used.insert(word.to_owned());
    let Some(section) = sections.get(word) else {
        let help = match closest(word, ["none", "default", "strict"].into_iter()) {
            Some(preset) => format!("did you mean `{preset}`?"),
            None => format!(
                "write `none`, `default` or `strict`, or add the section `{word}` to this file"
            ),
        };
        let message = format!("`{}` is no preset and no section of this file", word.escape_debug());
        loader.report.error(keys.spot("sandbox"), message, help);
        return None;
    };
    Some(Declaration { section, secluded }.read(loader))
}

struct Declaration<'a> {
    section: &'a Section,
    secluded: &'a Secluded,
}

impl Declaration<'_> {
    fn read(&self, loader: &mut Loader) -> Sandbox {
        let unknown = "it changes nothing";
        let keys = Typed::read(self.section, SANDBOX_KEYS, unknown, &mut loader.report);
        let name =
            |key: &str| keys.text_if_set(key).filter(|name| !name.is_empty()).map(str::to_owned);
        let sandbox = Sandbox {
            preset: Preset::parse(&keys.text("preset")).unwrap_or_default(),
            read: self.paths(loader, &keys, "read"),
            write: self.paths(loader, &keys, "write"),
            network: network(&keys),
            user: name("user"),
            group: name("group"),
        };
        if sandbox.preset == Preset::None {
            for key in ["read", "write"].into_iter().filter(|key| keys.value(key).is_some()) {
                let message = "the preset `none` restricts no files; this changes nothing";
                let help = "leave it out, or write another `preset`";
                loader.report.warning(keys.spot(key), message, help);
            }
        }
        sandbox
    }

    fn paths(&self, loader: &mut Loader, keys: &Typed<'_>, key: &str) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for text in keys.texts(key) {
            let path = loader.absolute(&text);
            if text.is_empty() || text.contains('\0') {
                loader.report.error(keys.spot(key), "this is no path", "write a path");
            } else if is_uncertain(&path) {
                loader.report.error(
                    keys.spot(key),
                    format!("`{text}` goes up with `..` from a directory that does not exist"),
                    "write the path without `..`",
                );
            } else {
                self.check(loader, keys, key, &path);
                paths.push(path);
            }
        }
        paths
    }

    /// What a declaration of this path would undo.
    fn check(&self, loader: &mut Loader, keys: &Typed<'_>, key: &str, path: &Path) {
        let real = real(path);
        let shown = loader.report.shown(path).display().to_string();
        if real.starts_with(&self.secluded.data) {
            loader.report.error(
                keys.spot(key),
                format!("`{shown}` is in the data directory of the server, which no run may reach"),
                "move what scripts need out of it",
            );
        } else if self.secluded.others.iter().any(|other| real.starts_with(other)) {
            loader.report.warning(
                keys.spot(key),
                format!("`{shown}` belongs to the server; runs reach it because of this"),
                "move what scripts need out of it",
            );
        } else if !path.exists() {
            loader.report.warning(
                keys.spot(key),
                format!("there is no `{shown}`; it is ignored as long as that is so"),
                "make it, or correct the path",
            );
        }
    }
}

fn network(keys: &Typed<'_>) -> Option<Network> {
    match keys.value("network")? {
        Value::Bool(true) => Some(Network::Allowed),
        Value::Bool(false) => Some(Network::None),
        Value::Array(ports) => {
            let ports = ports.iter().filter_map(Value::as_u64);
            Some(Network::Ports(ports.filter_map(|port| u16::try_from(port).ok()).collect()))
        }
        _ => None,
    }
}

/// Whether it cannot be said where a path leads: links decide what `..` means.
fn is_uncertain(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir) && path.canonicalize().is_err()
}

/// The path without links, as far as it exists.
pub fn real(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return real.join(rest).components().collect();
        }
    }
    path.to_owned()
}
