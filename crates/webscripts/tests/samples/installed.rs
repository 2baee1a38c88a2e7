//! What is installed is complete and well formed.

use std::collections::BTreeSet;

use crate::configuration::{script, scripts, shown};
use crate::documentation::page;
use crate::instance::Instance;
use crate::samples::SAMPLES;

const README: &str = include_str!("../../samples/README.md");

fn installed(directory: &str) -> BTreeSet<&'static str> {
    SAMPLES.iter().map(|sample| sample.path).filter(|path| path.starts_with(directory)).collect()
}

#[test]
fn every_installed_script_is_configured_and_documented() {
    let scripts = scripts();
    let paths: BTreeSet<&str> = scripts.iter().map(|script| script.file("path")).collect();
    let pages: BTreeSet<&str> =
        scripts.iter().map(|script| script.file("documentation_file")).collect();

    assert_eq!(paths, installed("scripts/"));
    assert_eq!(pages, installed("doc/"));
    assert_eq!((paths.len(), pages.len()), (scripts.len(), scripts.len()));
}

#[test]
fn every_file_below_samples_is_installed() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
    for directory in ["config/scripts", "scripts", "doc"] {
        let found: BTreeSet<String> = std::fs::read_dir(format!("{root}/{directory}"))
            .unwrap()
            .map(|entry| format!("{directory}/{}", entry.unwrap().file_name().to_str().unwrap()))
            .filter(|path| path != "doc/page-start.html")
            .collect();

        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), installed(directory));
    }
}

#[test]
fn every_script_has_what_its_page_shows() {
    for script in scripts() {
        for key in ["label", "description", "category"] {
            script.text(key);
        }
        assert!((1..=90).contains(&script.timeout()), "{}", script.name);
        assert!(
            ["text/plain", "text/csv", "text/json", "text/html"]
                .contains(&script.text("content_type")),
            "{}",
            script.name
        );
        for (argument, keys) in &script.arguments {
            assert!(keys.contains_key("label"), "{}: {argument} has no label", script.name);
        }
    }
}

#[test]
fn only_scripts_without_a_launcher_may_be_executed() {
    for script in scripts() {
        let sample = SAMPLES.iter().find(|sample| sample.path == script.file("path")).unwrap();
        let expected = if script.keys.contains_key("launcher") { 0o400 } else { 0o500 };

        assert_eq!(sample.mode, expected, "{}", script.name);
    }
    assert!(!script("disk_usage.sh").keys.contains_key("launcher"));
}

#[test]
fn every_script_is_correct_in_its_language() {
    let instance = Instance::new();
    for script in scripts() {
        let check: &[&str] = match script.name.rsplit_once('.').unwrap().1 {
            "py" => &["python3", "-m", "py_compile"],
            "pl" => &["perl", "-c"],
            _ => &["bash", "-n"],
        };
        let mut words: Vec<String> = check.iter().map(|word| (*word).to_owned()).collect();
        words.push(script.text("path").to_owned());
        let run = instance.start(&words, "");

        assert_eq!(run.code, 0, "{}: {}", script.name, run.stderr);
    }
}

#[test]
fn documentation_is_a_page_that_explains_every_value_and_runs_nothing() {
    for script in scripts() {
        let page = page(&script);
        let label = script.text("label");

        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">\n<head>\n"), "{label}");
        assert!(page.ends_with("</main>\n</body>\n</html>\n"), "{label}");
        assert!(page.contains(&format!("<title>{label}</title>")), "{label}");
        assert!(page.contains(&format!("<h1>{label}</h1>")), "{label}");
        for forbidden in ["<script", "<form", "<iframe", "javascript:", " style=", " src="] {
            assert!(!page.contains(forbidden), "{label}: {forbidden}");
        }
        let mut tags = page.split('<').filter_map(|part| part.split('>').next());
        assert!(tags.all(|tag| !tag.contains(" on")), "{label}: a handler");
        for (argument, keys) in &script.arguments {
            let heading = format!("{}<br><code>{argument}</code>", shown(&keys["label"]));
            assert!(page.contains(&heading), "{label}: {heading} is missing");
        }
    }
}

#[test]
fn the_overview_names_every_script() {
    for script in scripts() {
        let entry = format!("| `{}` | {} |", script.name, script.text("label"));
        assert!(README.contains(&entry), "README.md has no line with {entry}");
    }
}
