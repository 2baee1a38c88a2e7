//! How the runs of a script are limited and kept apart: queue, secrets, sandbox.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use webscripts_config::settings::RunSettings;
use webscripts_domain::catalogue::{Script, SecretsVia};
use webscripts_domain::invocation::Invocation;
use webscripts_domain::sandbox::{Network, Resources, Sandbox};
use webscripts_engine::sandbox::{describe, lacks};

use super::report::{indented, shown};

/// What is reported.
pub struct Rules<'a> {
    /// The script.
    pub script: &'a Script,
    /// What would run.
    pub invocation: &'a Invocation,
    /// What the server allows runs.
    pub limits: &'a RunSettings,
}

impl Rules<'_> {
    /// For people.
    pub fn write(&self, out: &mut String) {
        out.push_str("\nRuns:\n");
        for (name, value) in self.runs() {
            indented(out, &shown(&format!("{name}: {value}")));
        }
        let invocation = self.invocation;
        let resources = invocation.limits().resources;
        let required = if invocation.is_sandbox_required() { " (required)" } else { "" };
        let _ = writeln!(out, "\nSandbox{required}:");
        for (name, value) in describe(invocation.sandbox(), invocation.protected(), &resources) {
            indented(out, &shown(&format!("{name}: {value}")));
        }
        for lack in lacks(invocation.sandbox(), &resources) {
            indented(out, &format!("not enforced here: {}", lack.text));
        }
    }

    fn runs(&self) -> Vec<(&'static str, String)> {
        let (server, script) = (self.limits, &self.script.runs);
        let of_script = |own: Option<usize>| {
            own.map(|most| format!(", {most} of this script")).unwrap_or_default()
        };
        let mut lines = vec![
            (
                "at the same time",
                format!(
                    "{} in all, {} of one user{}",
                    server.max_runs,
                    server.max_runs_per_user,
                    of_script(script.max_concurrent)
                ),
            ),
            (
                "waiting",
                format!("{} in all{}", server.queue_length, of_script(script.queue_length)),
            ),
        ];
        let rate = match (script.rate_limit, server.rate_limit) {
            (Some(rate), _) => Some(format!("{rate} of one user, for this script")),
            (None, Some(rate)) => Some(format!("{rate} of one user")),
            (None, None) => None,
        };
        lines.extend(rate.map(|rate| ("rate", rate)));
        let grace = self.invocation.limits().grace.as_secs_f64();
        lines.push(("when stopped", format!("asked to end, ended {grace} s later")));
        lines.push(("input and output", self.streams().to_owned()));
        lines.push(("secret arguments", secrets(script.secrets_via).1.to_owned()));
        if script.sha256.is_some() {
            lines.push(("file", "started only if it has the recorded SHA-256 digest".to_owned()));
        }
        lines.extend(right("others who see its runs", &script.view));
        lines.extend(right("others who stop its runs", &script.stop));
        lines
    }

    fn streams(&self) -> &'static str {
        match (self.invocation.terminal(), self.invocation.keeps_stdin_open()) {
            (Some(_), _) => "a terminal",
            (None, true) => "pipes; standard input stays open",
            (None, false) => "pipes; standard input ends after what is sent",
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let (server, script) = (self.limits, &self.script.runs);
        let (sandbox, resources) = (self.invocation.sandbox(), self.invocation.limits().resources);
        let lacks: Vec<&str> = lacks(sandbox, &resources).iter().map(|lack| lack.id).collect();
        json!({
            "max_runs": server.max_runs,
            "max_runs_per_user": server.max_runs_per_user,
            "max_concurrent": script.max_concurrent,
            "queue_length": script.queue_length.unwrap_or(server.queue_length),
            "rate_limit": script.rate_limit.or(server.rate_limit).map(|rate| rate.to_string()),
            "stop_grace_s": self.invocation.limits().grace.as_secs_f64(),
            "terminal": script.terminal,
            "interactive": self.invocation.keeps_stdin_open(),
            "secrets_via": secrets(script.secrets_via).0,
            "sha256": script.sha256.is_some(),
            "view": {"groups": script.view.groups, "users": script.view.users},
            "stop": {"groups": script.stop.groups, "users": script.stop.users},
            "limits": limits_json(resources),
            "sandbox": sandbox_json(sandbox, self.invocation.is_sandbox_required()),
            "not_enforced": lacks,
        })
    }
}

/// The word of the configuration, and what it means.
fn secrets(via: SecretsVia) -> (&'static str, &'static str) {
    match via {
        SecretsVia::Argv => ("argv", "words of the command line, which other accounts can see"),
        SecretsVia::Stdin => ("stdin", "the first lines of standard input"),
        SecretsVia::Descriptor => ("fd", "files that only the run can open"),
    }
}

fn right(
    name: &'static str,
    right: &webscripts_domain::catalogue::RunRight,
) -> Option<(&'static str, String)> {
    let is_empty = right.groups.is_empty() && right.users.is_empty();
    let text = || format!("groups {}, users {}", json!(right.groups), json!(right.users));
    (!is_empty).then(|| (name, text()))
}

fn limits_json(resources: Resources) -> Value {
    let limits = [
        ("memory_limit", resources.memory_bytes),
        ("cpu_limit", resources.cpu_s),
        ("process_limit", resources.processes),
        ("open_files_limit", resources.open_files),
        ("file_size_limit", resources.file_bytes),
    ];
    let set = limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into())));
    Value::Object(set.collect::<Map<_, _>>())
}

fn sandbox_json(sandbox: &Sandbox, is_required: bool) -> Value {
    let network = match sandbox.network() {
        Network::Allowed => json!(true),
        Network::None => json!(false),
        Network::Ports(ports) => json!(ports),
    };
    json!({
        "preset": sandbox.preset.name(),
        "read": sandbox.read,
        "write": sandbox.write,
        "network": network,
        "user": sandbox.user,
        "group": sandbox.group,
        "required": is_required,
    })
}
