//! The explanation as text and as JSON. Values of secret arguments are never part of it.

use std::ffi::OsStr;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use webscripts_app::explain::Explanation;
use webscripts_app::run_script::RunError;
use webscripts_config::settings::RunSettings;
use webscripts_domain::arguments::HIDDEN;
use webscripts_domain::catalogue::Script;
use webscripts_domain::identity::{Caller, GroupId};

use super::rules::Rules;
use super::shell::quoted;

/// What is reported.
pub struct Report<'a> {
    /// Name of the script as it was given.
    pub name: &'a str,
    /// Who would run it.
    pub caller: &'a Caller,
    /// The script, if there is one.
    pub script: Option<&'a Script>,
    /// What the server allows runs.
    pub limits: &'a RunSettings,
    /// What would run, or why nothing would.
    pub result: Result<&'a Explanation, &'a Refusal>,
}

/// Why nothing would run.
#[derive(Debug)]
pub struct Refusal {
    reason: String,
    /// Argument and problem.
    values: Vec<(String, String)>,
    /// Whether rights refuse.
    is_access: bool,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, values: Vec::new(), is_access: false }
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Denied(denied) => Self { is_access: true, ..Self::from(denied.to_string()) },
            RunError::Values(errors) => Self {
                values: errors
                    .into_iter()
                    .map(|error| (error.argument, error.problem.to_string()))
                    .collect(),
                ..Self::from("some values cannot be used".to_owned())
            },
            other => Self::from(other.to_string()),
        }
    }
}

impl Report<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let user = &self.caller.identity;
        line(&mut out, "Script", self.name);
        let groups = list(&user.groups);
        let who = format!("{} (number {}, groups {groups})", user.name, user.id);
        line(&mut out, "User", &who);
        line(&mut out, "Address", &self.caller.address.to_string());
        match self.result {
            Ok(explanation) => self.write_run(&mut out, explanation),
            Err(refusal) => self.write_refusal(&mut out, refusal),
        }
        out
    }

    fn write_run(&self, out: &mut String, explanation: &Explanation) {
        let invocation = &explanation.invocation;
        let limits = invocation.limits();
        line(out, "Allowed", &explanation.grant.to_string());
        line(out, "Directory", &quoted(invocation.directory().as_os_str()));
        line(out, "Time limit", &format!("{} s", limits.timeout.as_secs_f64()));
        line(out, "Output kept", &format!("{} bytes", limits.output_bytes));
        out.push_str("\nCommand line, one word a line:\n");
        for word in invocation.command_line() {
            let is_secret = word == HIDDEN;
            indented(out, &if is_secret { HIDDEN.to_owned() } else { quoted(word) });
        }
        let _ = writeln!(out, "\nStandard input: {} bytes", invocation.stdin().len());
        for text in stdin(explanation).lines() {
            indented(out, &shown(text));
        }
        if let Some(rules) = self.rules(explanation) {
            rules.write(out);
        }
        out.push_str(
            "\nEnvironment, with the values of WEBSCRIPTS_* (headers of a request add HTTP_*):\n",
        );
        for (name, value) in environment(explanation) {
            match value {
                Some(value) => indented(out, &format!("{name}={}", quoted(OsStr::new(value)))),
                None => indented(out, name),
            }
        }
    }

    fn write_refusal(&self, out: &mut String, refusal: &Refusal) {
        line(out, "Refused", &refusal.reason);
        for (argument, problem) in &refusal.values {
            indented(out, &shown(&format!("`{argument}` {problem}")));
        }
        let Some(script) = self.script.filter(|_| refusal.is_access) else { return };
        out.push_str("\nAccess keys of the script:\n");
        for (key, value) in access_keys(script) {
            indented(out, &format!("{key}: {value}"));
        }
        let user = &self.caller.identity;
        out.push_str("\nLimits of the account:\n");
        indented(out, &format!("categories: {}", json!(user.categories)));
        indented(out, &format!("scripts: {}", json!(user.scripts)));
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let user = &self.caller.identity;
        let head = json!({
            "script": self.name,
            "user": {"id": user.id, "name": user.name, "groups": user.groups},
            "address": self.caller.address.to_string(),
            "allowed": self.result.is_ok(),
        });
        let rest = match self.result {
            Ok(explanation) => self.run_json(explanation),
            Err(refusal) => json!({
                "reason": refusal.reason,
                "values": refusal
                    .values
                    .iter()
                    .map(|(argument, problem)| json!({"argument": argument, "problem": problem}))
                    .collect::<Vec<_>>(),
            }),
        };
        let entries = |value: Value| match value {
            Value::Object(entries) => entries,
            _ => Map::new(),
        };
        Value::Object(entries(head).into_iter().chain(entries(rest)).collect())
    }

    fn run_json(&self, explanation: &Explanation) -> Value {
        let invocation = &explanation.invocation;
        let limits = invocation.limits();
        let words: Vec<_> =
            invocation.command_line().into_iter().map(OsStr::to_string_lossy).collect();
        let environment: Map<String, Value> =
            environment(explanation).map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "rule": explanation.grant.to_string(),
            "directory": invocation.directory().to_string_lossy(),
            "timeout_s": limits.timeout.as_secs_f64(),
            "output_bytes": limits.output_bytes,
            "argv": words,
            "stdin": {"bytes": invocation.stdin().len(), "text": stdin(explanation)},
            "environment": environment,
            "rules": self.rules(explanation).map(|rules| rules.json()),
        })
    }

    fn rules<'a>(&'a self, explanation: &'a Explanation) -> Option<Rules<'a>> {
        let script = self.script?;
        Some(Rules { script, invocation: &explanation.invocation, limits: self.limits })
    }
}

/// Standard input as text, without secrets.
fn stdin(explanation: &Explanation) -> String {
    let bytes = explanation.invocation.stdin();
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
    let text = std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned);
    let secrets = explanation.invocation.secrets().iter();
    let mut secrets: Vec<&str> =
        secrets.filter_map(|secret| std::str::from_utf8(secret.expose()).ok()).collect();
    // A secret may be a part of another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text, |text, secret| text.replace(secret, HIDDEN))
}

/// Names in order, with values that are no secrets.
fn environment(explanation: &Explanation) -> impl Iterator<Item = (&str, Option<&str>)> {
    explanation.invocation.environment().iter().map(|(name, value)| {
        (name.as_str(), Some(value.as_str()).filter(|_| name.starts_with("WEBSCRIPTS_")))
    })
}

fn access_keys(script: &Script) -> Vec<(&'static str, String)> {
    let access = &script.access;
    let mut keys = Vec::new();
    keys.extend(access.minimum.map(|minimum| ("minimum_access", minimum.to_string())));
    keys.extend(access.groups.as_ref().map(|groups| ("access_groups", json!(groups).to_string())));
    keys.extend(access.users.as_ref().map(|users| ("access_users", json!(users).to_string())));
    keys.push(("category", json!(script.category).to_string()));
    keys
}

fn list(groups: &[GroupId]) -> String {
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    if groups.is_empty() { "none".to_owned() } else { groups.join(", ") }
}

pub(super) fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{:<13}{}", format!("{name}:"), shown(value));
}

pub(super) fn indented(out: &mut String, text: &str) {
    let _ = writeln!(out, "  {text}");
}

/// Text that cannot steer a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
