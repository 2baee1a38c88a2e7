//! An outcome against what it must be.

use serde_json::Value;
use webscripts_testkit::json::python_text;
use webscripts_testkit::{Answer, Outcome};

use crate::expected::{Body, Demand, Expected, Time};
use crate::listings::digest;
use crate::placeholders::is_cookie;
use crate::transcript::Request;
use crate::wire;

/// Longest text that a difference shows.
const SHOWN: usize = 300;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub what: String,
    /// What it must be.
    pub wanted: String,
    /// What it is.
    pub ours: String,
}

impl Difference {
    /// A difference with both sides cut to what can be read.
    pub fn new(what: &str, wanted: &str, ours: &str) -> Self {
        Self { what: what.to_owned(), wanted: shorten(wanted), ours: shorten(ours) }
    }
}

/// An outcome with the time it took.
pub struct Measured {
    /// What came back.
    pub outcome: Outcome,
    /// After how many seconds.
    pub seconds: f64,
}

/// What is not as it must be; nothing if all is.
pub fn compare(
    measured: &Measured,
    expected: &Expected,
    request: &Request,
    secure: &[(String, String)],
) -> Vec<Difference> {
    let demand = match expected {
        Expected::Nothing => return nothing(&measured.outcome),
        Expected::Headless => {
            return vec![Difference::new("answer", "(a body without a head)", &show(measured))];
        }
        Expected::Answer(demand) => demand,
    };
    let Outcome::Answered(answer) = &measured.outcome else {
        return vec![Difference::new("answer", &demand.status.to_string(), &show(measured))];
    };
    if answer.status != demand.status {
        return vec![Difference::new("answer", &demand.status.to_string(), &show(measured))];
    }
    let mut differences = Vec::new();
    if demand.from_page {
        differences.extend(headers(answer, demand));
        differences.extend(wire::check(answer, demand, request, secure));
    }
    differences.extend(body(answer, &demand.body));
    let is_in_time = match demand.time {
        Time::Any => true,
        Time::AtLeast(seconds) => measured.seconds >= seconds,
        Time::Below(seconds) => measured.seconds < seconds,
    };
    if !is_in_time {
        let seconds = format!("{:.1} s", measured.seconds);
        differences.push(Difference::new("time", &format!("{:?}", demand.time), &seconds));
    }
    differences
}

fn nothing(outcome: &Outcome) -> Vec<Difference> {
    match outcome {
        Outcome::Silent => Vec::new(),
        Outcome::Closed(bytes) if bytes.is_empty() => Vec::new(),
        other => vec![Difference::new("answer", "(none)", &format!("{other:?}"))],
    }
}

fn headers(answer: &Answer, demand: &Demand) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(wanted) = &demand.content_type {
        let ours = answer.header("Content-Type").unwrap_or("(absent)");
        if !ours.eq_ignore_ascii_case(wanted) {
            differences.push(Difference::new("header Content-Type", wanted, ours));
        }
    }
    let ours = answer.header("Location");
    if ours != demand.location.as_deref() {
        let wanted = demand.location.as_deref().unwrap_or("(absent)");
        differences.push(Difference::new("header Location", wanted, ours.unwrap_or("(absent)")));
    }
    let cookies: Vec<&str> = answer.headers_named("Set-Cookie").collect();
    let is_right = match (&demand.set_cookie, cookies.as_slice()) {
        (None, []) => true,
        (Some(wanted), [ours]) => is_cookie(wanted, ours),
        _ => false,
    };
    if !is_right {
        let wanted = demand.set_cookie.as_deref().unwrap_or("(absent)");
        differences.push(Difference::new("header Set-Cookie", wanted, &cookies.join(" | ")));
    }
    differences
}

fn body(answer: &Answer, wanted: &Body) -> Vec<Difference> {
    let different = |wanted: &str| vec![Difference::new("body", wanted, &answer.text())];
    match wanted {
        Body::Any => Vec::new(),
        Body::Page if answer.status == 301 || !answer.body.is_empty() => Vec::new(),
        Body::Page => different("(a page)"),
        Body::Empty if answer.body.is_empty() => Vec::new(),
        Body::Empty => different("(empty)"),
        Body::Text(text) if text.as_bytes() == answer.body => Vec::new(),
        Body::Text(text) => different(text),
        Body::Digest(sha256) if *sha256 == digest(&answer.body) => Vec::new(),
        Body::Digest(sha256) => different(&format!("(SHA-256 {sha256})")),
        Body::Json(wanted) => match answer.json() {
            Ok(ours) => json(wanted, &ours, "body"),
            Err(_) => different(&python_text(wanted)),
        },
    }
}

