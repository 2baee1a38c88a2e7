use std::path::Path;
use std::sync::Arc;

use proptest::prelude::{any, prop, proptest};
use serde_json::{Value, json};

use super::parse;
use crate::diagnostic::Place;
use crate::section::Document;

fn read(text: &str) -> Result<Document, Vec<String>> {
    let file: Arc<Path> = Arc::from(Path::new("a.ini"));
    parse(text, &|line| Place::File(Arc::clone(&file), line)).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| format!("{}: {}; {}", problem.line, problem.message, problem.help))
            .collect()
    })
}

/// Sections as lists of names and values.
fn shown(document: &Document) -> Value {
    document
        .sections
        .iter()
        .map(|section| {
            let keys: Vec<Value> =
                section.iter().map(|entry| json!([entry.key, entry.value])).collect();
            json!([section.name, keys])
        })
        .collect()
}

#[test]
fn every_text_is_read_as_configparser_of_python_reads_it() {
    let cases: Value =
        serde_json::from_str(include_str!("../../../tests/data/ini-cases.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 600);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let read = read(text).map_or(Value::Null, |document| shown(&document));

        assert_eq!(read, case["sections"], "{}: {text:?}", case["name"]);
    }
}

#[test]
fn every_key_remembers_its_line() {
    let document = read("# x\n[a]\nb = 1\n  2\n\nc\n[d]\n\ne: 3\n").unwrap();

    let lines: Vec<(&str, &str, &Place)> = document
        .sections
        .iter()
        .flat_map(|section| section.iter().map(move |entry| (section, entry)))
        .map(|(section, entry)| (section.name.as_str(), entry.key.as_str(), &entry.place))
        .collect();

    let at = |line| Place::File(Arc::from(Path::new("a.ini")), line);
    assert_eq!(lines, [("a", "b", &at(3)), ("a", "c", &at(6)), ("d", "e", &at(9))]);
    assert_eq!(document.sections.get("d").unwrap().place, at(7));
}

#[test]
fn every_problem_is_reported_with_its_line() {
    let text = "a=1\n[b]\nc=1\nC=2\n[b]\n=3\nd\n  4\n";

    assert_eq!(
        read(text),
        Err(vec![
            "1: text before the first section; write a line such as `[server]` above it".to_owned(),
            "4: the key `c` is there twice in this section; remove one of them; capital letters \
             make no difference"
                .to_owned(),
            "5: the section `b` is there twice; write its keys into the first one".to_owned(),
            "6: a value without a key; write `key = value`".to_owned(),
            "8: this line continues a key that has no value; write `=` behind the key, or begin \
             the line in the first column"
                .to_owned(),
        ])
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_text_like_ini_makes_the_reader_fail(text in "([a\\[\\]=: \t#;\r\n\u{a0}]|\n )*") {
        let _ = read(&text);
    }

    #[test]
    fn what_is_written_is_read_back(
        keys in prop::collection::btree_map("[a-z_/-]{1,8}", "[!-\"$-~]{0,12}", 0..20),
    ) {
        let lines: Vec<String> =
            keys.iter().map(|(key, value)| format!("{key} = {value} # comment")).collect();
        let document = read(&format!("[s]\n{}", lines.join("\n"))).unwrap();

        let expected: Vec<Value> = keys.iter().map(|(key, value)| json!([key, value])).collect();
        assert_eq!(shown(&document), json!([["s", expected]]));
    }
}
