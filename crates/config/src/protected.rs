//! What belongs to the server and is out of reach for runs.

use std::path::PathBuf;

use webscripts_domain::catalogue::Catalogue;
use webscripts_domain::sandbox::Protected;

use crate::sandbox::real;
use crate::settings::Settings;

/// What runs must not reach unless their sandbox declares it: configuration, saved state with the
/// runs of others, logs, the private key; and the files of all scripts.
///
/// Blocks: links are followed, so that what they lead to is protected.
pub fn protected(settings: &Settings, catalogue: &Catalogue) -> Protected {
    let directory = &settings.directory;
    let own = ["config", "logs"].map(|name| directory.join(name));
    let server = own
        .into_iter()
        .chain([settings.data_dir.clone(), settings.logs.file.clone()])
        .chain(settings.listen.tls_key.clone())
        .chain(settings.files.iter().cloned());
    Protected {
        server: without_what_others_hold(server.map(|path| real(&path)).collect()),
        scripts: sorted(catalogue.iter().map(|script| real(&script.path)).collect()),
    }
}

fn sorted(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths.dedup();
    paths
}

/// Sorted, each directory in place of what is in it.
fn without_what_others_hold(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in sorted(paths) {
        if !kept.iter().any(|directory| path.starts_with(directory)) {
            kept.push(path);
        }
    }
    kept
}
