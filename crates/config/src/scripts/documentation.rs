//! Documentation that is found by the name of a script (scripts.md §4, at the start).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::load::Loader;
use crate::pattern::files_matching;

/// The entries of `documentations_path` that are directories, each read once.
#[derive(Debug, Default)]
pub struct DocumentationDirectories {
    /// The file for each name before a dot; of several directories the last counts.
    by_stem: HashMap<String, PathBuf>,
}

impl DocumentationDirectories {
    /// Reads the directories among the entries; patterns of files find nothing here.
    pub fn read(loader: &Loader, entries: &[String]) -> Self {
        let mut by_stem = HashMap::new();
        for entry in entries {
            let mut here = HashMap::new();
            for directory in files_matching(&loader.directory, entry).paths {
                for file in files_matching(&directory, "*.*").paths {
                    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
                        continue;
                    };
                    for (dot, _) in name.match_indices('.') {
                        let stem = name.get(..dot).unwrap_or_default().to_owned();
                        here.entry(stem).or_insert_with(|| file.clone());
                    }
                }
            }
            by_stem.extend(here);
        }
        Self { by_stem }
    }

    /// The documentation of the script in this file.
    pub fn of(&self, script: &Path) -> Option<PathBuf> {
        self.by_stem.get(script.file_stem()?.to_str()?).cloned()
    }
}
