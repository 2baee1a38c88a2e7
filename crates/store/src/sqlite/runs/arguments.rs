//! Arguments as they stand in the table: JSON, and words to search for.

use serde_json::{Map, Value};
use webscripts_domain::run::{RecordedArgument, RecordedValue};

/// Characters that can be searched for.
const WORDS: usize = 1024;

/// The arguments as a JSON array.
pub(super) fn to_json(arguments: &[RecordedArgument]) -> String {
    arguments.iter().map(argument_to_json).collect::<Value>().to_string()
}

fn argument_to_json(argument: &RecordedArgument) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), argument.name.clone().into());
    if let RecordedValue::Json(value) = &argument.value {
        object.insert("value".to_owned(), value.clone().into());
    }
    for (name, is_so) in [("input", argument.input), ("cut", argument.cut)] {
        if is_so {
            object.insert(name.to_owned(), true.into());
        }
    }
    Value::Object(object)
}

/// Reads what [`to_json`] has written.
pub(super) fn from_json(text: &str) -> Option<Vec<RecordedArgument>> {
    let arguments: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    arguments.iter().map(argument_from_json).collect()
}

fn argument_from_json(object: &Map<String, Value>) -> Option<RecordedArgument> {
    let is = |name| object.get(name) == Some(&Value::Bool(true));
    let value = match object.get("value") {
        None => RecordedValue::Secret,
        Some(value) => RecordedValue::Json(value.as_str()?.to_owned()),
    };
    let name = object.get("name")?.as_str()?.to_owned();
    Some(RecordedArgument { name, value, input: is("input"), cut: is("cut") })
}

/// Names and values in lower case, each on a line, as far as they can be searched for.
pub(super) fn words(arguments: &[RecordedArgument]) -> String {
    let mut words = String::new();
    for argument in arguments {
        push(&mut words, &argument.name);
        if let RecordedValue::Json(text) = &argument.value {
            match serde_json::from_str(text) {
                Ok(Value::Null) => {}
                Ok(Value::Number(_)) | Err(_) => push(&mut words, text),
                Ok(value) => push_value(&mut words, &value),
            }
        }
        if words.len() >= WORDS {
            break;
        }
    }
    let end = words.char_indices().nth(WORDS).map_or(words.len(), |(end, _)| end);
    words.truncate(end);
    words
}

fn push(words: &mut String, text: &str) {
    words.extend(text.chars().take(WORDS).flat_map(char::to_lowercase));
    words.push('\n');
}

fn push_value(words: &mut String, value: &Value) {
    match value {
        Value::String(text) => push(words, text),
        Value::Array(values) => values.iter().for_each(|value| push_value(words, value)),
        Value::Object(values) => values.values().for_each(|value| push_value(words, value)),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => push(words, &value.to_string()),
    }
}
