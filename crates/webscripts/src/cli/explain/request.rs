//! From `--arg` to the request that the page of a script would send.

use webscripts_domain::catalogue::{Argument, Script};
use webscripts_domain::request::{RequestArgument, RunRequest, Value};

/// The request with these `NAME=VALUE`; repeated names become a list, `NAME` alone is a ticked box.
pub fn read(given: &[String], script: Option<&Script>) -> RunRequest {
    let mut arguments: Vec<RequestArgument> = Vec::new();
    for text in given {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_str(), None),
        };
        let declared = declared(script, name);
        let value = value_of(value, declared);
        match arguments.iter_mut().find(|argument| argument.name == name) {
            Some(known) => append(&mut known.value, value),
            None => arguments.push(RequestArgument {
                name: name.to_owned(),
                value,
                input: declared.is_some_and(Argument::is_input),
            }),
        }
    }
    RunRequest { arguments, csrf_token: None }
}

fn declared<'a>(script: Option<&'a Script>, name: &str) -> Option<&'a Argument> {
    script?.arguments.iter().find(|declared| declared.name == name)
}

fn value_of(text: Option<&str>, declared: Option<&Argument>) -> Value {
    let is_box = declared
        .is_some_and(|declared| declared.html_type == "checkbox" && declared.choices.is_none());
    match text {
        None => Value::Boolean(true),
        Some("true") if is_box => Value::Boolean(true),
        Some("false") if is_box => Value::Boolean(false),
        Some(text) => Value::Text(text.to_owned()),
    }
}

fn append(known: &mut Value, value: Value) {
    if let Value::List(items) = known {
        items.push(value);
        return;
    }
    let first = std::mem::replace(known, Value::Null);
    *known = Value::List(vec![first, value]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_repeated_name_is_a_list_and_keeps_its_place() {
        let given = ["a=1", "b=x=y", "a=", "a=3", "-v"].map(str::to_owned);

        let request = read(&given, None);

        let read: Vec<(&str, &Value)> =
            request.arguments.iter().map(|a| (a.name.as_str(), &a.value)).collect();
        assert_eq!(
            read,
            [
                ("a", &Value::List(vec![text("1"), text(""), text("3")])),
                ("b", &text("x=y")),
                ("-v", &Value::Boolean(true)),
            ]
        );
    }
}
