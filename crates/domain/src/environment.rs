//! The environment of a script: an allow-list of the server's variables, the documented variables
//! of the request, `USER` and `SCRIPT_CONFIG` (scripts.md §7). Nothing else.

use serde_json::{Map, Value, json};

use crate::catalogue::Script;
use crate::description::{describe_for_script, python_json};
use crate::identity::{Caller, Identity};
use crate::output::escape_html;

/// Variables of the server that every script inherits when the server has them.
pub const INHERITED: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "TZ",
    "TMPDIR",
    "LOGNAME",
    "SHELL",
];

/// Request headers that never reach a script: credentials, and the one that programs take for a
/// proxy setting ("httpoxy").
const WITHHELD: [&str; 6] =
    ["cookie", "authorization", "proxy-authorization", "api-key", "api-token", "proxy"];

/// Most bytes of a header value that reach a script.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// What scripts learn of the request that started them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// `REQUEST_METHOD`.
    pub method: String,
    /// `QUERY_STRING`, as received.
    pub query: String,
    /// `CONTENT_TYPE`.
    pub content_type: Option<String>,
    /// `CONTENT_LENGTH`.
    pub content_length: Option<String>,
    /// `SERVER_NAME`.
    pub server_name: String,
    /// `SERVER_PORT`.
    pub server_port: u16,
    /// `SERVER_PROTOCOL`.
    pub protocol: String,
    /// `wsgi.url_scheme`.
    pub scheme: String,
    /// `PATH_INFO`: decoded path without `base_url`.
    pub path: String,
    /// `URL_PATH`: decoded path as received.
    pub full_path: String,
    /// Other headers: lower-case name and value.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// The complete environment of a script.
///
/// `server` holds the variables that were taken from the server's own environment or stand for its
/// places (`WEBSCRIPTS_*`); a request can never replace one of them.
pub fn environment(
    server: &[(String, String)],
    request: &RequestContext,
    caller: &Caller,
    script: &Script,
) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = server.to_vec();
    for (name, value) in request_variables(request, caller) {
        if !server.iter().any(|(known, _)| *known == name) {
            out.push((name, printable(value.as_bytes())));
        }
    }
    out.retain(|(name, _)| name != "USER" && name != "SCRIPT_CONFIG");
    out.push(("USER".to_owned(), python_json(&user(caller).into())));
    out.push(("SCRIPT_CONFIG".to_owned(), python_json(&describe_for_script(script).into())));
    out
}

fn request_variables(request: &RequestContext, caller: &Caller) -> Vec<(String, String)> {
    let address = caller.address.to_string();
    let depth = request.path.matches('/').count().saturating_sub(1).to_string();
    let fixed = [
        ("REQUEST_METHOD", request.method.clone()),
        ("QUERY_STRING", request.query.clone()),
        ("CONTENT_TYPE", request.content_type.clone().unwrap_or_else(|| "text/plain".to_owned())),
        ("SERVER_NAME", request.server_name.clone()),
        ("SERVER_PORT", request.server_port.to_string()),
        ("SERVER_PROTOCOL", request.protocol.clone()),
        ("SERVER_SOFTWARE", "WebScripts".to_owned()),
        ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
        ("REMOTE_ADDR", address.clone()),
        ("REMOTE_HOST", String::new()),
        ("REMOTE_IP", address),
        ("REMOTE_PORT", "0".to_owned()),
        ("SCRIPT_NAME", String::new()),
        ("PATH_INFO", request.path.clone()),
        ("URL_PATH", request.full_path.clone()),
        ("SUB_DIRECTORIES_NUMBER", depth),
        ("wsgi.version", "1.0".to_owned()),
        ("wsgi.url_scheme", request.scheme.clone()),
        ("wsgi.multithread", "True".to_owned()),
        ("wsgi.multiprocess", "False".to_owned()),
    ];
    let mut out: Vec<(String, String)> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    out.extend(request.content_length.clone().map(|length| ("CONTENT_LENGTH".to_owned(), length)));
    out.extend(header_variables(&request.headers));
    out
}

