//! What reading a piece of HTML would cost. The parser of the standard takes time with the square
//! of the nesting, and repeats open formatting elements in every block: small texts can be made
//! that take minutes and gigabytes. They are recognised before they are parsed.

/// Deepest nesting that is parsed.
const MAX_DEPTH: usize = 256;
/// Most tags that are parsed.
const MAX_TAGS: usize = 100_000;
/// Most tags times open formatting elements.
const MAX_REPEATED: usize = 1_000_000;

/// Elements the parser repeats in the next block when they are left open.
const FORMATTING: [&str; 13] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "u"];
/// Elements without end tag, and those whose end tag is left out by custom.
const SHALLOW: [&str; 26] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option",
    "colgroup", "tt",
];

/// Whether parsing `html` stays within time and memory that are linear in its length.
pub fn is_bounded(html: &str) -> bool {
    let mut open = OpenElements::default();
    let (mut tags, mut most_formatting) = (0_usize, 0);
    for piece in html.split('<').skip(1) {
        let (closes, rest) = match piece.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, piece),
        };
        let name = name_of(rest);
        if name.is_empty() {
            continue;
        }
        tags += 1;
        if closes {
            open.close(&name);
        } else {
            open.open(name);
        }
        most_formatting = most_formatting.max(open.formatting.len());
        if open.nested.len() > MAX_DEPTH || tags > MAX_TAGS || tags * most_formatting > MAX_REPEATED
        {
            return false;
        }
    }
    true
}

fn name_of(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()).min(16);
    text.get(..end).unwrap_or_default().to_ascii_lowercase()
}

/// What the parser has to remember: never less than it really does.
#[derive(Default)]
struct OpenElements {
    nested: Vec<String>,
    formatting: Vec<String>,
}

impl OpenElements {
    fn open(&mut self, name: String) {
        if FORMATTING.contains(&name.as_str()) {
            self.formatting.push(name.clone());
        }
        if !SHALLOW.contains(&name.as_str()) {
            self.nested.push(name);
        }
    }

    /// An end tag without its start closes nothing. A formatting element that is left open inside
    /// a closed one is still repeated, so only its own end tag ends it.
    fn close(&mut self, name: &str) {
        if let Some(at) = self.nested.iter().rposition(|open| open == name) {
            self.nested.truncate(at);
        }
        if let Some(at) = self.formatting.iter().rposition(|open| open == name) {
            self.formatting.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_scripts_are_bounded() {
        let row = "<tr><td><b>a</b><td>1 < 2</td></tr>";
        let report = format!("<h1>Report</h1><table>{}</table><p>one<p>two", row.repeat(5_000));

        assert!(is_bounded(&report));
        assert!(is_bounded(&"<li>x".repeat(20_000)));
    }

    #[test]
    fn markup_that_would_explode_is_not() {
        let repeated = format!("{}{}", "<b a=1>".repeat(200), "<p>x".repeat(50_000));

        assert!(!is_bounded(&"<div>".repeat(1_000)));
        assert!(!is_bounded(&"<div></span>".repeat(1_000)));
        assert!(!is_bounded(&"<div><b x></div>".repeat(5_000)));
        assert!(!is_bounded(&repeated));
        assert!(!is_bounded(&"<br>".repeat(200_000)));
    }
}
