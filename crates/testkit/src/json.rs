//! JSON as existing clients and the recorded exchanges write it.

use std::fmt::Write as _;

use serde_json::Value;

/// JSON as Python's `json.dumps` writes it: ASCII only, `", "` and `": "` between items, the order
/// of keys kept. Floats are written as serde does.
pub fn python_text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The body of a request to run a script, as the existing client sends it: `arguments` is an object
/// of name → value; no value goes to standard input.
pub fn run_body(arguments: &Value) -> Value {
    let mut wrapped = serde_json::Map::new();
    for (name, value) in arguments.as_object().into_iter().flatten() {
        wrapped.insert(name.clone(), serde_json::json!({"value": value, "input": false}));
    }
    serde_json::json!({ "arguments": wrapped })
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index);
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                separate(out, index);
                write_string(out, key);
                out.push_str(": ");
                write_value(out, item);
            }
            out.push('}');
        }
        Value::String(text) => write_string(out, text),
        other => out.push_str(&other.to_string()),
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push_str(", ");
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_that_of_python() {
        let value = json!({"b": [1, true, null, -5], "a": {"é€😀": "\"\\\n\u{7f}\u{1b}"}, "c": []});

        assert_eq!(
            python_text(&value),
            r#"{"b": [1, true, null, -5], "a": {"\u00e9\u20ac\ud83d\ude00": "\"\\\n\u007f\u001b"}, "c": []}"#
        );
    }

    #[test]
    fn the_body_of_a_run_wraps_each_value() {
        assert_eq!(
            python_text(&run_body(&json!({"z": "1", "a": true}))),
            r#"{"arguments": {"z": {"value": "1", "input": false}, "a": {"value": true, "input": false}}}"#
        );
    }
}
