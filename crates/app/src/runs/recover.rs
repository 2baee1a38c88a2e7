//! What the server finds when it starts: runs that go on, runs that ended without it, runs that
//! waited, and directories that belong to nothing (attack-checks.md row 57).

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use webscripts_domain::access;
use webscripts_domain::arguments;
use webscripts_domain::catalogue::ScriptName;
use webscripts_domain::environment::{RequestContext, environment};
use webscripts_domain::identity::{Caller, Credential, Identity};
use webscripts_domain::invocation::{Invocation, TerminalSize, Wishes};
use webscripts_domain::recording::repeat;
use webscripts_domain::run::{RunId, RunState};
use webscripts_engine::place::size_of_place;
use webscripts_engine::runs::Recovered;
use webscripts_store::StoreError;
use webscripts_store::runs::{Ended, Owner, Unfinished};

use super::active::{ActiveRun, Order, Phase};
use super::life::bytes_kept;
use super::queue::Ticket;
use super::rights::script_of;
use super::start::ticket;
use crate::authenticator::Current;
use crate::{App, Configuration, events};

/// How long a run that goes on may take to get in touch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Runs that are looked for at the same time.
const AT_A_TIME: usize = 256;
/// Records that are read at once.
const PAGE: u32 = 200;

/// What became of the runs that were not over when the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// They go on and are watched again.
    pub attached: usize,
    /// They ended meanwhile; their end is recorded.
    pub ended: usize,
    /// Nobody knows how they ended.
    pub lost: usize,
    /// They wait as before.
    pub queued: usize,
    /// They waited, but cannot be started any more.
    pub dropped: usize,
}

/// What became of one of them.
#[derive(Debug, Clone, Copy)]
enum Found {
    Attached,
    Ended,
    Lost,
    Queued,
    Dropped,
}

