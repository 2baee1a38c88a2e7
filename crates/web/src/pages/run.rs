//! The page of one run (web-ui.md B6.4).

use askama::Template;
use webscripts_app::runs::RunView;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::StartedVia;

use super::words::humanise;
use super::{RunRow, Shell, run_words};

/// An argument of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunArgument {
    /// Its name in the configuration.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Its value; dots for a secret.
    pub value: String,
    /// Whether the value is a secret, which is not kept.
    pub secret: bool,
    /// Whether it went to standard input.
    pub input: bool,
}

/// What is known of a run.
#[derive(Debug, Clone, Template)]
#[template(path = "run.html")]
pub struct RunPage {
    /// The frame.
    pub shell: Shell,
    /// The run.
    pub run: RunRow,
    /// Its arguments, in order.
    pub arguments: Vec<RunArgument>,
    /// How it was started, such as `from a page`.
    pub via: &'static str,
    /// The run that it repeats.
    pub again_of: Option<String>,
    /// Where it was started from.
    pub address: String,
    /// Why it ended, when it was not the script that ended it: a sentence.
    pub reason: Option<String>,
    /// Processor time; `None`: it is not over.
    pub cpu: Option<String>,
    /// Memory of its largest process; `None`: it is not over.
    pub peak_memory: Option<String>,
    /// What standard output holds.
    pub content_type: String,
    /// Whether its output was removed to make room.
    pub output_expired: bool,
}

impl RunPage {
    /// The page of a run at `now`.
    pub fn new(shell: Shell, view: &RunView, now: Timestamp) -> Self {
        let record = &view.record;
        let usage = record.end.map(|end| end.usage);
        let (via, again_of) = match record.via {
            StartedVia::Page => ("from a page", None),
            StartedVia::Api => ("by a program", None),
            StartedVia::Again(other) => ("again", Some(other.to_string())),
        };
        let arguments = record.arguments.iter().map(|argument| {
            let value = run_words::value(argument);
            RunArgument {
                name: argument.name.clone(),
                label: label_of(view, &argument.name),
                secret: value.is_none(),
                value: value.unwrap_or_else(|| run_words::SECRET.to_owned()),
                input: argument.input,
            }
        });
        Self {
            run: RunRow::new(view, now),
            arguments: arguments.collect(),
            via,
            again_of,
            address: record.address.to_string(),
            reason: record.reason.as_deref().map(run_words::sentence),
            cpu: usage.map(|usage| run_words::duration(usage.cpu)),
            peak_memory: usage.map(|usage| run_words::bytes(usage.peak_memory)),
            content_type: view
                .script
                .as_ref()
                .map_or_else(|| "text/plain".to_owned(), |script| script.content_type.clone()),
            output_expired: record.output_expired,
            shell,
        }
    }
}

/// The label of an argument as it is configured now, or its name made readable.
fn label_of(view: &RunView, name: &str) -> String {
    let mut declared = view.script.iter().flat_map(|script| &script.arguments);
    declared
        .find(|argument| argument.name == name)
        .and_then(|argument| argument.label.clone())
        .unwrap_or_else(|| humanise(name))
}
