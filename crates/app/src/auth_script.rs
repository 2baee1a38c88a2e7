//! The `auth_script` setting: credentials are checked by a script of the administrator
//! (security.md §8).

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use webscripts_domain::access::authorize_sign_in;
use webscripts_domain::arguments;
use webscripts_domain::catalogue::Script;
use webscripts_domain::environment::environment;
use webscripts_domain::glob::Glob;
use webscripts_domain::identity::{Caller, GroupId, Identity, UserId};
use webscripts_domain::invocation::{Invocation, Wishes};
use webscripts_domain::request::{RequestArgument, RunRequest, Value as RequestValue};
use webscripts_domain::run::Outcome;
use webscripts_store::StoreError;

use crate::App;
use crate::authenticator::{Attempt, Authenticator, AuthenticatorError, Current, Proof};
use crate::run_script::Collected;

/// Most bytes an authentication script may print.
const MAX_OUTPUT: u64 = 256 * 1024;

/// Runs a script to check credentials.
pub struct ScriptAuthenticator {
    script: Arc<Script>,
}

impl ScriptAuthenticator {
    /// Uses this script.
    pub fn new(script: Arc<Script>) -> Self {
        Self { script }
    }
}

#[async_trait]
impl Authenticator for ScriptAuthenticator {
    async fn check(
        &self,
        app: &App,
        attempt: &Attempt<'_>,
    ) -> Result<Option<Identity>, AuthenticatorError> {
        let caller = Caller::anonymous(attempt.address);
        let request = request_of(attempt.proof);
        let authorized = authorize_sign_in(&caller, &self.script);
        // A value that begins with `-` would become an option of the script: it proves nothing.
        let Ok(checked) = arguments::check(authorized, &request) else { return Ok(None) };
        let configuration = app.configuration();
        let environment =
            environment(&configuration.environment, attempt.context, &caller, &self.script);
        let mut surroundings = configuration.surroundings();
        surroundings.output_bytes = MAX_OUTPUT;
        let run = app.new_run_id().map_err(crate::passwords::HashError::from)?;
        let invocation =
            Invocation::new(run, &checked, environment, &surroundings, Wishes::default());
        let collected = app.run_unrecorded(invocation).await?;
        read_user(&collected).map_err(AuthenticatorError::Script)
    }

    async fn current(&self, _: UserId) -> Result<Current, StoreError> {
        Ok(Current::AsSignedIn)
    }
}

fn request_of(proof: &Proof) -> RunRequest {
    let argument = |name: &str, value: &str| RequestArgument {
        name: name.to_owned(),
        value: RequestValue::Text(value.to_owned()),
        input: false,
    };
    let arguments = match proof {
        Proof::Password { name, password } => {
            vec![argument("--username", name), argument("--password", password.expose_secret())]
        }
        Proof::ApiKey(key) => vec![argument("--api-key", key.expose_secret())],
        Proof::Arguments(request) => return request.clone(),
    };
    RunRequest { arguments, csrf_token: None }
}

/// Reads the user a script printed; id 0 is "refused". What the script printed is never repeated.
fn read_user(collected: &Collected) -> Result<Option<Identity>, String> {
    if collected.end.outcome != Outcome::Exited(0) {
        return Err(format!("it ended with {:?}", collected.end.outcome));
    }
    if !collected.stderr.is_empty() {
        tracing::warn!(
            bytes = collected.stderr.len(),
            "the authentication script wrote to standard error, but succeeded"
        );
    }
    let user: Map<String, Value> = serde_json::from_slice(&collected.stdout)
        .map_err(|error| format!("it did not print a JSON object (line {})", error.line()))?;
    let identity = identity_from(user)?;
    Ok(Some(identity).filter(|identity| identity.id != UserId::NOT_AUTHENTICATED))
}

fn identity_from(mut user: Map<String, Value>) -> Result<Identity, String> {
    let id = user.remove("id").and_then(|id| integer(&id)).ok_or("`id` is no number")?;
    let Some(Value::String(name)) = user.remove("name") else {
        return Err("`name` is no text".to_owned());
    };
    let groups = match user.remove("groups") {
        None => Vec::new(),
        Some(value) => integers(&value).ok_or("`groups` is no list of numbers")?,
    };
    user.remove("ip");
    let globs = |value: Option<Value>, key: &str| match value {
        None => Ok(vec![Glob::any()]),
        Some(value) => texts(&value).ok_or(format!("`{key}` is no list of texts")),
    };
    let categories = globs(user.remove("categories"), "categories")?;
    let scripts = globs(user.remove("scripts"), "scripts")?;
    user.retain(|key, _| key != "csrf" && key != "check_csrf");
    Ok(Identity {
        id: UserId(id),
        name: name.chars().take(255).collect(),
        groups: groups.into_iter().map(GroupId).collect(),
        categories,
        scripts,
        custom: user,
    })
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().filter(|id| *id >= 0),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

fn integers(value: &Value) -> Option<Vec<i64>> {
    match value {
        Value::Array(items) => items.iter().map(integer).collect(),
        Value::String(text) if text.is_empty() => Some(Vec::new()),
        Value::String(text) => text.split(',').map(|item| item.trim().parse().ok()).collect(),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<Vec<Glob>> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().map(Glob::new)).collect(),
        Value::String(text) => Some(text.split(',').map(Glob::new).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use webscripts_domain::run::{Printed, RunEnd, Usage};

    use super::*;

    fn printed(stdout: &str, stderr: &str, code: i32) -> Result<Option<Identity>, String> {
        read_user(&Collected {
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            end: RunEnd {
                outcome: Outcome::Exited(code),
                took: Duration::ZERO,
                usage: Usage::default(),
                printed: Printed::default(),
            },
        })
    }

    #[test]
    fn a_user_is_read_with_numbers_as_text_too() {
        let user = printed(
            r#"{"id":"7","name":"O'Neil","ip":"127.0.0.1","groups":"50,1000","phone":"1"}"#,
            "a harmless warning",
            0,
        );
        let user = user.unwrap().unwrap();

        assert_eq!(user.id, UserId(7));
        assert_eq!(user.groups, [GroupId(50), GroupId(1000)]);
        assert_eq!(user.categories, [Glob::any()]);
        assert_eq!(user.custom.get("phone").and_then(Value::as_str), Some("1"));
    }

    #[test]
    fn the_user_0_is_a_refusal() {
        let refused = r#"{"id":0,"name":"Not Authenticated","ip":"x","groups":[0]}"#;
        assert_eq!(printed(refused, "", 0), Ok(None));
    }

    #[test]
    fn everything_else_is_a_failure_of_the_script() {
        for (stdout, code) in [
            ("", 0),
            ("usage: auth.py", 0),
            ("[]", 0),
            (r#"{"id":-1,"name":"x"}"#, 0),
            (r#"{"id":1.5,"name":"x"}"#, 0),
            (r#"{"id":5}"#, 0),
            (r#"{"id":5,"name":"x","groups":"a"}"#, 0),
            (r#"{"id":5,"name":"x"}"#, 1),
        ] {
            assert!(printed(stdout, "", code).is_err(), "{stdout} {code}");
        }
    }
}
