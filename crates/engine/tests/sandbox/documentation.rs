//! The table of the presets names tests, and these exist.

const TABLE: &str = include_str!("../../../../docs/sandbox.md");
const TESTS: [(&str, &str); 8] = [
    ("account", include_str!("account.rs")),
    ("calls", include_str!("calls.rs")),
    ("files", include_str!("files.rs")),
    ("groups", include_str!("groups.rs")),
    ("limits", include_str!("limits.rs")),
    ("network", include_str!("network.rs")),
    ("processes", include_str!("processes.rs")),
    ("strict", include_str!("strict.rs")),
];

#[test]
fn every_test_that_the_table_names_exists() {
    let names = TABLE.split('`').skip(1).step_by(2).filter_map(|name| name.split_once("::"));
    let names: Vec<_> = names.filter(|(_, test)| *test != "*").collect();

    assert!(names.len() > 50);
    for (module, test) in names {
        let source = TESTS.iter().find(|(name, _)| *name == module);
        let is_there =
            source.is_some_and(|(_, text)| text.contains(&format!("#[test]\nfn {test}()")));
        assert!(is_there, "{module}::{test}");
    }
}
