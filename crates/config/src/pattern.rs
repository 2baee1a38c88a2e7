//! Files that a pattern of the configuration names (configuration.md §1).
//!
//! As Python's `glob` without recursion: `*`, `?` and `[…]` match within one name, `**` is `*`, a
//! leading dot must be written. Results are in the order of their names.

use std::fs;
use std::path::{Component, Path, PathBuf};

use webscripts_domain::glob::Glob;

/// At most this many files per pattern.
const MAX_MATCHES: usize = 20_000;

/// What a pattern found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// Existing files and directories, absolute if the directory was.
    pub paths: Vec<PathBuf>,
    /// Names that are not UTF-8; they are left out.
    pub unreadable_names: Vec<PathBuf>,
}

/// The files that `pattern` names, relative to `directory` unless it is absolute.
///
/// Directories that cannot be read are empty, as in Python.
pub fn files_matching(directory: &Path, pattern: &str) -> Matches {
    let mut matches = Matches { paths: vec![directory.to_owned()], unreadable_names: Vec::new() };
    for component in Path::new(pattern).components() {
        match component {
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => matches.paths = vec![PathBuf::from("/")],
            Component::ParentDir => {
                for path in &mut matches.paths {
                    path.push("..");
                }
            }
            Component::Normal(name) => matches.descend(&name.to_string_lossy()),
        }
    }
    matches.paths.retain(|path| path.exists());
    matches
}

impl Matches {
    /// Replaces every path by its children of this name or pattern.
    fn descend(&mut self, name: &str) {
        if !name.contains(['*', '?', '[']) {
            for path in &mut self.paths {
                path.push(name);
            }
            return;
        }
        let glob = Glob::new(name);
        let mut children = Vec::new();
        for path in &self.paths {
            let mut found = names_in(path, &mut self.unreadable_names);
            found.retain(|child| {
                (name.starts_with('.') || !child.starts_with('.')) && glob.matches(child)
            });
            found.sort_unstable();
            children.extend(found.into_iter().map(|child| path.join(child)));
            if children.len() > MAX_MATCHES {
                break;
            }
        }
        children.truncate(MAX_MATCHES);
        self.paths = children;
    }
}

fn names_in(directory: &Path, unreadable: &mut Vec<PathBuf>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        match entry.file_name().into_string() {
            Ok(name) => names.push(name),
            Err(_) => unreadable.push(entry.path()),
        }
    }
    names
}

/// A pattern that matches exactly this text.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '[' => {
                out.push('[');
                out.push(character);
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(directory: &Path, pattern: &str) -> Vec<PathBuf> {
        files_matching(directory, pattern).paths
    }

    #[test]
    fn patterns_match_one_level_of_visible_names_in_order() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        for name in ["2.x", "1.x", ".3.x", "[.x", "a/4.x", "a/b/5.x"] {
            fs::write(root.join(name), "").unwrap();
        }
        let paths = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();

        assert_eq!(found(root, "./*.x"), paths(&["1.x", "2.x", "[.x"]));
        assert_eq!(found(root, "**/*.x"), paths(&["a/4.x"]));
        assert_eq!(found(root, ".*.x"), paths(&[".3.x"]));
        assert_eq!(found(root, "[12].x"), paths(&["1.x", "2.x"]));
        assert_eq!(found(root, "[.?"), paths(&["[.x"]));
        assert_eq!(found(root, "a/../1.x"), paths(&["a/../1.x"]));
        assert_eq!(found(root, "no/*.x"), paths(&[]));
        assert_eq!(found(root, "no.x"), paths(&[]));
        let absolute = format!("{}/a/*", escape(&root.to_string_lossy()));
        assert_eq!(found(Path::new("/"), &absolute), paths(&["a/4.x", "a/b"]));
    }

    #[test]
    fn an_escaped_text_matches_itself() {
        assert_eq!(escape("a[b]*?"), "a[[]b][*][?]");
        assert!(Glob::new(escape("a[b]*?")).matches("a[b]*?"));
    }
}
