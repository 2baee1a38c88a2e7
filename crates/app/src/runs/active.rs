//! Runs that are not over: what the server holds of them in memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, SetOnce, oneshot, watch};
use webscripts_domain::catalogue::Script;
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::{Invocation, TerminalSize};
use webscripts_domain::run::{Printed, RunId, RunRecord, RunState};
use webscripts_engine::runs::{RunHandle, WholeOutput};
use webscripts_store::runs::Owner;

use super::output::Recent;
use super::queue::{Admission, NoPlace, Queue, Rules, Tenant, Ticket};
use super::screen::terminal::Screens;
use crate::run_script::RunError;

/// All runs that are not over, and the queue.
pub struct Registry {
    runs: Mutex<HashMap<RunId, Arc<ActiveRun>>>,
    queue: Mutex<Queue>,
    /// Told when a waiting run may start.
    pub turn: Notify,
    /// Changes whenever positions in the queue do.
    moved: watch::Sender<u64>,
}

/// A run that is not over.
#[derive(Debug)]
pub struct ActiveRun {
    /// Its identifier.
    pub id: RunId,
    /// Its directory.
    pub place: PathBuf,
    /// Whose it is.
    pub owner: Owner,
    /// Its script as it was when it was asked for; `None`: it was found again after a restart and
    /// its script is not configured any more.
    pub script: Option<Arc<Script>>,
    /// The output that watchers share.
    pub recent: Recent,
    /// Its terminal, for those who watch it.
    pub screens: Screens,
    record: Mutex<RunRecord>,
    phase: watch::Sender<Phase>,
    waiting: Mutex<Option<Order>>,
    reason: Mutex<Option<String>>,
    input_closed: AtomicBool,
    whole: OnceLock<Arc<WholeOutput>>,
    /// Pieces of output when its process had ended.
    last_chunks: AtomicU64,
    recorded: SetOnce<()>,
}

/// Where a run stands. Only goes forward.
#[derive(Debug, Clone)]
pub enum Phase {
    /// It waits, or its process is being started.
    Waiting,
    /// Its process runs.
    Running(RunHandle),
    /// It is over, and recorded if no record of its supervisor says how it ended.
    Over,
}

/// All that is needed to start a run.
#[derive(Debug)]
pub struct Order {
    /// What the engine starts.
    pub invocation: Invocation,
    /// Who asked for it.
    pub caller: Caller,
    /// What the queue knows of it.
    pub ticket: Ticket,
    /// The command line as it may be logged.
    pub words: Vec<String>,
    /// Told when the process runs, or why it does not.
    pub started: oneshot::Sender<Result<(), RunError>>,
}

/// A place among the running runs; dropping it gives it back.
#[derive(Debug)]
pub struct Slot {
    registry: Arc<Registry>,
    ticket: Ticket,
}

/// A place in the line that is not used yet; dropping it gives it back.
#[derive(Debug)]
pub struct Reservation {
    registry: Arc<Registry>,
    ticket: Option<Ticket>,
}

/// What a new run got.
#[derive(Debug)]
pub enum Place {
    /// It starts.
    Slot(Slot),
    /// It waits.
    Reservation(Reservation),
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Registry").field("runs", &self.runs().len()).finish_non_exhaustive()
    }
}

impl Registry {
    /// Without runs. Nothing starts before [`Registry::open`].
    pub fn new(rules: Rules) -> Self {
        Self {
            runs: Mutex::default(),
            queue: Mutex::new(Queue::new(rules)),
            turn: Notify::new(),
            moved: watch::Sender::new(0),
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Arc<ActiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self) {
        self.moved.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Lets runs start from now on.
    pub fn open(&self) {
        self.queue().release_hold();
        self.turn.notify_one();
    }

    /// Starts nothing more; what waits stays in the queue.
    pub fn close(&self) {
        self.queue().hold();
    }

    /// Takes a place for a new run.
    ///
    /// # Errors
    ///
    /// When too many wait.
    pub fn admit(self: &Arc<Self>, ticket: Ticket) -> Result<Place, NoPlace> {
        let registry = Arc::clone(self);
        let admission = self.queue().admit(&ticket)?;
        Ok(match admission {
            Admission::Start => Place::Slot(Slot { registry, ticket }),
            Admission::Wait => Place::Reservation(Reservation { registry, ticket: Some(ticket) }),
        })
    }

    /// The place of a run that runs already.
    pub fn occupy(self: &Arc<Self>, ticket: Ticket) -> Slot {
        self.queue().occupy(&ticket);
        Slot { registry: Arc::clone(self), ticket }
    }

    /// A place in the line for a run that was accepted before the server started.
    pub fn keep_waiting(self: &Arc<Self>, ticket: Ticket) -> Reservation {
        self.queue().count_waiting(&ticket);
        Reservation { registry: Arc::clone(self), ticket: Some(ticket) }
    }

    /// The run whose turn it is, with its place.
    pub fn next(self: &Arc<Self>) -> Option<(Slot, Option<Arc<ActiveRun>>)> {
        let ticket = self.queue().next()?;
        self.moved();
        let run = self.get(ticket.run);
        Some((Slot { registry: Arc::clone(self), ticket }, run))
    }

    /// Takes a run out of the line; false: it does not wait there.
    pub fn leave(&self, run: &ActiveRun) -> bool {
        let left = self.queue().remove(run.owner.into(), run.id);
        if left {
            self.moved();
            // A run that was held back by this one may fit now.
            self.turn.notify_one();
        }
        left
    }

    /// How many runs start before a waiting one.
    pub fn position(&self, owner: Owner, run: RunId) -> Option<usize> {
        self.queue().position(Tenant::from(owner), run)
    }

    /// Changes whenever positions may have.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Takes a run in.
    pub fn insert(&self, run: Arc<ActiveRun>) {
        self.runs().insert(run.id, run);
    }

    /// The run of this number, if it is not over.
    pub fn get(&self, id: RunId) -> Option<Arc<ActiveRun>> {
        self.runs().get(&id).map(Arc::clone)
    }

    /// Forgets a run.
    pub fn remove(&self, id: RunId) {
        self.runs().remove(&id);
    }

    /// All runs that are not over.
    pub fn all(&self) -> Vec<Arc<ActiveRun>> {
        self.runs().values().map(Arc::clone).collect()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.registry.queue().release(&self.ticket);
        self.registry.turn.notify_one();
    }
}

impl Reservation {
    /// Joins the line.
    pub fn join(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.registry.queue().enqueue(ticket);
            self.registry.moved();
            self.registry.turn.notify_one();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.registry.queue().leave(&ticket);
        }
    }
}

impl ActiveRun {
    /// A run that waits.
    pub fn new(
        record: RunRecord,
        place: PathBuf,
        script: Option<Arc<Script>>,
        terminal: Option<TerminalSize>,
    ) -> Self {
        Self {
            id: record.id,
            place,
            owner: Owner { user: record.user, address: record.address },
            script,
            recent: Recent::default(),
            screens: Screens::new(terminal),
            record: Mutex::new(record),
            phase: watch::Sender::new(Phase::Waiting),
            waiting: Mutex::default(),
            reason: Mutex::default(),
            input_closed: AtomicBool::new(false),
            whole: OnceLock::new(),
            last_chunks: AtomicU64::new(0),
            recorded: SetOnce::new(),
        }
    }

