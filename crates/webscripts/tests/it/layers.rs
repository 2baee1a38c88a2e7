//! Which crate may use which: the promises of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Our crates, each with those of ours it may use and with what it must not use of others.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &["tokio", "axum", "hyper", "sqlx", "rustix", "tracing"]),
    ("config", &["domain"], &["tokio", "axum", "hyper", "sqlx"]),
    ("store", &["domain"], &["axum", "hyper", "askama"]),
    ("engine", &["domain"], &["axum", "hyper", "sqlx", "askama"]),
    ("app", &["domain", "config", "store", "engine"], &["axum", "hyper", "askama", "sqlx"]),
    ("web", &["domain", "app"], &["sqlx", "clap"]),
    ("webscripts", &["domain", "config", "store", "engine", "app", "web"], &["sqlx", "askama"]),
    ("testkit", &[], &["sqlx", "axum"]),
];

/// What none of ours may ask for: there is one TLS library, the one with post-quantum key exchange.
const BANNED: [&str; 4] = ["ring", "openssl", "openssl-sys", "native-tls"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap()
}

fn short(name: &str) -> &str {
    name.strip_prefix("webscripts-").unwrap_or(name)
}

/// Normal dependencies of our crates by short name.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let of = |package: &cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        let names = normal.map(|dependency| dependency.name.clone()).collect();
        (short(&package.name).to_owned(), names)
    };
    metadata.workspace_packages().into_iter().map(of).collect()
}

#[test]
fn each_crate_uses_only_the_crates_below_it() {
    let dependencies = dependencies(&metadata());

    for (name, allowed, _) in LAYERS {
        let ours: Vec<&str> = dependencies[*name]
            .iter()
            .filter(|dependency| dependency.starts_with("webscripts"))
            .map(|dependency| short(dependency))
            .collect();
        let foreign: Vec<&&str> = ours.iter().filter(|own| !allowed.contains(*own)).collect();
        assert_eq!(foreign, Vec::<&&str>::new(), "{name} may use {allowed:?}");
    }
}

#[test]
fn no_crate_uses_what_would_break_its_promise() {
    let dependencies = dependencies(&metadata());

    for (name, _, forbidden) in LAYERS {
        let is_forbidden = |own: &str| forbidden.contains(&own) || BANNED.contains(&own);
        let broken: Vec<&String> =
            dependencies[*name].iter().filter(|own| is_forbidden(own)).collect();
        assert_eq!(broken, Vec::<&String>::new(), "{name}");
    }
}

#[test]
fn every_crate_has_its_place_in_the_table() {
    let tools = ["bench", "xtask"];
    let dependencies = dependencies(&metadata());
    let unknown: Vec<&String> = dependencies
        .keys()
        .filter(|name| !tools.contains(&name.as_str()))
        .filter(|name| !LAYERS.iter().any(|(known, ..)| known == name))
        .collect();

    assert_eq!(unknown, Vec::<&String>::new(), "say in LAYERS what they may use");
    let uses_testkit: Vec<&String> = dependencies
        .iter()
        .filter(|(name, own)| own.contains("webscripts-testkit") && !tools.contains(&name.as_str()))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(uses_testkit, Vec::<&String>::new(), "helpers of tests are no normal dependency");
}

/// Every file of Rust below the folder `src` of a crate, with its text.
fn sources(name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    collect(&crates.join(name).join("src"), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
}

/// The lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

fn has_word(line: &str, word: &str) -> bool {
    line.split_whitespace().any(|other| other == word) || line.contains(&format!("#[{word}"))
}

#[test]
fn only_the_engine_is_unsafe() {
    for (name, ..) in LAYERS.iter().filter(|(name, ..)| *name != "engine") {
        for (path, text) in sources(name) {
            let found = code(&text).find(|line| has_word(line, "unsafe"));
            assert_eq!(found, None, "{path}");
        }
    }
    for (path, text) in sources("engine") {
        let blocks = code(&text).filter(|line| line.contains("unsafe {")).count();
        let reasons =
            text.lines().filter(|line| line.trim_start().starts_with("// SAFETY:")).count();
        assert!(reasons >= blocks, "{path}: every unsafe block says why it is sound");
    }
}

#[test]
fn only_the_store_knows_sql() {
    const STATEMENTS: [&str; 6] =
        ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "];
    for (name, ..) in LAYERS.iter().filter(|(name, ..)| *name != "store") {
        for (path, text) in sources(name) {
            let found = code(&text).find(|line| STATEMENTS.iter().any(|word| line.contains(word)));
            assert_eq!(found, None, "{path}");
        }
    }
}

#[test]
fn only_the_engine_starts_processes() {
    for (name, ..) in LAYERS.iter().filter(|(name, ..)| !matches!(*name, "engine" | "testkit")) {
        for (path, text) in sources(name) {
            let found =
                code(&text).find(|line| line.contains("Command::new(") && !line.contains("clap"));
            assert_eq!(found, None, "{path}");
        }
    }
}
