//! The passwords and keys of the recording, and those of our accounts.
//!
//! The reference ships `Admin` with the password `Admin` and a key known to everybody. Ours are made
//! by the test and take their place in requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The key of `Admin` in the recording.
pub fn recorded_api_key() -> String {
    "Admin".repeat(32)
}

/// The password that takes the place of `recorded`.
pub fn password(recorded: &str) -> String {
    format!("replayed password {recorded}")
}

/// What takes the place of recorded credentials.
#[derive(Debug)]
pub struct Credentials {
    /// Recorded passwords of accounts that exist; others stay wrong.
    pub passwords: Vec<String>,
    /// The key of our `Admin`.
    pub api_key: String,
}

impl Credentials {
    /// A header of a request with our credentials in it.
    pub fn in_header(&self, name: &str, value: &str) -> String {
        if name == "Api-Key" && value == recorded_api_key() {
            return self.api_key.clone();
        }
        if name == "Authorization"
            && let Some((scheme, encoded)) = value.split_once(' ')
            && let Some(pair) =
                STANDARD.decode(encoded).ok().and_then(|b| String::from_utf8(b).ok())
            && let Some((user, recorded)) = pair.split_once(':')
            && self.passwords.iter().any(|known| known == recorded)
        {
            return format!(
                "{scheme} {}",
                STANDARD.encode(format!("{user}:{}", password(recorded)))
            );
        }
        value.to_owned()
    }

    /// The body of a sign-in with our credentials in it.
    pub fn in_sign_in(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let arguments = body.get_mut("arguments").and_then(Value::as_object_mut);
        for (name, argument) in arguments.into_iter().flatten() {
            let Some(Value::String(value)) = argument.get_mut("value") else { continue };
            if name.trim_start_matches('-').starts_with('p') && self.passwords.contains(value) {
                *value = password(value);
            } else if name == "--api-key" && *value == recorded_api_key() {
                value.clone_from(&self.api_key);
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn credentials() -> Credentials {
        Credentials { passwords: vec!["Admin".to_owned()], api_key: "our key".to_owned() }
    }

    #[test]
    fn right_credentials_stay_right() {
        let ours = credentials();
        let encoded = STANDARD.encode("Admin:replayed password Admin");

        assert_eq!(
            ours.in_header("Authorization", "Basic QWRtaW46QWRtaW4="),
            format!("Basic {encoded}")
        );
        assert_eq!(ours.in_header("Api-Key", &recorded_api_key()), "our key");
        assert_eq!(
            ours.in_sign_in(
                &json!({"arguments": {"-u": {"value": "Admin"}, "-p": {"value": "Admin"}}})
            ),
            json!({"arguments": {"-u": {"value": "Admin"}, "-p": {"value": "replayed password Admin"}}})
        );
    }

    #[test]
    fn wrong_credentials_stay_as_they_are() {
        let ours = credentials();

        for (name, value) in [
            ("Authorization", "Basic QWRtaW46YmFk"),
            ("Authorization", "Basic abc"),
            ("Authorization", "Bearer x"),
            ("Api-Key", "bad"),
        ] {
            assert_eq!(ours.in_header(name, value), value);
        }
        let body =
            json!({"arguments": {"--password": {"value": "bad"}, "--api-key": {"value": 1}}});
        assert_eq!(ours.in_sign_in(&body), body);
    }
}
