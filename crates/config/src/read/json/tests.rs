use std::path::Path;
use std::sync::Arc;

use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use super::parse;
use crate::diagnostic::{Place, Report};
use crate::section::{Document, Section};

fn read(text: &str) -> (Result<Document, Vec<String>>, Vec<String>) {
    let file: Arc<Path> = Arc::from(Path::new("a.json"));
    let mut report = Report::new(Path::new(""));
    let read = parse(text, &|line| Place::File(Arc::clone(&file), line), &mut report);
    let read = read.map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect()
    });
    (read, report.finish().unwrap().iter().map(ToString::to_string).collect())
}

/// Keys, values and lines of a section.
fn shown(section: &Section) -> Vec<(String, Value, u32)> {
    section
        .iter()
        .map(|entry| {
            let Place::File(_, line) = entry.place else { unreachable!("all places are files") };
            (entry.key.clone(), entry.value.clone(), line)
        })
        .collect()
}

#[test]
fn every_key_remembers_its_line_and_order() {
    let text = "{\n  \"port\": 1,\n  \"z\": {\"b\": 2, \"a\"\n:\n[1,\n2]},\n \"y\"\n : {\n\"c\": \"é\\n\"\n}}";
    let (document, warnings) = read(text);
    let document = document.unwrap();

    assert_eq!(shown(&document.root), [("port".to_owned(), json!(1), 2)]);
    let sections: Vec<&Section> = document.sections.iter().collect();
    assert_eq!(sections.len(), 2);
    assert_eq!(
        shown(sections[0]),
        [("b".to_owned(), json!(2), 3), ("a".to_owned(), json!([1, 2]), 3)]
    );
    assert_eq!(shown(sections[1]), [("c".to_owned(), json!("é\n"), 9)]);
    assert_eq!(sections[1].place, Place::File(Arc::from(Path::new("a.json")), 7));
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn of_a_key_that_is_there_twice_the_last_value_counts_at_the_first_position() {
    let (document, warnings) =
        read("{\"s\": {\"a\": 1,\n\"b\": 2,\n\"a\": 3},\n\"p\": 1,\n\"p\": 2}");
    let document = document.unwrap();

    assert_eq!(
        shown(document.sections.get("s").unwrap()),
        [("a".to_owned(), json!(3), 3), ("b".to_owned(), json!(2), 2)]
    );
    assert_eq!(shown(&document.root), [("p".to_owned(), json!(2), 5)]);
    assert_eq!(
        warnings,
        [
            "a.json:3: [s] a: this is there twice, the last one counts; remove the other one",
            "a.json:5: [server] p: this is there twice, the last one counts; remove the other one",
        ]
    );
}

#[test]
fn a_section_that_is_there_twice_is_the_last_one() {
    let (document, warnings) = read("{\"s\": {\"a\": 1},\n\"s\": {\"b\": 2}}");

    assert_eq!(
        shown(document.unwrap().sections.get("s").unwrap()),
        [("b".to_owned(), json!(2), 2)]
    );
    assert_eq!(
        warnings,
        ["a.json:2: [s] this is there twice, the last one counts; remove the other one"]
    );
}

#[test]
fn problems_name_the_line_in_the_file() {
    for (text, expected) in [
        ("", "1: EOF while parsing a value"),
        (
            "[]",
            "1: invalid type: sequence, expected an object such as {\"server\": {\"port\": 8000}}",
        ),
        ("{\n\"a\": {\n\"b\": 1,\n}}", "4: trailing comma"),
        ("{\n\"a\": {\n\"b\": tru}}", "3: expected ident"),
        ("{\n\"a\": {\n\"b\": [1,\n1.e]}}", "4: invalid number"),
        ("{\n\"a\": {\n\"b\": NaN}}", "3: expected value"),
        ("{\n\"a\": {\n\"b\": \"\\ud800\"}}", "3: unexpected end of hex escape"),
        ("{} x", "1: trailing characters"),
    ] {
        let (prefix, reason) = expected.split_once(' ').unwrap();
        let expected = format!("{prefix} this cannot be read as JSON: {reason}");
        assert_eq!(read(text).0, Err(vec![expected]), "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    let text = format!("{{\"a\": {{\"b\": {}{}}}}}", "[".repeat(100_000), "]".repeat(100_000));

    let expected = "1: this cannot be read as JSON: recursion limit exceeded".to_owned();
    assert_eq!(read(&text).0, Err(vec![expected]));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_text_like_json_makes_the_reader_fail(
        text in "[{}\\[\\]\",: \n0-9a-eE.\\\\u-]{0,60}",
    ) {
        let _ = read(&text);
        let _ = read(&format!("{{\"a\": {{\"b\": {text}}}}}"));
    }
}
