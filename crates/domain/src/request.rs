//! The body of a request to run a script, as it arrives: nobody trusts it yet (http-api.md §4).

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Most arguments of one request.
const MAX_ARGUMENTS: usize = 4096;
/// Most items of one list.
const MAX_ITEMS: usize = 10_000;
/// Most keys of other objects in a body.
const MAX_KEYS: usize = 64;

/// A value as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, in the digits of the client.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object; never usable.
    Object,
    /// A string that holds no valid text, such as a lone surrogate.
    BrokenText,
}

impl Value {
    /// Whether the reference would drop it: `null`, `""`.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The value as JSON text, numbers in the digits of the client; `null` for what no request can
    /// be made of.
    pub fn to_json(&self) -> String {
        match self {
            Self::Null | Self::Object | Self::BrokenText => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(digits) => digits.clone(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_json).collect();
                format!("[{}]", items.join(","))
            }
        }
    }

    /// Reads JSON text as in the body of a request; `None` if it is no JSON or an object.
    pub fn from_json(text: &str) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        read_value(raw).ok().filter(|value| *value != Self::Object)
    }
}

/// A named value of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestArgument {
    /// Name as sent.
    pub name: String,
    /// Value as sent.
    pub value: Value,
    /// Whether the client wants it on standard input.
    pub input: bool,
}

/// A request to run a script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// Arguments in the order of the body.
    pub arguments: Vec<RequestArgument>,
    /// The CSRF token, if a string was sent.
    pub csrf_token: Option<String>,
}

/// Why a body is not a request to run a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// JSON, but of another shape, or no JSON at all.
    #[error("the body is not a WebScripts request: {0}")]
    NotARequest(&'static str),
    /// Not JSON, with the place.
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
    /// Not UTF-8.
    #[error("the body is not UTF-8: byte {0} is wrong")]
    NotUtf8(usize),
    /// A key occurs twice.
    #[error("the name `{0}` occurs twice")]
    Duplicate(String),
    /// An argument without `value`.
    #[error("the argument `{0}` has no `value`")]
    NoValue(String),
    /// More of something than is accepted.
    #[error("the body holds too many {0}")]
    TooMany(&'static str),
}

impl RunRequest {
    /// Reads a JSON body. An empty one is a request without arguments.
    ///
    /// Time and memory are linear in the length; nothing is read deeper than the shape goes.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let text = std::str::from_utf8(body).map_err(|e| BodyError::NotUtf8(e.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root: &RawValue = parse(text)?;
        if !root.get().starts_with('{') {
            return Err(BodyError::NotARequest("it is no object"));
        }
        let root = Entries::parse(root, MAX_KEYS, "keys")?;
        let arguments = root
            .get("arguments")
            .filter(|arguments| arguments.get() != "null")
            .ok_or(BodyError::NotARequest("it has no `arguments`"))?;
        if !arguments.get().starts_with('{') {
            return Err(BodyError::NotARequest("`arguments` is no object"));
        }
        let arguments = Entries::parse(arguments, MAX_ARGUMENTS, "arguments")?
            .0
            .into_iter()
            .map(|(name, value)| read_argument(name, value))
            .collect::<Result<_, _>>()?;
        let csrf_token =
            root.get("csrf_token").and_then(|raw| serde_json::from_str(raw.get()).ok());
        Ok(Self { arguments, csrf_token })
    }
}

fn read_argument(name: String, raw: &RawValue) -> Result<RequestArgument, BodyError> {
    if !raw.get().starts_with('{') {
        return Err(BodyError::NotARequest("an argument is no object"));
    }
    let entries = Entries::parse(raw, MAX_KEYS, "keys")?;
    let Some(value) = entries.get("value") else { return Err(BodyError::NoValue(name)) };
    let value = read_value(value)?;
    if value == Value::Object {
        return Err(BodyError::NotARequest("a value is an object"));
    }
    let input = entries.get("input").is_some_and(|raw| is_true(raw.get()));
    Ok(RequestArgument { name, value, input })
}

fn read_value(raw: &RawValue) -> Result<Value, BodyError> {
    match read_scalar(raw.get()) {
        Value::List(_) => {
            let items: Items = parse(raw.get())?;
            Ok(Value::List(items.0.iter().map(|item| read_scalar(item.get())).collect()))
        }
        scalar => Ok(scalar),
    }
}

/// Reads a value without looking into lists and objects.
fn read_scalar(text: &str) -> Value {
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_or(Value::BrokenText, Value::Text),
        Some(b'[') => Value::List(Vec::new()),
        Some(b'{') => Value::Object,
        Some(b't') => Value::Boolean(true),
        Some(b'f') => Value::Boolean(false),
        Some(b'n') | None => Value::Null,
        Some(_) => Value::Number(text.to_owned()),
    }
}

/// Python's idea of truth, for `input` (scripts.md §6).
fn is_true(text: &str) -> bool {
    let zero = text.parse::<f64>().is_ok_and(|number| number == 0.0);
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).take(3).collect();
    !zero && !matches!(compact.as_str(), "\"\"" | "[]" | "{}") && text != "null" && text != "false"
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BodyError> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        if let Some(name) = message.strip_prefix(DUPLICATE).and_then(|m| m.split('\u{0}').next()) {
            return BodyError::Duplicate(name.to_owned());
        }
        if message.starts_with(TOO_MANY) {
            return BodyError::TooMany("entries");
        }
        BodyError::NotJson(message)
    })
}

// Markers that carry the two errors of our own through the error type of the JSON reader.
const DUPLICATE: &str = "duplicate name\u{0}";
const TOO_MANY: &str = "too many entries\u{0}";

