//! What is kept of the arguments of a run, and how a run is repeated from it.
//!
//! Secrets are never kept. Everything else is, as far as it is short enough: a record is at most
//! [`MAX_BYTES`] and a little more, whatever was sent.

use crate::request::{RequestArgument, RunRequest, Value};
use crate::run::{RecordedArgument, RecordedValue};

/// Longest value that is kept whole, in bytes of JSON text.
pub const MAX_VALUE_BYTES: usize = 4096;
/// Longest name that is kept whole, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// Names and values that are kept of one run, in bytes; then follows one argument `…` that is cut.
pub const MAX_BYTES: usize = 64 * 1024;

/// Records arguments in the order of the request. `name_of_secret`: the name to record for a member
/// of this name that holds a secret; `None`: it holds none.
pub(crate) fn record<'n>(
    request: &RunRequest,
    name_of_secret: impl Fn(&str) -> Option<&'n str>,
) -> Vec<RecordedArgument> {
    let mut recorded = Vec::new();
    let mut room = MAX_BYTES;
    for argument in &request.arguments {
        let one = record_one(argument, name_of_secret(&argument.name));
        let Some(left) = room.checked_sub(bytes(&one)) else {
            recorded.push(rest());
            break;
        };
        room = left;
        recorded.push(one);
    }
    recorded
}

fn record_one(argument: &RequestArgument, name_of_secret: Option<&str>) -> RecordedArgument {
    let name = name_of_secret.unwrap_or(&argument.name);
    let kept_name = beginning(name, MAX_NAME_BYTES);
    let (value, is_value_cut) = if name_of_secret.is_some() {
        (RecordedValue::Secret, false)
    } else {
        let (json, is_cut) = shortened(&argument.value, MAX_VALUE_BYTES);
        (RecordedValue::Json(json), is_cut)
    };
    RecordedArgument {
        name: kept_name.to_owned(),
        value,
        input: argument.input,
        cut: is_value_cut || kept_name.len() < name.len(),
    }
}

fn bytes(argument: &RecordedArgument) -> usize {
    let value = match &argument.value {
        RecordedValue::Secret => 0,
        RecordedValue::Json(json) => json.len(),
    };
    argument.name.len() + value
}

/// Stands for the arguments that there was no room for.
fn rest() -> RecordedArgument {
    RecordedArgument {
        name: "…".to_owned(),
        value: RecordedValue::Json("null".to_owned()),
        input: false,
        cut: true,
    }
}

/// The value as JSON text of at most `most` bytes, and whether something is missing.
fn shortened(value: &Value, most: usize) -> (String, bool) {
    match value {
        Value::Text(text) => shortened_text(text, most),
        Value::List(items) => shortened_list(items, most),
        other => {
            let json = other.to_json();
            if json.len() <= most { (json, false) } else { ("null".to_owned(), true) }
        }
    }
}

fn shortened_text(text: &str, most: usize) -> (String, bool) {
    let mut kept = beginning(text, most.saturating_sub(2));
    loop {
        let json = Value::Text(kept.to_owned()).to_json();
        let Some(too_many) = json.len().checked_sub(most).filter(|bytes| *bytes > 0) else {
            return (json, kept.len() < text.len());
        };
        // Escapes make it longer: at most six bytes for one.
        kept = beginning(kept, kept.len().saturating_sub(too_many.div_ceil(6)));
    }
}

/// As many items as there is room for; the last one shortened.
fn shortened_list(items: &[Value], most: usize) -> (String, bool) {
    let mut json = String::from("[");
    for item in items {
        let separator = if json.len() > 1 { "," } else { "" };
        let room = most.saturating_sub(json.len() + separator.len() + 1);
        if room < 4 {
            return (json + "]", true);
        }
        let (text, is_cut) = shortened(item, room);
        json.push_str(separator);
        json.push_str(&text);
        if is_cut {
            return (json + "]", true);
        }
    }
    (json + "]", false)
}

/// The longest beginning of at most `most` bytes.
fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// A run cannot be repeated because values are not in its record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not recorded: {}", .arguments.join(", "))]
pub struct NotRecorded {
    /// The arguments whose values are secret, or too long to be kept.
    pub arguments: Vec<String>,
}

/// The request that leads to the same run, without CSRF token.
///
/// # Errors
///
/// When a value is missing.
pub fn repeat(recorded: &[RecordedArgument]) -> Result<RunRequest, NotRecorded> {
    let mut arguments = Vec::with_capacity(recorded.len());
    let mut missing = Vec::new();
    for argument in recorded {
        match whole_value(argument) {
            Some(value) => arguments.push(RequestArgument {
                name: argument.name.clone(),
                value,
                input: argument.input,
            }),
            None => missing.push(argument.name.clone()),
        }
    }
    if missing.is_empty() {
        Ok(RunRequest { arguments, csrf_token: None })
    } else {
        Err(NotRecorded { arguments: missing })
    }
}