impl App {
    /// Finds the runs of the time before the server started, then lets runs start. Called once,
    /// before requests are served.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn recover_runs(self: &Arc<Self>) -> Result<Recovery, StoreError> {
        let unfinished = self.unfinished_runs().await?;
        let known: HashSet<RunId> = unfinished.iter().map(|run| run.record.id).collect();
        let mut recovery = Recovery::default();
        let mut tasks = JoinSet::new();
        for run in unfinished {
            if tasks.len() >= AT_A_TIME
                && let Some(Ok(found)) = tasks.join_next().await
            {
                recovery.count(found);
            }
            tasks.spawn(Arc::clone(self).recover_run(run));
        }
        while let Some(found) = tasks.join_next().await {
            match found {
                Ok(found) => recovery.count(found),
                Err(error) => tracing::error!(%error, "a run could not be looked for"),
            }
        }
        if recovery != Recovery::default() {
            events::runs_recovered(&recovery);
        }
        self.runs.open();
        self.tasks.spawn(Arc::clone(self).remove_strange_directories(known));
        Ok(recovery)
    }

    async fn unfinished_runs(&self) -> Result<Vec<Unfinished>, StoreError> {
        let mut all: Vec<Unfinished> = Vec::new();
        loop {
            let after = all.last().map(|run| run.record.id);
            let page = self.stores.runs.unfinished(after, PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    async fn recover_run(self: Arc<Self>, unfinished: Unfinished) -> Found {
        let configuration = self.configuration();
        let Unfinished { record, terminal } = unfinished;
        let is_queued = record.state == RunState::Queued;
        let script = script_of(&configuration, &record);
        let terminal = terminal.filter(|_| script.as_ref().is_none_or(|it| it.runs.terminal));
        let place = self.place_of(record.id);
        let run = Arc::new(ActiveRun::new(record, place, script, terminal));
        self.runs.insert(Arc::clone(&run));
        if is_queued {
            self.wait_again(&configuration, run, terminal).await
        } else {
            self.find_again(run).await
        }
    }

    /// Looks for the processes of a run.
    async fn find_again(self: Arc<Self>, run: Arc<ActiveRun>) -> Found {
        match self.runner.recover(run.id, &run.place, PATIENCE).await {
            Recovered::Attached(handle) => {
                let slot = place_for(&run).map(|ticket| self.runs.occupy(ticket));
                run.enter(Phase::Running(handle.clone()));
                let app = Arc::clone(&self);
                self.tasks.spawn(app.accompany(run, handle, slot));
                Found::Attached
            }
            Recovered::Ended(end) => {
                let began = run.record().started.unwrap_or_else(|| run.id.created());
                let took = end.took.try_into().unwrap_or_default();
                let at = began.saturating_add::<webscripts_domain::clock::SignedDuration>(took);
                let ended = Ended {
                    at: at.unwrap_or_else(|_| self.now()).min(self.now()),
                    state: end.outcome.into(),
                    end: Some(end),
                    reason: None,
                    output_bytes: bytes_kept(end.printed),
                };
                self.end(&run, ended).await;
                Found::Ended
            }
            Recovered::Lost => {
                let printed = printed_on_disk(run.place.clone()).await;
                let ended = Ended {
                    at: self.now(),
                    state: RunState::Lost,
                    end: None,
                    reason: Some("the server ended, and nothing kept the run going".to_owned()),
                    output_bytes: printed,
                };
                self.end(&run, ended).await;
                Found::Lost
            }
        }
    }

    /// Puts a run back in line with what is recorded of it, as its user may now.
    async fn wait_again(
        self: Arc<Self>,
        configuration: &Configuration,
        run: Arc<ActiveRun>,
        terminal: Option<TerminalSize>,
    ) -> Found {
        match self.order_again(configuration, &run, terminal).await {
            Ok(order) => {
                let reservation = self.runs.keep_waiting(order.ticket.clone());
                run.wait_with(order);
                reservation.join();
                Found::Queued
            }
            Err((state, reason)) => {
                self.end_unstarted(&run, state, reason).await;
                Found::Dropped
            }
        }
    }

    /// The order of a run that waited; or what becomes of it, and why.
    async fn order_again(
        &self,
        configuration: &Configuration,
        run: &ActiveRun,
        terminal: Option<TerminalSize>,
    ) -> Result<Order, (RunState, String)> {
        let record = run.record();
        let failed = |reason: &str| (RunState::Failed, reason.to_owned());
        let request = repeat(&record.arguments).map_err(|missing| {
            let names = missing.arguments.join(", ");
            let reason = format!(
                "the server was restarted while it waited; secrets and long values are not stored: {names}"
            );
            (RunState::Lost, reason)
        })?;
        let script =
            run.script.as_ref().ok_or_else(|| failed("the script is not configured any more"))?;
        let caller = self.stored_caller(run).await.map_err(failed_owned)?;
        let authorized = access::authorize(&caller, script)
            .map_err(|_| failed("the user may not run this script any more"))?;
        let checked = arguments::check(authorized, &request)
            .map_err(|_| failed("the arguments do not fit the script any more"))?;
        let context = RequestContext {
            method: "POST".to_owned(),
            path: "/api/runs/".to_owned(),
            full_path: "/api/runs/".to_owned(),
            ..RequestContext::default()
        };
        let environment = environment(&configuration.environment, &context, &caller, script);
        let surroundings = configuration.surroundings();
        let wishes = Wishes { terminal };
        let invocation = Invocation::new(run.id, &checked, environment, &surroundings, wishes);
        Ok(Order {
            ticket: ticket(run.id, run.owner, script, &invocation),
            words: checked.shown_words(),
            invocation,
            started: oneshot::channel().0,
            caller: caller.clone(),
        })
    }

    /// The one who asked for a run, with the rights of this moment (attack-checks.md row 26).
    async fn stored_caller(&self, run: &ActiveRun) -> Result<Caller, String> {
        let Owner { user, address } = run.owner;
        let caller =
            |identity| Caller { identity, address, credential: Credential::None, session: None };
        let visitor = [Identity::not_authenticated(), Identity::unknow()]
            .into_iter()
            .find(|visitor| visitor.id == user)
            .map(caller);
        if let Some(visitor) = visitor {
            let must_sign_in = self.configuration().must_sign_in(&visitor);
            let refused = || "visitors may not run scripts any more".to_owned();
            return if must_sign_in { Err(refused()) } else { Ok(visitor) };
        }
        match self.authenticator.current(user).await {
            Ok(Current::Known(identity)) => Ok(caller(*identity)),
            Ok(Current::Gone) => Err("the account is disabled or deleted".to_owned()),
            Ok(Current::AsSignedIn) => Err(
                "the server was restarted while it waited, and the authentication script cannot \
                     be asked for the rights of the user"
                    .to_owned(),
            ),
            Err(error) => {
                tracing::error!(%error, "the user of a waiting run could not be looked up");
                Err("saved state cannot be reached".to_owned())
            }
        }
    }

    /// Removes directories of runs that nothing is recorded of.
    async fn remove_strange_directories(self: Arc<Self>, known: HashSet<RunId>) {
        let runs = self.configuration().surroundings().runs;
        let found = tokio::task::spawn_blocking(move || directories(&runs)).await;
        for (id, place) in found.unwrap_or_default() {
            if known.contains(&id) {
                continue;
            }
            if self.stop.is_cancelled() {
                return;
            }
            match self.stores.runs.find(id).await {
                Ok(Some(record)) if !record.output_expired => {}
                Ok(_) => {
                    tracing::info!(run.id = %id, "a directory without a run is removed");
                    if let Err(error) = super::history::remove(place).await {
                        tracing::warn!(%error, run.id = %id, "it could not be removed");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "directories of runs could not be checked");
                    return;
                }
            }
        }
    }
}

impl Recovery {
    fn count(&mut self, found: Found) {
        let number = match found {
            Found::Attached => &mut self.attached,
            Found::Ended => &mut self.ended,
            Found::Lost => &mut self.lost,
            Found::Queued => &mut self.queued,
            Found::Dropped => &mut self.dropped,
        };
        *number += 1;
    }
}

fn failed_owned(reason: String) -> (RunState, String) {
    (RunState::Failed, reason)
}

/// What the queue knows of a run that runs already.
fn place_for(run: &ActiveRun) -> Option<Ticket> {
    Some(Ticket {
        run: run.id,
        tenant: run.owner.into(),
        script: ScriptName::parse(&run.record().script)?,
        most_of_script: None,
        waiting_of_script: None,
        bytes: 0,
    })
}

async fn printed_on_disk(place: PathBuf) -> u64 {
    let size = tokio::task::spawn_blocking(move || size_of_place(&place)).await;
    size.ok().and_then(Result::ok).unwrap_or(0)
}

/// The directories below that of all runs, at most a hundred thousand.
fn directories(runs: &Path) -> Vec<(RunId, PathBuf)> {
    let entries = |directory: &Path| std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries(runs)
        .filter(|day| day.file_type().is_ok_and(|kind| kind.is_dir()))
        .flat_map(|day| entries(&day.path()).collect::<Vec<_>>())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((RunId::parse(entry.file_name().to_str()?)?, entry.path())))
        .take(100_000)
        .collect()
}
