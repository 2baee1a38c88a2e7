//! The public description of a script: what `/api/` lists and `SCRIPT_CONFIG` carries (scripts.md §5).

use serde_json::{Map, Value, json};

use crate::catalogue::{Argument, Script};

/// The description of `script` for the API, without secrets; keys in the order of the reference.
pub fn describe(script: &Script) -> Map<String, Value> {
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    set("documentation_content_type", json!(script.documentation_content_type));
    set("stderr_content_type", json!(script.stderr_content_type));
    set("content_type", json!(script.content_type));
    set("description", json!(script.description));
    set("category", json!(script.category));
    for (key, value) in &script.custom {
        set(key, value.clone());
    }
    set("name", json!(script.name.as_str()));
    let arguments: Vec<Value> =
        script.arguments.iter().map(|argument| describe_argument(argument).into()).collect();
    set("args", arguments.into());
    out
}

/// The description for the script itself: with `secrets` (scripts.md §5 `Do`).
pub fn describe_for_script(script: &Script) -> Map<String, Value> {
    let mut out = describe(script);
    if let Some(secrets) = &script.secrets {
        out.insert("secrets".to_owned(), secrets.clone());
    }
    out
}

fn describe_argument(argument: &Argument) -> Map<String, Value> {
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    set("javascript_attributs", Value::Object(argument.javascript_attributes.clone()));
    set("default_value", json!(argument.default_value));
    set("is_advanced", json!(argument.advanced));
    set("html_type", json!(argument.html_type));
    set("description", json!(argument.description));
    set("example", json!(argument.example));
    set("input", json!(argument.input));
    if let Some(choices) = &argument.choices {
        set("predefined_values", json!(choices));
    }
    if let Some(list) = argument.list {
        set("list", json!(list));
    }
    if let Some(section) = &argument.javascript_section {
        set("javascript_section", json!(section));
    }
    for (key, value) in &argument.custom {
        set(key, value.clone());
    }
    set("name", json!(argument.name));
    out
}

/// JSON as Python's `json.dumps` writes it: ASCII only, `", "` and `": "` between items.
pub fn python_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
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

/// Appends `text` as a JSON string with every character beyond ASCII escaped.
pub fn write_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

/// Appends what stands between the quotes of such a string. Parts of a text that are written one
/// after the other give the whole.
pub fn write_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    // Runs of plain bytes are copied as a whole: output of scripts may be megabytes.
    while let Some(at) = first_special(rest.as_bytes()) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            write_escape(out, character);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// The place of the first byte that is not written as it is. A character begins there, because the
/// bytes before it are ASCII.
fn first_special(bytes: &[u8]) -> Option<usize> {
    /// Looked at without a branch, so that the compiler uses wide registers.
    const BLOCK: usize = 32;
    let is_plain = |block: &&[u8]| !block.iter().fold(false, |any, byte| any | needs_escape(*byte));
    let plain = bytes.chunks_exact(BLOCK).take_while(is_plain).count() * BLOCK;
    let rest = bytes.get(plain..).unwrap_or_default();
    rest.iter().position(|byte| needs_escape(*byte)).map(|at| plain + at)
}

fn needs_escape(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~') || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        other => {
            let mut units = [0; 2];
            for unit in other.encode_utf16(&mut units) {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = u32::from(*unit >> shift) & 0xf;
                    out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"a": [1, true, null], "b": "é€😀\"\\\n\u{7f}", "c": {}});

        assert_eq!(
            python_json(&value),
            "{\"a\": [1, true, null], \"b\": \"\\u00e9\\u20ac\\ud83d\\ude00\\\"\\\\\\n\\u007f\", \"c\": {}}"
        );
    }
    #[test]
    fn long_runs_of_plain_text_are_kept_around_what_is_escaped() {
        for before in 0..70 {
            let text = format!("{}\n{}\u{e9}", "x".repeat(before), "y".repeat(40));
            let mut out = String::new();
            write_escaped(&mut out, &text);

            let expected = format!("{}\\n{}\\u00e9", "x".repeat(before), "y".repeat(40));
            assert_eq!(out, expected);
        }
    }
}
