//! Every event other programs read. Values of arguments, passwords, tokens and output are never
//! written; the command line only when the script says that it holds no password.

use std::net::IpAddr;

use webscripts_domain::catalogue::Script;
use webscripts_domain::identity::{Caller, Identity};
use webscripts_domain::run::{RunEnd, RunId};
use webscripts_store::blacklist::Subject;

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

/// A run is about to start.
pub fn run_starting(run: RunId, caller: &Caller, script: &Script, argv: &[String]) {
    if script.no_password {
        tracing::info!(
            name: "run.command",
            target: "webscripts::command",
            { run.id = %run, script.name = ?script.name.as_str(), argv = ?argv },
            "command line",
        );
    }
    tracing::info!(
        name: "run.started",
        target: "webscripts::command",
        { run.id = %run, script.name = ?script.name.as_str(),
          user.name = ?caller.identity.name, address = %caller.address },
        "a run starts",
    );
}

/// A run did not start.
pub fn run_not_started(
    run: RunId,
    caller: &Caller,
    script: &Script,
    error: &webscripts_engine::StartError,
) {
    tracing::error!(
        name: "run.not_started",
        target: "webscripts::command",
        { run.id = %run, script.name = ?script.name.as_str(),
          user.name = ?caller.identity.name, error = %error,
          cause = ?std::error::Error::source(error).map(ToString::to_string) },
        "a script could not be started",
    );
}

/// A run ended.
pub fn run_finished(run: RunId, caller: &Caller, script: &Script, end: &RunEnd) {
    let duration_ms = u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        name: "run.finished",
        target: "webscripts::command",
        { run.id = %run, script.name = ?script.name.as_str(),
          user.name = ?caller.identity.name, outcome = ?end.outcome, duration_ms,
          dropped_bytes = end.printed.dropped },
        "a run ended",
    );
}
