//! The scripts an administrator has configured, and their declared arguments.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::identity::{GroupId, UserId};
use crate::sandbox::{Resources, Sandbox};

/// Name of a script: a plain name without `/`, control characters or NUL, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScriptName(Arc<str>);

impl ScriptName {
    /// Reads a name; `None` if it is not a plain name.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty()
            && text.len() <= 255
            && text != "."
            && text != ".."
            && !text.chars().any(|character| character == '/' || character.is_control());
        plain.then(|| Self(Arc::from(text)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ScriptName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Who may run a script; the three keys are alternatives (scripts.md §9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRule {
    /// `minimum_access`: a group with at least this number is enough.
    pub minimum: Option<i64>,
    /// `access_groups`: one of these groups is enough.
    pub groups: Option<Vec<GroupId>>,
    /// `access_users`: being one of these users is enough.
    pub users: Option<Vec<UserId>>,
}

/// How secret arguments reach a script (`secrets_via`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretsVia {
    /// As any other argument: visible in the list of processes. What existing scripts expect.
    #[default]
    Argv,
    /// As lines of standard input, in the order of the request, before all other input; the command
    /// line holds neither name nor value.
    Stdin,
    /// As a file that only the run can open: the command line holds `/dev/fd/N` in place of the
    /// value.
    Descriptor,
}

/// Who may see or stop runs of a script besides the one who started them and administrators
/// (`view_groups`, `view_users`, `stop_groups`, `stop_users`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRight {
    /// One of these groups is enough.
    pub groups: Vec<GroupId>,
    /// Being one of these users is enough.
    pub users: Vec<UserId>,
}

/// A number of runs per time (`rate_limit`), such as `10/minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Runs of one user.
    pub runs: u32,
    /// In this time.
    pub per: Duration,
}

impl RateLimit {
    /// Reads `10/minute`, `1/s`, `100 / hour`: 1 to 1 000 000 runs per second, minute or hour.
    pub fn parse(text: &str) -> Option<Self> {
        let (runs, unit) = text.split_once('/')?;
        let runs = runs.trim();
        if runs.is_empty() || !runs.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let runs = runs.parse().ok().filter(|runs| (1..=1_000_000).contains(runs))?;
        let unit = unit.trim();
        let (_, per) = RATE_UNITS.into_iter().find(|(names, _)| names.contains(&unit))?;
        Some(Self { runs, per })
    }
}

/// Names of the times of a [`RateLimit`]; the first one is that of answers.
const RATE_UNITS: [(&[&str], Duration); 3] = [
    (&["second", "sec", "s"], Duration::from_secs(1)),
    (&["minute", "min", "m"], Duration::from_mins(1)),
    (&["hour", "h"], Duration::from_hours(1)),
];

impl std::fmt::Display for RateLimit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names =
            RATE_UNITS.into_iter().find(|(_, per)| *per == self.per).map(|(names, _)| names);
        match names.and_then(|names| names.first()) {
            Some(unit) => write!(out, "{}/{unit}", self.runs),
            None => write!(out, "{} in {} s", self.runs, self.per.as_secs_f64()),
        }
    }
}

/// How the runs of a script are started, limited and shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRules {
    /// `terminal`: the script gets a terminal instead of pipes.
    pub terminal: bool,
    /// `interactive`: standard input stays open until it is closed by request. A terminal always
    /// stays open.
    pub interactive: bool,
    /// `max_concurrent`: runs of this script at the same time; `None`: the limit of the server.
    pub max_concurrent: Option<usize>,
    /// `queue_length`: runs of this script that may wait; `None`: the limit of the server.
    pub queue_length: Option<usize>,
    /// `rate_limit`: of one user; `None`: the limit of the server.
    pub rate_limit: Option<RateLimit>,
    /// Limits of one run; `None` everywhere: those of the server.
    pub resources: Resources,
    /// `run_output_bytes` of this script; `None`: that of the server.
    pub output_bytes: Option<u64>,
    /// `sandbox`; `None`: that of the server.
    pub sandbox: Option<Sandbox>,
    /// `secrets_via`.
    pub secrets_via: SecretsVia,
    /// `sha256`: what the file must hold, checked before every start.
    pub sha256: Option<[u8; 32]>,
    /// Who may see its runs.
    pub view: RunRight,
    /// Who may stop its runs.
    pub stop: RunRight,
}

/// A configured script. Built by the configuration, never changed afterwards.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the keys of the configuration are yes or no")]
pub struct Script {
    /// Name in addresses and in the API.
    pub name: ScriptName,
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Program that interprets the file; `None`: the file is executed itself.
    pub launcher: Option<String>,
    /// Name for people; the pages fall back to `name`.
    pub label: Option<String>,
    /// Short text for people.
    pub description: Option<String>,
    /// Heading on the index; empty: not on the index.
    pub category: String,
    /// What standard output holds, such as `text/plain`, `text/html`, `text/csv`, `text/json`.
    pub content_type: String,
    /// What standard error holds.
    pub stderr_content_type: String,
    /// When the run is ended; `None`: the limit of the server alone.
    pub timeout: Option<Duration>,
    /// Whether output is delivered while the script runs (`print_real_time`).
    pub real_time: bool,
    /// Whether the command line holds no secret and may be logged (`no_password`).
    pub no_password: bool,
    /// Who may run it.
    pub access: AccessRule,
    /// Its documentation, absolute.
    pub documentation_file: Option<PathBuf>,
    /// Type of the documentation.
    pub documentation_content_type: String,
    /// Command that writes the documentation (scripts.md §4).
    pub documentation_command: Option<String>,
    /// Question to ask before a run.
    pub confirm: Option<String>,
    /// Whether a run destroys something: the page asks for the name of the script.
    pub danger: bool,
    /// Whether arguments that are not declared are accepted (`accept_undeclared_arguments`).
    pub accept_undeclared: bool,
    /// Whether text of undeclared arguments may begin with `-` (`accept_option_like_values`).
    pub accept_option_like: bool,
    /// Declared arguments, in the order of the command line.
    pub arguments: Vec<Argument>,
    /// How its runs are started, limited and shown.
    pub runs: RunRules,
    /// Keys this server gives no meaning to; visible in the API.
    pub custom: Map<String, Value>,
    /// The key `secrets`: for the script alone, in `SCRIPT_CONFIG`.
    pub secrets: Option<Value>,
    /// The configuration file that declares it.
    pub declared_in: PathBuf,
}

