//! Attributes of controls that a configuration may set (`javascript_attributs`, web-ui.md B6.3).

use serde_json::Value;
use webscripts_domain::catalogue::Argument;

use super::field::Attribute;

/// Attributes whose value is passed on.
const WITH_VALUE: [&str; 14] = [
    "accept",
    "autocomplete",
    "dir",
    "inputmode",
    "lang",
    "max",
    "maxlength",
    "min",
    "minlength",
    "pattern",
    "placeholder",
    "rows",
    "spellcheck",
    "step",
];

/// Attributes that are there or not.
const WITHOUT_VALUE: [&str; 3] = ["disabled", "multiple", "readonly"];

/// Attributes that something else of the form is made from.
const ELSEWHERE: [&str; 4] = ["checked", "list", "required", "title"];

/// What becomes of a configured attribute.
enum Use {
    Value,
    Flag,
    Elsewhere,
    Refused,
}

fn use_of(name: &str) -> Use {
    if WITH_VALUE.contains(&name) || is_data(name) {
        Use::Value
    } else if WITHOUT_VALUE.contains(&name) {
        Use::Flag
    } else if ELSEWHERE.contains(&name) {
        Use::Elsewhere
    } else {
        Use::Refused
    }
}

/// `data-` and a plain name. The pages keep their own data under `data-ws-`.
fn is_data(name: &str) -> bool {
    name.strip_prefix("data-").is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with("ws-")
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || b"0123456789-".contains(&byte))
    })
}

/// The configured attributes of an argument that its control gets.
///
/// Handlers, styles, addresses and everything else that could change what the page does is left
/// out: see [`refused_attributes`].
pub(super) fn allowed_attributes(argument: &Argument) -> Vec<Attribute> {
    let mut allowed = Vec::new();
    for (name, value) in &argument.javascript_attributes {
        let name = name.to_ascii_lowercase();
        match use_of(&name) {
            Use::Value => {
                if let Some(text) = text(value) {
                    allowed.push(Attribute { name, value: Some(text) });
                }
            }
            Use::Flag if is_set(value) => allowed.push(Attribute { name, value: None }),
            Use::Flag | Use::Elsewhere | Use::Refused => {}
        }
    }
    allowed
}

/// Names of configured attributes that no control gets; worth a warning in the log.
pub fn refused_attributes(argument: &Argument) -> Vec<&str> {
    argument
        .javascript_attributes
        .keys()
        .filter(|name| matches!(use_of(&name.to_ascii_lowercase()), Use::Refused))
        .map(String::as_str)
        .collect()
}

/// A configured attribute, by its name in small letters.
pub(super) fn configured<'a>(argument: &'a Argument, name: &str) -> Option<&'a Value> {
    let found =
        argument.javascript_attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// Whether an attribute without value is on: `false` alone switches it off.
pub(super) fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value != "false"
}

/// The text of a plain value.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