    /// What is known of it now.
    pub fn record(&self) -> RunRecord {
        self.lock_record().clone()
    }

    /// Where it stands.
    pub fn state(&self) -> RunState {
        self.lock_record().state
    }

    fn lock_record(&self) -> MutexGuard<'_, RunRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of it.
    pub fn update(&self, change: impl FnOnce(&mut RunRecord)) {
        change(&mut self.lock_record());
    }

    /// How much it has printed.
    pub fn printed(&self) -> Printed {
        if let Some(end) = self.lock_record().end {
            return end.printed;
        }
        let Some(handle) = self.handle() else { return Printed::default() };
        let progress = *handle.progress().borrow();
        Printed { stdout: progress.stdout, stderr: progress.stderr, dropped: 0 }
    }

    /// How many pieces of output there are.
    pub fn chunks(&self) -> u64 {
        let last = || self.last_chunks.load(Ordering::Relaxed);
        self.handle().map_or_else(last, |handle| handle.progress().borrow().chunks)
    }

    /// Follows where it stands.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Moves it on.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// The handle, while its process runs.
    pub fn handle(&self) -> Option<RunHandle> {
        match &*self.phase.borrow() {
            Phase::Running(handle) => Some(handle.clone()),
            Phase::Waiting | Phase::Over => None,
        }
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        // The sender is part of this value: the wait cannot fail.
        let _ = self.phase().wait_for(|phase| matches!(phase, Phase::Over)).await;
    }

    /// Keeps what is needed to start it for its turn.
    pub fn wait_with(&self, order: Order) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(order);
    }

    /// Whether it waits for its turn and somebody waits for its result.
    pub fn is_awaited(&self) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_ref().is_some_and(|order| !order.started.is_closed())
    }

    /// Takes that out again: whoever has it decides how the run goes on.
    pub fn take_order(&self) -> Option<Order> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes why it will end; the first reason counts.
    pub fn note_reason(&self, reason: impl FnOnce() -> String) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(reason);
    }

    /// Why it was ended, if somebody did.
    pub fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what is known of its output now that its process has ended.
    pub fn keep_output(&self, handle: &RunHandle) {
        self.last_chunks.store(handle.progress().borrow().chunks, Ordering::Relaxed);
        if let Some(whole) = handle.whole_output() {
            self.whole.get_or_init(|| whole);
        }
    }

    /// Notes that everything about it is in the store.
    pub fn note_recorded(&self) {
        // Noted once or more: it stays so.
        let _ = self.recorded.set(());
    }

    /// Waits until everything about it is in the store, which is soon after its end.
    pub async fn recorded(&self) {
        self.recorded.wait().await;
    }

    /// All that it printed; `None`: read it from its directory.
    pub fn whole_output(&self) -> Option<Arc<WholeOutput>> {
        self.whole.get().map(Arc::clone)
    }

    /// Notes that its standard input takes nothing more.
    pub fn close_input(&self) {
        self.input_closed.store(true, Ordering::Relaxed);
    }

    /// Whether somebody may write to its standard input.
    pub fn takes_input(&self) -> bool {
        let keeps_open =
            self.script.as_ref().is_some_and(|it| it.runs.interactive || it.runs.terminal);
        keeps_open && !self.input_closed.load(Ordering::Relaxed)
    }
}