/// Where two values differ; the order of keys counts.
pub fn json(wanted: &Value, ours: &Value, place: &str) -> Vec<Difference> {
    match (wanted, ours) {
        (Value::Object(wanted), Value::String(ours)) if wanted.contains_key("$long_string") => {
            long_string(&wanted["$long_string"], ours, place)
        }
        (Value::Object(wanted), Value::Object(ours)) => {
            let mut differences = Vec::new();
            let keys = |map: &serde_json::Map<String, Value>| {
                map.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
            };
            if keys(wanted) != keys(ours) {
                let place = format!("keys of {place}");
                differences.push(Difference::new(&place, &keys(wanted), &keys(ours)));
            }
            let both =
                wanted.iter().filter_map(|(key, wanted)| Some((key, wanted, ours.get(key)?)));
            differences.extend(both.flat_map(|(key, w, o)| json(w, o, &format!("{place}.{key}"))));
            differences
        }
        (Value::Array(wanted), Value::Array(ours)) if wanted.len() == ours.len() => {
            let pairs = wanted.iter().zip(ours).enumerate();
            pairs.flat_map(|(at, (w, o))| json(w, o, &format!("{place}[{at}]"))).collect()
        }
        (Value::String(wanted), Value::String(ours)) if *wanted == without_traces(ours) => {
            Vec::new()
        }
        _ if wanted == ours => Vec::new(),
        _ => vec![Difference::new(place, &python_text(wanted), &python_text(ours))],
    }
}

fn long_string(wanted: &Value, ours: &str, place: &str) -> Vec<Difference> {
    let is_equal = wanted["length"] == ours.chars().count()
        && wanted["sha256"].as_str() == Some(digest(ours.as_bytes()).as_str());
    if is_equal {
        return Vec::new();
    }
    let wanted = format!("{} characters: {}", wanted["length"], wanted["first_120"]);
    let ours = format!("{} characters: {ours}", ours.chars().count());
    vec![Difference::new(place, &wanted, &ours)]
}

/// A trace of a Python error as it is recorded: without the quoted lines of the program, which differ
/// between versions of Python, and without their numbers.
fn without_traces(text: &str) -> String {
    if !text.contains("Traceback (most recent call last):\n") {
        return text.to_owned();
    }
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("    "));
    lines
        .map(|line| match line.split_once("\", line ") {
            Some((before, after)) if line.starts_with("  File \"") => {
                let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{before}\", line <N>{rest}")
            }
            _ => line.to_owned(),
        })
        .collect()
}

fn show(measured: &Measured) -> String {
    match &measured.outcome {
        Outcome::Answered(answer) => {
            let kind = answer.header("Content-Type").unwrap_or("no type");
            let place = answer.header("Location").map(|to| format!(" → {to}")).unwrap_or_default();
            format!("{} {}{place} ({kind}) {}", answer.status, answer.reason, answer.text())
        }
        Outcome::Silent => "(silence)".to_owned(),
        Outcome::Closed(bytes) => {
            format!("(closed after {:?})", String::from_utf8_lossy(bytes))
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => {
            format!("{}… ({} bytes)", text.get(..at).unwrap_or_default(), text.len())
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    fn places(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.what.as_str()).collect()
    }

    #[test]
    fn the_order_of_keys_counts() {
        let found = json(&value!({"a": 1, "b": 2}), &value!({"b": 2, "a": 1}), "body");

        assert_eq!(places(&found), ["keys of body"]);
    }

    #[test]
    fn a_difference_names_its_place() {
        let found = json(&value!({"a": [1, {"b": "x"}]}), &value!({"a": [1, {"b": "y"}]}), "body");

        assert_eq!(found, [Difference::new("body.a[1].b", "\"x\"", "\"y\"")]);
    }

    #[test]
    fn a_long_text_is_compared_by_its_digest() {
        let recorded = value!({"$long_string": {
            "length": 3, "first_120": "xxx",
            "sha256": "cd2eb0837c9b4c962c22d2ff8b5441b7b45805887f051d39bf133b583baf6860",
        }});

        assert!(json(&recorded, &value!("xxx"), "body").is_empty());
        assert_eq!(places(&json(&recorded, &value!("xxy"), "body")), ["body"]);
    }

    #[test]
    fn traces_are_compared_without_program_lines() {
        let ours = "Traceback (most recent call last):\n  File \"/a.py\", line 8, in <module>\n    \
                    sys.exit(int(x))\n             ^^^^^^\nValueError: bad\n";

        assert_eq!(
            without_traces(ours),
            "Traceback (most recent call last):\n  File \"/a.py\", line <N>, in <module>\nValueError: bad\n"
        );
    }

    #[test]
    fn silence_and_a_closed_connection_are_no_answer() {
        for outcome in [Outcome::Silent, Outcome::Closed(vec![])] {
            let measured = Measured { outcome, seconds: 0.0 };
            let request = Request::default();
            assert!(compare(&measured, &Expected::Nothing, &request, &[]).is_empty());
        }
    }
}
