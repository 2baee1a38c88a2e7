//! From what a file says to the type of a key (configuration.md §6 `Do`).

use serde_json::{Number, Value};
use webscripts_domain::catalogue::RateLimit;
use webscripts_domain::number::python_float;

use crate::keys::Kind;

/// A value that does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

fn refuse<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), help: help.into() })
}

/// The value in the type of its key. Null stays null. Values that fit already are not changed.
///
/// # Errors
///
/// What is wrong and what to write.
pub fn coerce(kind: Kind, value: &Value) -> Result<Value, Refusal> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match kind {
        Kind::Flag => flag(value).map(Value::Bool),
        Kind::Whole { least, most } => whole(value, least, most).map(Value::from),
        Kind::Bytes { least, most } => bytes(value, least, most).map(Value::from),
        Kind::Rate => rate(value).map(Value::from),
        Kind::Digest => digest(value).map(Value::from),
        Kind::Network => network(value),
        Kind::Number => number(value),
        Kind::Text => text(value).map(Value::from),
        Kind::Texts => texts(value).map(Value::from),
        Kind::Wholes => wholes(value).map(Value::from),
        Kind::Level => level(value).map(Value::from),
        Kind::Word(words) => word(value, words).map(Value::from),
        Kind::Question => question(value),
        Kind::Object if value.is_object() => Ok(value.clone()),
        Kind::Object => refuse(format!("{} is no object", shown(value)), "write a JSON object"),
        Kind::Any => Ok(value.clone()),
    }
}

/// A value in a message, at most 60 characters of it.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        other => other.to_string(),
    };
    let cut: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let end = if text.chars().count() > 60 { "…" } else { "" };
    format!("`{cut}{end}`")
}

fn flag(value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        other => refuse(
            format!("{} is neither `true` nor `false`", shown(other)),
            "write `true` or `false`",
        ),
    }
}

fn whole(value: &Value, least: u64, most: u64) -> Result<u64, Refusal> {
    let help = format!("write a whole number from {least} to {most}");
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => return refuse(format!("{} is no whole number", shown(other)), help),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.strip_prefix('-').is_some_and(digits) {
        return refuse(format!("{} is negative", shown(value)), help);
    }
    if !digits(&text) {
        return refuse(format!("{} is no whole number", shown(value)), help);
    }
    match text.parse::<u64>() {
        Ok(number) if number < least => refuse(format!("{} is too small", shown(value)), help),
        Ok(number) if number <= most => Ok(number),
        _ => refuse(format!("{} is too large", shown(value)), help),
    }
}

/// Powers of 1024 by their names.
const UNITS: [(&[&str], u32); 5] = [
    (&["B"], 0),
    (&["K", "KiB"], 10),
    (&["M", "MiB"], 20),
    (&["G", "GiB"], 30),
    (&["T", "TiB"], 40),
];

fn bytes(value: &Value, least: u64, most: u64) -> Result<u64, Refusal> {
    let Some((digits, shift)) = value.as_str().and_then(with_unit) else {
        return whole(value, least, most).map_err(|Refusal { message, help }| Refusal {
            message,
            help: format!("{help}, or one such as `512 MiB`"),
        });
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let wrong = match number {
        Some(number) if (least..=most).contains(&number) => return Ok(number),
        Some(number) if number < least => "small",
        _ => "large",
    };
    refuse(
        format!("{} is too {wrong}", shown(value)),
        format!("write a size of {least} to {most} bytes"),
    )
}

/// The digits of `512M` or `2 GiB`, and the power of two they are multiplied with.
fn with_unit(text: &str) -> Option<(&str, u32)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    let (digits, unit) = text.split_at_checked(end)?;
    let (_, shift) = UNITS.into_iter().find(|(names, _)| names.contains(&unit.trim_start()))?;
    Some((digits, shift))
}

fn rate(value: &Value) -> Result<String, Refusal> {
    let limit = value.as_str().and_then(RateLimit::parse);
    limit.map_or_else(
        || {
            refuse(
                format!("{} is no number of runs per time", shown(value)),
                "write one such as `10/minute`, `1/second` or `100/hour`",
            )
        },
        |limit| Ok(limit.to_string()),
    )
}

fn digest(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text)
            if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            Ok(text.to_ascii_lowercase())
        }
        other => refuse(
            format!("{} is no SHA-256 digest", shown(other)),
            "write the 64 hexadecimal digits that `sha256sum` prints",
        ),
    }
}