fn whole_value(argument: &RecordedArgument) -> Option<Value> {
    match &argument.value {
        RecordedValue::Json(json) if !argument.cut => Value::from_json(json),
        RecordedValue::Json(_) | RecordedValue::Secret => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(arguments: &[(&str, Value)]) -> RunRequest {
        let arguments = arguments
            .iter()
            .map(|(name, value)| RequestArgument {
                name: (*name).to_owned(),
                value: value.clone(),
                input: *name == "in",
            })
            .collect();
        RunRequest { arguments, csrf_token: Some("token".to_owned()) }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn json(name: &str, json: &str, cut: bool) -> RecordedArgument {
        let value = RecordedValue::Json(json.to_owned());
        RecordedArgument { name: name.to_owned(), value, input: name == "in", cut }
    }

    fn record_all(arguments: &[(&str, Value)]) -> Vec<RecordedArgument> {
        record(&request(arguments), |_| None)
    }

    #[test]
    fn a_run_is_repeated_from_its_record() {
        let sent = request(&[
            ("--count", Value::Number("1.50".to_owned())),
            ("list", Value::List(vec![text("a\"é\u{1}"), Value::Number("2".into()), Value::Null])),
            ("yes", Value::Boolean(true)),
            ("none", Value::Null),
            ("in", text("one\ntwo")),
        ]);

        let recorded = record(&sent, |_| None);

        assert_eq!(
            recorded,
            [
                json("--count", "1.50", false),
                json("list", r#"["a\"é\u0001",2,null]"#, false),
                json("yes", "true", false),
                json("none", "null", false),
                json("in", r#""one\ntwo""#, false),
            ]
        );
        assert_eq!(repeat(&recorded), Ok(RunRequest { csrf_token: None, ..sent }));
    }

    #[test]
    fn secrets_are_markers_under_a_name_that_does_not_hold_them() {
        let sent = request(&[("--pin=1234", Value::Boolean(true)), ("x", text("y"))]);

        let recorded = record(&sent, |name| name.starts_with("--pin").then_some("--pin"));

        let secret = RecordedArgument {
            name: "--pin".to_owned(),
            value: RecordedValue::Secret,
            input: false,
            cut: false,
        };
        assert_eq!(recorded, [secret, json("x", r#""y""#, false)]);
        assert_eq!(repeat(&recorded), Err(NotRecorded { arguments: vec!["--pin".to_owned()] }));
    }

    #[test]
    fn long_values_are_cut_and_stay_json() {
        for value in [
            text(&"x".repeat(5000)),
            text(&"€".repeat(5000)),
            text(&"\u{1}\"é".repeat(5000)),
            Value::List(vec![text("abc"); 5000]),
            Value::List(vec![text("a"), text(&"\n".repeat(5000))]),
            Value::Number("1".repeat(5000)),
        ] {
            let recorded = record_all(&[("a", value)]);

            let RecordedValue::Json(kept) = &recorded[0].value else { panic!("no value") };
            assert!(kept.len() <= MAX_VALUE_BYTES);
            assert!(Value::from_json(kept).is_some(), "{kept}");
            assert!(recorded[0].cut);
            assert_eq!(repeat(&recorded), Err(NotRecorded { arguments: vec!["a".to_owned()] }));
        }
        let whole = text(&"x".repeat(MAX_VALUE_BYTES - 2));
        assert!(!record_all(&[("a", whole)])[0].cut);
    }

    #[test]
    fn long_names_are_cut() {
        let recorded = record_all(&[(&"é".repeat(200), text(""))]);

        assert_eq!(recorded, [json(&"é".repeat(128), r#""""#, true)]);
    }

    #[test]
    fn a_record_has_an_end_whatever_was_sent() {
        let names: Vec<String> = (0..4096).map(|number| format!("a{number}")).collect();
        let many: Vec<(&str, Value)> =
            names.iter().map(|name| (name.as_str(), text(&"x".repeat(100)))).collect();

        let recorded = record_all(&many);

        assert!(recorded.iter().map(bytes).sum::<usize>() <= MAX_BYTES + 16);
        assert!(recorded.len() > 500);
        assert_eq!(recorded.last(), Some(&rest()));
        assert_eq!(repeat(&recorded), Err(NotRecorded { arguments: vec!["…".to_owned()] }));
    }
}