/// The entries of an object, in order, each name once.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Entries<'a> {
    fn parse(raw: &'a RawValue, limit: usize, what: &'static str) -> Result<Self, BodyError> {
        let entries: Self = parse(raw.get()).map_err(|error| match error {
            BodyError::TooMany(_) => BodyError::TooMany(what),
            other => other,
        })?;
        if entries.0.len() > limit { Err(BodyError::TooMany(what)) } else { Ok(entries) }
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

struct EntriesVisitor<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for EntriesVisitor<'a> {
    type Value = Entries<'a>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if entries.len() >= MAX_ARGUMENTS {
                return Err(A::Error::custom(TOO_MANY));
            }
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("{DUPLICATE}{name}\u{0}")));
            }
            entries.push((name, value));
        }
        Ok(Entries(entries))
    }
}

/// The items of a list.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let items = Vec::<&'de RawValue>::deserialize(from)?;
        if items.len() > MAX_ITEMS {
            return Err(D::Error::custom(TOO_MANY));
        }
        Ok(Self(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Result<RequestArgument, BodyError> {
        RunRequest::parse(body.as_bytes()).map(|mut request| request.arguments.remove(0))
    }

    fn with_value(json: &str) -> Result<Value, BodyError> {
        one(&format!(r#"{{"arguments":{{"a":{{"value":{json},"input":false}}}}}}"#))
            .map(|a| a.value)
    }

    #[test]
    fn values_keep_their_kind_and_their_digits() {
        assert_eq!(with_value(r#""x""#), Ok(Value::Text("x".into())));
        assert_eq!(with_value("1.50"), Ok(Value::Number("1.50".into())));
        assert_eq!(
            with_value("123456789012345678901234567890"),
            Ok(Value::Number("123456789012345678901234567890".into()))
        );
        assert_eq!(with_value("null"), Ok(Value::Null));
        assert_eq!(
            with_value(r#"["x", 1, [2], {"a":1}]"#),
            Ok(Value::List(vec![
                Value::Text("x".into()),
                Value::Number("1".into()),
                Value::List(vec![]),
                Value::Object
            ]))
        );
    }

    #[test]
    fn a_lone_surrogate_is_kept_as_broken_text_of_its_argument() {
        assert_eq!(with_value(r#""\ud800""#), Ok(Value::BrokenText));
    }

    #[test]
    fn input_follows_the_truth_of_python() {
        for (json, input) in [
            ("true", true),
            ("1", true),
            (r#""false""#, true),
            ("[1]", true),
            ("false", false),
            ("0", false),
            ("0.0", false),
            ("null", false),
            (r#""""#, false),
            ("[ ]", false),
            ("{}", false),
        ] {
            let body = format!(r#"{{"arguments":{{"a":{{"value":1,"input":{json}}}}}}}"#);
            assert_eq!(one(&body).map(|a| a.input), Ok(input), "{json}");
        }
    }

    #[test]
    fn a_missing_input_means_no() {
        assert_eq!(one(r#"{"arguments":{"a":{"value":"x"}}}"#).map(|a| a.input), Ok(false));
    }

    #[test]
    fn an_empty_body_is_a_request_without_arguments() {
        assert_eq!(RunRequest::parse(b""), Ok(RunRequest::default()));
    }

    #[test]
    fn the_order_of_the_body_is_kept() {
        let body = r#"{"arguments":{"z":{"value":1},"a":{"value":2}},"csrf_token":"t","other":[]}"#;
        let request = RunRequest::parse(body.as_bytes()).unwrap();

        let names: Vec<_> = request.arguments.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["z", "a"]);
        assert_eq!(request.csrf_token.as_deref(), Some("t"));
    }

    #[test]
    fn other_shapes_are_not_requests() {
        for body in [
            "null",
            "0",
            "[]",
            "[1]",
            r#""text""#,
            "true",
            "{}",
            r#"{"x":1}"#,
            r#"{"arguments":null}"#,
            r#"{"arguments":["x"]}"#,
            r#"{"arguments":"x"}"#,
            r#"{"arguments":{"a":"x"}}"#,
            r#"{"arguments":{"a":null}}"#,
            r#"{"arguments":{"a":{"value":{"x":1}}}}"#,
        ] {
            assert!(
                matches!(RunRequest::parse(body.as_bytes()), Err(BodyError::NotARequest(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn broken_bodies_say_what_is_wrong() {
        let nested = format!(r#"{{"arguments":{}"#, "[".repeat(100_000));
        for body in ["{bad", r#"{"arguments":{}} x"#, "{'arguments':{}}", "NaN", &nested] {
            assert!(
                matches!(RunRequest::parse(body.as_bytes()), Err(BodyError::NotJson(_))),
                "{}",
                body.get(..20).unwrap_or(body)
            );
        }
        assert_eq!(RunRequest::parse(b"{\xff}"), Err(BodyError::NotUtf8(1)));
        assert_eq!(
            one(r#"{"arguments":{"a":{"value":1},"a":{"value":2}}}"#),
            Err(BodyError::Duplicate("a".into()))
        );
        assert_eq!(one(r#"{"arguments":{"a":{}}}"#), Err(BodyError::NoValue("a".into())));
    }

    #[test]
    fn a_million_keys_are_refused_early() {
        let many: Vec<String> =
            (0..=MAX_ARGUMENTS).map(|n| format!(r#""a{n}":{{"value":1}}"#)).collect();
        let body = format!(r#"{{"arguments":{{{}}}}}"#, many.join(","));

        assert_eq!(RunRequest::parse(body.as_bytes()), Err(BodyError::TooMany("arguments")));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = RunRequest::parse(&body);
        }
    }
}