/// `HTTP_<NAME>` for each header that may reach a script; repeated ones joined with `,`.
fn header_variables(headers: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let fixed = matches!(name.as_str(), "content-type" | "content-length");
        if !plain || fixed || WITHHELD.contains(&name.as_str()) || value.len() > MAX_VALUE_BYTES {
            continue;
        }
        let variable = format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"));
        let value = printable(value);
        match out.iter_mut().find(|(known, _)| *known == variable) {
            Some((_, joined)) => {
                joined.push(',');
                joined.push_str(&value);
            }
            None => out.push((variable, value)),
        }
    }
    out
}

/// Keeps ASCII letters, digits, punctuation and blanks (scripts.md §7, without line ends).
fn printable(value: &[u8]) -> String {
    value
        .iter()
        .filter(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        .map(|&b| char::from(b))
        .collect()
}

fn user(caller: &Caller) -> Map<String, Value> {
    let Identity { id, name, groups, categories, scripts, custom } = &caller.identity;
    let globs = |globs: &[crate::glob::Glob]| -> Vec<String> {
        globs.iter().map(|glob| escape_html(glob.as_str())).collect()
    };
    let mut out = Map::new();
    out.insert("groups".to_owned(), json!(groups));
    out.insert("scripts".to_owned(), json!(globs(scripts)));
    out.insert("categories".to_owned(), json!(globs(categories)));
    out.insert("id".to_owned(), json!(id));
    out.insert("name".to_owned(), json!(escape_html(name)));
    out.insert("ip".to_owned(), json!(caller.address.to_string()));
    for (key, value) in custom {
        out.entry(key.as_str()).or_insert_with(|| escape_texts(value));
    }
    out
}

fn escape_texts(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape_html(text)),
        Value::Array(items) => items.iter().map(escape_texts).collect(),
        Value::Object(entries) => Value::Object(
            entries.iter().map(|(key, value)| (key.clone(), escape_texts(value))).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::testkit::{caller, script};

    fn header(name: &str, value: &str) -> (String, Vec<u8>) {
        (name.to_owned(), value.as_bytes().to_vec())
    }

    fn run(server: &[(&str, &str)], headers: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
        let server: Vec<_> = server.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        let request = RequestContext {
            method: "POST".to_owned(),
            path: "/api/scripts/x".to_owned(),
            headers,
            ..RequestContext::default()
        };
        environment(&server, &request, &caller("O'Neil").build(), &script("x").build())
    }

    fn value<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
        environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn credentials_and_proxy_settings_never_reach_a_script() {
        let environment = run(
            &[("PATH", "/bin")],
            vec![
                header("cookie", "SessionID=2:abc"),
                header("authorization", "Basic eA=="),
                header("api-key", "k"),
                header("api-token", "t"),
                header("proxy", "http://evil"),
                header("x_forwarded_for", "1.2.3.4"),
                header("x-custom", "v"),
            ],
        );
        let names: Vec<&str> = environment
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| name.starts_with("HTTP_"))
            .collect();

        assert_eq!(names, ["HTTP_X_CUSTOM"]);
    }

    #[test]
    fn a_request_never_replaces_a_variable_of_the_server() {
        let environment = run(
            &[("HTTP_PROXY_SETTING", "ours"), ("USER", "root")],
            vec![header("proxy-setting", "theirs")],
        );

        assert_eq!(value(&environment, "HTTP_PROXY_SETTING"), Some("ours"));
        assert_eq!(environment.iter().filter(|(name, _)| name == "USER").count(), 1);
    }

    #[test]
    fn values_are_reduced_to_printable_characters_and_repeats_are_joined() {
        let environment =
            run(&[], vec![("x-a".to_owned(), b"caf\xe9\x01".to_vec()), header("x-a", "b")]);

        assert_eq!(value(&environment, "HTTP_X_A"), Some("caf,b"));
    }

    #[test]
    fn the_user_is_described_as_the_reference_does() {
        assert_eq!(
            value(&run(&[], vec![]), "USER"),
            Some(
                "{\"groups\": [50], \"scripts\": [\"*\"], \"categories\": [\"*\"], \"id\": 2, \
                 \"name\": \"O&#x27;Neil\", \"ip\": \"127.0.0.1\"}"
            )
        );
    }
}
