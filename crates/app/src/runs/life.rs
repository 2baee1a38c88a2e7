//! The life of a run from its turn to its record.

use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::access;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{Outcome, Printed, RunEnd, RunState};
use webscripts_engine::place::size_of_place;
use webscripts_engine::result_files;
use webscripts_engine::runs::{Over, RunHandle, StartError};
use webscripts_store::StoreError;
use webscripts_store::runs::{Change, Ended};

use super::active::{ActiveRun, Order, Phase, Slot};
use crate::authenticator::Current;
use crate::run_script::RunError;
use crate::{App, events};

/// How often the end of a run is written before that is given up.
const ATTEMPTS: u32 = 5;
/// What is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a run that waited does not start.
enum Refusal {
    /// Its user may not any more, or cannot be looked up.
    User(String, RunError),
    /// Saved state failed.
    Store(StoreError),
}

impl App {
    /// Gives turns until the server stops.
    pub(crate) async fn give_turns(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.runs.turn.notified() => {}
            }
            while let Some((slot, run)) = self.runs.next() {
                let Some(run) = run else { continue };
                // Whoever stops a waiting run takes its order.
                let Some(order) = run.take_order() else { continue };
                self.tasks.spawn(Arc::clone(&self).carry_waited(run, order, slot));
            }
        }
    }

    /// Starts a run that has waited, if its user still may.
    async fn carry_waited(self: Arc<Self>, run: Arc<ActiveRun>, order: Order, slot: Slot) {
        match self.still_may(&run, order.caller.clone()).await {
            Ok(()) => {}
            Err(refusal) => {
                let (reason, error) = match refusal {
                    Refusal::User(reason, error) => (reason, error),
                    Refusal::Store(error) => {
                        ("saved state cannot be reached".to_owned(), error.into())
                    }
                };
                self.end_unstarted(&run, RunState::Failed, reason).await;
                let _ = order.started.send(Err(error));
                return;
            }
        }
        let at = self.now();
        let change = Change::Started { at };
        match self.stores.runs.change(run.id, &change).await {
            Ok(true) => {}
            // Somebody ended it meanwhile.
            Ok(false) => return self.forget(&run),
            Err(error) => {
                tracing::error!(%error, run.id = %run.id, "the start of a run was not recorded");
            }
        }
        run.update(|record| {
            record.state = RunState::Running;
            record.started = Some(at);
        });
        self.carry(run, order, slot).await;
    }

    /// Starts a run that has a place and accompanies it to its end.
    pub(super) async fn carry(self: Arc<Self>, run: Arc<ActiveRun>, order: Order, slot: Slot) {
        let Order { invocation, words, started, .. } = order;
        let logs_words = run.script.as_ref().is_some_and(|script| script.no_password);
        events::run_starting(&run.record(), logs_words.then_some(words.as_slice()));
        let handle = match self.runner.start(invocation).await {
            Ok(handle) => handle,
            Err(error) => {
                events::run_not_started(&run.record(), &error);
                self.end_unstarted(&run, RunState::Failed, reason_of(&error)).await;
                let _ = started.send(Err(error.into()));
                return;
            }
        };
        if run.reason().is_some() {
            handle.stop();
        }
        run.enter(Phase::Running(handle.clone()));
        let _ = started.send(Ok(()));
        self.accompany(run, handle, Some(slot)).await;
    }

    /// Waits for the end of a run and records it.
    pub(super) async fn accompany(
        self: Arc<Self>,
        run: Arc<ActiveRun>,
        handle: RunHandle,
        slot: Option<Slot>,
    ) {
        let over = handle.over().await;
        run.keep_output(&handle);
        // Whoever waits for a place need not wait for the record.
        drop(slot);
        let printed = run.printed();
        let (state, end, reason) = match over {
            Over::Ended(end) => (end.outcome.into(), Some(end), run.reason()),
            Over::Lost => (RunState::Lost, None, Some("its supervisor was ended".to_owned())),
        };
        let reason = match state {
            RunState::Succeeded | RunState::Failed => None,
            RunState::TimedOut => Some("its time limit passed".to_owned()),
            _ => reason,
        };
        let kept = end.map_or(printed, |end| end.printed);
        let output_bytes = bytes_kept(kept);
        self.end(&run, Ended { at: self.now(), state, end, reason, output_bytes }).await;
        self.measure_files(&run).await;
    }

    /// Ends a run that has no process.
    pub(super) async fn end_unstarted(&self, run: &ActiveRun, state: RunState, reason: String) {
        let reason = Some(reason);
        self.end(run, Ended { at: self.now(), state, end: None, reason, output_bytes: 0 }).await;
    }

    /// Records the end of a run and tells everybody. Who waits for a run that ended by itself is
    /// told first: should the server be killed in between, the next one finds the end in the
    /// directory of the run.
    pub(super) async fn end(&self, run: &ActiveRun, ended: Ended) {
        if ended.end.is_some() && ended.reason.is_none() {
            Self::tell(run, &ended);
            self.record(run, &ended).await;
        } else {
            self.record(run, &ended).await;
            Self::tell(run, &ended);
        }
        self.forget(run);
    }

    async fn record(&self, run: &ActiveRun, ended: &Ended) {
        let change = Change::Ended(ended.clone());
        for attempt in 1..=ATTEMPTS {
            match self.stores.runs.change(run.id, &change).await {
                Ok(_) => break,
                Err(error) if attempt == ATTEMPTS => {
                    tracing::error!(%error, run.id = %run.id, "the end of a run was not recorded");
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn tell(run: &ActiveRun, ended: &Ended) {
        run.update(|record| {
            record.state = ended.state;
            record.ended = Some(ended.at);
            record.end = ended.end;
            record.reason.clone_from(&ended.reason);
        });
        events::run_finished(&run.record());
        run.enter(Phase::Over);
    }

    fn forget(&self, run: &ActiveRun) {
        run.enter(Phase::Over);
        self.runs.remove(run.id);
        run.note_recorded();
    }

    /// Corrects the size of what a run left, if it left files.
    async fn measure_files(&self, run: &ActiveRun) {
        if !run.place.join(result_files::DIRECTORY).exists() {
            return;
        }
        let place = run.place.clone();
        let measured = tokio::task::spawn_blocking(move || size_of_place(&place)).await;
        if let Ok(Ok(bytes)) = measured
            && let Err(error) = self.stores.runs.set_output_size(run.id, bytes).await
        {
            tracing::warn!(%error, run.id = %run.id, "the size of result files was not recorded");
        }
    }

    /// Whether the user of a run that waited may still run its script: rights are those of this
    /// moment (attack-checks.md row 26).
    async fn still_may(&self, run: &ActiveRun, caller: Caller) -> Result<(), Refusal> {
        let caller = self.caller_now(caller).await.map_err(Refusal::Store)?.ok_or_else(|| {
            let reason = "the account was disabled or deleted while the run waited";
            Refusal::User(reason.to_owned(), RunError::NoSuchScript)
        })?;
        let Some(script) = &run.script else {
            let reason = "the script is not configured any more";
            return Err(Refusal::User(reason.to_owned(), RunError::NoSuchScript));
        };
        match access::authorize(&caller, script) {
            Ok(_) => Ok(()),
            Err(denied) => {
                events::access_denied(&caller, script);
                let reason = "the user may not run this script any more";
                Err(Refusal::User(reason.to_owned(), RunError::Denied(denied)))
            }
        }
    }

    /// The caller with the rights of this moment; `None`: the account is gone or disabled.
    pub(crate) async fn caller_now(&self, caller: Caller) -> Result<Option<Caller>, StoreError> {
        if !caller.identity.is_signed_in() {
            let may = !self.configuration().must_sign_in(&caller);
            return Ok(may.then_some(caller));
        }
        Ok(match self.authenticator.current(caller.identity.id).await? {
            Current::Known(identity) => Some(Caller { identity: *identity, ..caller }),
            Current::AsSignedIn => Some(caller),
            Current::Gone => None,
        })
    }
}

/// Bytes of output on disk.
pub(super) fn bytes_kept(printed: Printed) -> u64 {
    printed.stdout.saturating_add(printed.stderr).saturating_sub(printed.dropped)
}

/// Why a run did not start, for its record: no path of the server is in it.
fn reason_of(error: &StartError) -> String {
    match error {
        StartError::NotFound { .. } => "the program does not exist",
        StartError::NotExecutable { .. } => "the program may not be executed",
        StartError::TooLarge(_) => "the arguments are larger than the system accepts",
        StartError::Exhausted(_) => "the system could not start another process",
        StartError::Unsafe { .. } => {
            "the file of the script is not safe to run; an administrator finds the cause in the log"
        }
        StartError::Sandbox { .. } => {
            "its sandbox cannot be set up; an administrator finds the cause in the log"
        }
        StartError::Failed { .. } => {
            "it could not be started; an administrator finds the cause in the log"
        }
    }
    .to_owned()
}

/// What existing clients are told of a run that has no end of its own: it was ended.
pub(crate) fn end_of(
    end: Option<RunEnd>,
    at: Option<Timestamp>,
    began: Option<Timestamp>,
) -> RunEnd {
    let took = at.zip(began).map(|(at, began)| at.duration_since(began));
    end.unwrap_or(RunEnd {
        outcome: Outcome::Cancelled,
        took: took.and_then(|took| Duration::try_from(took).ok()).unwrap_or_default(),
        usage: webscripts_domain::run::Usage::default(),
        printed: Printed::default(),
    })
}
