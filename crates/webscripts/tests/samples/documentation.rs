//! Compares what a script prints with what its documentation says.

use crate::configuration::Script;
use crate::samples::SAMPLES;

/// The page that documents a script.
pub fn page(script: &Script) -> &'static str {
    let path = script.file("documentation_file");
    let sample = SAMPLES.iter().find(|sample| sample.path == path);
    let contents = sample.unwrap_or_else(|| panic!("{path} is missing")).contents;
    str::from_utf8(contents).expect("documentation is UTF-8")
}

/// Checks output against the example in the documentation.
///
/// An example without `…` must be the whole output. In others `…` stands for any text, and the
/// lines of the example must be found in this order, with others between them.
pub fn assert_documented(script: &Script, output: &str) {
    let example = example(script);
    if !example.contains('…') {
        assert_eq!(output.trim_end(), example, "{}", script.name);
        return;
    }
    let mut lines = output.lines();
    for expected in example.lines().filter(|line| !line.is_empty()) {
        assert!(
            lines.any(|line| fits(line, expected)),
            "{}: no line `{expected}` at its place in\n{output}",
            script.name
        );
    }
}

fn example(script: &Script) -> String {
    let (_, rest) = page(script).split_once("<pre>").expect("the page has an example");
    let (example, _) = rest.split_once("</pre>").expect("the example ends");
    example.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn fits(line: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}