/// The restrictions of the values of an argument, checked by the server.
#[derive(Debug, Clone, Default)]
pub struct Restrictions {
    /// `required`: a value must be given.
    pub required: bool,
    /// `pattern`: the whole value must match; linear-time matching.
    pub pattern: Option<regex::Regex>,
    /// `min` of a number.
    pub min: Option<f64>,
    /// `max` of a number.
    pub max: Option<f64>,
    /// `min_length` in characters.
    pub min_length: Option<usize>,
    /// `max_length` in characters.
    pub max_length: Option<usize>,
    /// `accept_option_like_values`: text may begin with `-`.
    pub accept_option_like: bool,
}

impl PartialEq for Restrictions {
    fn eq(&self, other: &Self) -> bool {
        self.required == other.required
            && self.pattern.as_ref().map(regex::Regex::as_str)
                == other.pattern.as_ref().map(regex::Regex::as_str)
            && self.min == other.min
            && self.max == other.max
            && self.min_length == other.min_length
            && self.max_length == other.max_length
            && self.accept_option_like == other.accept_option_like
    }
}

/// A declared argument of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Name; one that begins with `-` is an option, others are positional.
    pub name: String,
    /// Kind of control, such as `text`, `number`, `checkbox`, `file`.
    pub html_type: String,
    /// Name for people.
    pub label: Option<String>,
    /// Help text.
    pub description: Option<String>,
    /// Example value.
    pub example: Option<Value>,
    /// Value the control starts with.
    pub default_value: Option<Value>,
    /// `predefined_values`: the choices; nothing else is accepted.
    pub choices: Option<Vec<String>>,
    /// `list`: several values; `None` when the key is absent.
    pub list: Option<bool>,
    /// `input`: the value goes to standard input; `None` when the key is absent.
    pub input: Option<bool>,
    /// `is_advanced`: hidden until asked for.
    pub advanced: bool,
    /// `multiline`: text with line breaks.
    pub multiline: bool,
    /// `secret`: the value is never shown or stored; arguments of type `password` always are.
    pub secret: bool,
    /// What values may be.
    pub restrictions: Restrictions,
    /// `javascript_section`: name of the section the attributes come from.
    pub javascript_section: Option<String>,
    /// `javascript_attributs`: attributes of the control (spelled as the reference does).
    pub javascript_attributes: Map<String, Value>,
    /// Keys this server gives no meaning to, and the new keys as they were written; visible in the API.
    pub custom: Map<String, Value>,
}

impl Argument {
    /// Whether the name begins with `-`.
    pub fn is_option(&self) -> bool {
        self.name.starts_with('-')
    }

    /// Whether several values are accepted.
    pub fn is_list(&self) -> bool {
        self.list == Some(true)
    }

    /// Whether the value goes to standard input; options never do (scripts.md §6).
    pub fn is_input(&self) -> bool {
        self.input == Some(true) && !self.is_option()
    }

    /// Whether the value must never be shown or stored.
    pub fn is_secret(&self) -> bool {
        self.secret || self.html_type == "password"
    }
}

/// All scripts, in the order of registration.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    scripts: Vec<Arc<Script>>,
    by_name: HashMap<ScriptName, usize>,
}

impl Catalogue {
    /// Adds a script. One of the same name is replaced and keeps its place (scripts.md §1).
    pub fn add(&mut self, script: Script) {
        let script = Arc::new(script);
        if let Some(place) = self.by_name.get(&script.name).and_then(|at| self.scripts.get_mut(*at))
        {
            *place = script;
            return;
        }
        self.by_name.insert(script.name.clone(), self.scripts.len());
        self.scripts.push(script);
    }

    /// The script of this name.
    pub fn get(&self, name: &ScriptName) -> Option<&Arc<Script>> {
        self.by_name.get(name).and_then(|at| self.scripts.get(*at))
    }

    /// All scripts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Script>> {
        self.scripts.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.scripts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_of_runs_per_time() {
        for (text, shown) in [
            ("10/minute", "10/minute"),
            ("1/s", "1/second"),
            (" 100 / h ", "100/hour"),
            ("1000000/sec", "1000000/second"),
        ] {
            assert_eq!(RateLimit::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "10", "/minute", "0/s", "-1/s", "1/day", "1.5/s", "1000001/s", "+1/s"] {
            assert_eq!(RateLimit::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_plain() {
        for name in ["a.py", "über script.sh", "..x", "__proto__"] {
            assert!(ScriptName::parse(name).is_some(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a\0b", "a\nb", &"x".repeat(256)] {
            assert!(ScriptName::parse(name).is_none(), "{name:?}");
        }
    }
}
