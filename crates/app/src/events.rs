//! Every event other programs read. Values of arguments, passwords, tokens and output are never
//! written; the command line only when the script says that it holds no password.

use std::net::IpAddr;

use webscripts_domain::catalogue::Script;
use webscripts_domain::identity::{Caller, Identity};
use webscripts_domain::run::RunRecord;
use webscripts_engine::runs::StartError;
use webscripts_store::blacklist::Subject;

use crate::runs::recover::Recovery;

/// Somebody signed in.
pub fn signed_in(user: &Identity, address: IpAddr) {
    tracing::info!(
        name: "sign_in.succeeded",
        target: "webscripts::authentication",
        { user.id = user.id.0, user.name = ?user.name, %address },
        "a user signed in",
    );
}

/// A proof was wrong.
pub fn sign_in_failed(name: Option<&str>, address: IpAddr) {
    let name = name.unwrap_or_default();
    tracing::warn!(
        name: "sign_in.failed",
        target: "webscripts::authentication",
        { user.name = ?name, %address },
        "a sign-in failed",
    );
}

/// An address or a name has to wait from now on.
pub fn blocked(subject: &Subject, failures: u32) {
    tracing::warn!(
        name: "sign_in.blocked",
        target: "webscripts::authentication",
        { subject = ?subject, failures },
        "further sign-ins are refused for a while",
    );
}

/// Somebody signed out.
pub fn signed_out(user: &Identity, address: IpAddr) {
    tracing::info!(
        name: "sign_out",
        target: "webscripts::authentication",
        { user.id = user.id.0, user.name = ?user.name, %address },
        "a user signed out",
    );
}

/// Somebody asked for a script that is not for them.
pub fn access_denied(caller: &Caller, script: &Script) {
    tracing::warn!(
        name: "script.denied",
        target: "webscripts::command",
        { user.name = ?caller.identity.name, script.name = ?script.name.as_str(),
          address = %caller.address },
        "a script was refused",
    );
}

/// A run waits for its turn.
pub fn run_queued(run: &RunRecord) {
    tracing::info!(
        name: "run.queued",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?run.user_name,
          address = %run.address },
        "a run waits for its turn",
    );
}

/// A run is about to start. `words`: its command line, if it holds no password.
pub fn run_starting(run: &RunRecord, words: Option<&[String]>) {
    if let Some(words) = words {
        tracing::info!(
            name: "run.command",
            target: "webscripts::command",
            { run.id = %run.id, script.name = ?run.script, argv = ?words },
            "command line",
        );
    }
    tracing::info!(
        name: "run.started",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?run.user_name,
          address = %run.address },
        "a run starts",
    );
}

/// A run did not start.
pub fn run_not_started(run: &RunRecord, error: &StartError) {
    tracing::error!(
        name: "run.not_started",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?run.user_name, error = %error,
          cause = ?std::error::Error::source(error).map(ToString::to_string) },
        "a script could not be started",
    );
}

/// Somebody asked a run to end.
pub fn run_stopping(run: &RunRecord, caller: &Caller, at_once: bool) {
    tracing::info!(
        name: "run.stopping",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?caller.identity.name,
          address = %caller.address, at_once },
        "a run is stopped",
    );
}

/// A run is over.
pub fn run_finished(run: &RunRecord) {
    let took = run.end.map_or_else(std::time::Duration::default, |end| end.took);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        name: "run.finished",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?run.user_name,
          state = run.state.name(), outcome = ?run.end.map(|end| end.outcome), duration_ms,
          reason = ?run.reason, dropped_bytes = run.end.map_or(0, |end| end.printed.dropped) },
        "a run ended",
    );
}

/// Somebody deleted a run.
pub fn run_deleted(run: &RunRecord, caller: &Caller) {
    tracing::info!(
        name: "run.deleted",
        target: "webscripts::command",
        { run.id = %run.id, script.name = ?run.script, user.name = ?caller.identity.name,
          address = %caller.address },
        "a run was deleted",
    );
}

/// Old runs and old output were removed.
pub fn runs_removed(runs: usize, outputs: usize) {
    tracing::info!(
        name: "runs.removed",
        target: "webscripts::server",
        { runs, outputs },
        "old runs were removed",
    );
}

/// What the server found when it started.
pub fn runs_recovered(found: &Recovery) {
    tracing::info!(
        name: "runs.recovered",
        target: "webscripts::server",
        { attached = found.attached, ended = found.ended, lost = found.lost, queued = found.queued,
          dropped = found.dropped },
        "runs of the time before were found",
    );
}

/// The server stops and ends what still runs.
pub fn runs_stopping(runs: usize) {
    tracing::info!(
        name: "runs.stopping",
        target: "webscripts::server",
        { runs },
        "running scripts are stopped with the server",
    );
}