fn network(value: &Value) -> Result<Value, Refusal> {
    if let Ok(flag) = flag(value) {
        return Ok(Value::Bool(flag));
    }
    let help = "write `true`, `false` or TCP ports such as [80, 443]";
    let port = |item: &Value| whole(item, 1, 65535).ok();
    let ports: Option<Vec<u64>> = match value {
        Value::String(text) => split(text).map(|item| port(&Value::from(item))).collect(),
        Value::Array(items) => items.iter().map(port).collect(),
        Value::Number(_) => port(value).map(|port| vec![port]),
        _ => None,
    };
    match ports {
        Some(ports) if !ports.is_empty() && ports.len() <= MAX_PORTS => Ok(Value::from(ports)),
        _ => refuse(format!("{} is no list of ports", shown(value)), help),
    }
}

/// Most ports of one sandbox.
const MAX_PORTS: usize = 1000;

fn number(value: &Value) -> Result<Value, Refusal> {
    let parsed = match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => text
            .parse::<i64>()
            .ok()
            .map(Value::from)
            .or_else(|| text.parse().ok().and_then(Number::from_f64).map(Value::Number)),
        _ => None,
    };
    parsed.map_or_else(
        || refuse(format!("{} is no number", shown(value)), "write a number such as 12, -3 or 0.5"),
        Ok,
    )
}

fn text(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        // Not shown: it may be a secret.
        _ => refuse("the value is no text", "write text in quotes"),
    }
}

/// The items of a text list, trimmed and without empty ones.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn texts(value: &Value) -> Result<Vec<String>, Refusal> {
    match value {
        Value::String(text) => Ok(split(text).map(str::to_owned).collect()),
        Value::Array(items) => items.iter().map(item_text).collect(),
        other => refuse(format!("{} is no list", shown(other)), "write a list of texts"),
    }
}

/// Numbers and flags in lists become the text that a form would send.
fn item_text(item: &Value) -> Result<String, Refusal> {
    match item {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number_text(number)),
        other => {
            refuse(format!("the list holds {}", shown(other)), "write texts or numbers in the list")
        }
    }
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => python_float(float),
        _ => number.to_string(),
    }
}

fn wholes(value: &Value) -> Result<Vec<u64>, Refusal> {
    let most = i64::MAX.unsigned_abs();
    match value {
        Value::String(text) => {
            text.split(',').map(|item| whole(&Value::from(item.trim()), 0, most)).collect()
        }
        Value::Array(items) => items.iter().map(|item| whole(item, 0, most)).collect(),
        Value::Number(_) => Ok(vec![whole(value, 0, most)?]),
        other => refuse(
            format!("{} is no list of whole numbers", shown(other)),
            "write 50 or [50, 1000]",
        ),
    }
}

/// Levels of the reference's logs (configuration.md §9).
const LEVELS: &[(&str, u64)] = &[
    ("TRACE", 5),
    ("DEBUG", 10),
    ("INFO", 20),
    ("AUTH", 24),
    ("ACCESS", 25),
    ("RESPONSE", 26),
    ("COMMAND", 27),
    ("WARNING", 30),
    ("ERROR", 40),
    ("CRITICAL", 50),
];

fn level(value: &Value) -> Result<u64, Refusal> {
    let name = match value {
        Value::String(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => text,
        other => return whole(other, 0, 255),
    };
    let known = LEVELS.iter().find(|(level, _)| level == name).map(|(_, number)| *number);
    known.map_or_else(
        || {
            let names: Vec<&str> = LEVELS.iter().map(|(name, _)| *name).collect();
            let help = format!("write a number or one of {}", names.join(", "));
            refuse(format!("{} is no level", shown(value)), help)
        },
        Ok,
    )
}

fn word(value: &Value, words: &[&str]) -> Result<String, Refusal> {
    match value {
        Value::String(text) if words.contains(&text.as_str()) => Ok(text.clone()),
        other => refuse(
            format!("{} is not known here", shown(other)),
            format!("write `{}`", words.join("` or `")),
        ),
    }
}

fn question(value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        Value::String(_) | Value::Bool(_) => Ok(value.clone()),
        other => refuse(format!("{} is no question", shown(other)), "write the question as text"),
    }
}
