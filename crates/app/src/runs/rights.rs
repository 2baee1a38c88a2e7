//! What somebody may do with a run: the rules of the domain, applied to a record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::access::authorize;
use webscripts_domain::catalogue::{Script, ScriptName};
use webscripts_domain::identity::Caller;
use webscripts_domain::recording::repeat;
use webscripts_domain::run::{Printed, RunId, RunRecord, RunState};
use webscripts_domain::run_rights::{RunRights, Subject, rights};
use webscripts_engine::spool::Spool;

use super::active::ActiveRun;
use super::{Can, Outlook, RunAccessError, RunView};
use crate::{App, Configuration};

/// A run that the caller may see.
#[derive(Debug)]
pub struct Seen {
    /// What is recorded.
    pub record: RunRecord,
    /// The run, if it is not over.
    pub active: Option<Arc<ActiveRun>>,
    /// What the caller may do.
    pub rights: RunRights,
    /// Its script as it is configured now.
    pub script: Option<Arc<Script>>,
    /// What a run without an end has printed.
    pub printed: Option<Printed>,
}

impl App {
    /// Finds a run for somebody who may see it. Nobody learns whether there is another one: it is
    /// looked for and decided on in the same way.
    ///
    /// # Errors
    ///
    /// When there is none for the caller.
    pub(super) async fn see(&self, caller: &Caller, id: RunId) -> Result<Seen, RunAccessError> {
        let active = self.runs.get(id);
        let record = match &active {
            Some(run) => Some(run.record()),
            None => self.stores.runs.find(id).await?,
        };
        let record = record.ok_or(RunAccessError::NotFound)?;
        let configuration = self.configuration();
        let script = script_of(&configuration, &record);
        let admin_groups = &configuration.settings.access.admin_groups;
        let rights = rights(caller, &Subject::of(&record, script.as_deref()), admin_groups);
        if !rights.view {
            return Err(RunAccessError::NotFound);
        }
        let printed = match record.state {
            RunState::Lost => Some(printed_on_disk(self.place_of(id)).await),
            _ => None,
        };
        Ok(Seen { record, active, rights, script, printed })
    }

    /// What the caller sees of it.
    pub(super) fn view(&self, caller: &Caller, seen: Seen) -> RunView {
        let Seen { record, active, rights, script, printed } = seen;
        let configuration = self.configuration();
        let printed = match &active {
            Some(run) => run.printed(),
            None => record.end.map(|end| end.printed).or(printed).unwrap_or_default(),
        };
        let queue_position = (record.state == RunState::Queued)
            .then(|| active.as_ref().and_then(|run| self.runs.position(run.owner, run.id)))
            .flatten();
        let may_run = script.as_ref().is_some_and(|script| authorize(caller, script).is_ok());
        let is_running = record.state == RunState::Running;
        let can = Can {
            stop: rights.stop && !record.state.is_over(),
            delete: rights.delete && record.state.is_over(),
            again: may_run && repeat(&record.arguments).is_ok(),
            input: rights.stop
                && is_running
                && active.as_ref().is_some_and(|run| run.takes_input()),
            open_script: may_run,
        };
        let outlook = Outlook {
            timeout: script.as_ref().map(|script| {
                let default = Duration::from_secs(configuration.settings.runs.default_timeout_s);
                script.timeout.unwrap_or(default)
            }),
            usual: None,
            chunks: active.as_ref().map_or(0, |run| run.chunks()),
            progress: active.as_ref().and_then(|run| run.recent.progress()),
        };
        RunView { record, printed, queue_position, script, can, outlook }
    }
}

/// How much a run printed whose end nobody recorded.
async fn printed_on_disk(place: PathBuf) -> Printed {
    let reached = tokio::task::spawn_blocking(move || Spool::open(&place)?.reached()).await;
    let offsets = reached.ok().and_then(Result::ok).map(|reached| reached.printed);
    offsets.map_or_else(Printed::default, |printed| Printed {
        stdout: printed.stdout,
        stderr: printed.stderr,
        dropped: 0,
    })
}

/// The script of a run as it is configured now. The authentication script is nobody's.
pub fn script_of(configuration: &Configuration, record: &RunRecord) -> Option<Arc<Script>> {
    let name = ScriptName::parse(&record.script)?;
    if configuration.is_auth_script(&name) {
        return None;
    }
    configuration.catalogue.get(&name).map(Arc::clone)
}
