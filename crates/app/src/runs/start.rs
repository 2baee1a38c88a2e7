//! From a request to a run that waits or runs.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::Instrument as _;
use webscripts_domain::access;
use webscripts_domain::arguments;
use webscripts_domain::catalogue::Script;
use webscripts_domain::environment::{RequestContext, environment};
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::{Invocation, Wishes, Word, place_of};
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{RunId, RunRecord, RunState, StartedVia};
use webscripts_store::runs::{Claim, NewRun, Owner};

use super::active::{ActiveRun, Order, Place};
use super::queue::Ticket;
use super::rights::Seen;
use super::{RunAccessError, RunView};
use crate::run_script::RunError;
use crate::{App, Configuration, events};

/// Most characters of an idempotency key; all of them visible ASCII.
pub const MAX_KEY_LENGTH: usize = 255;

/// What somebody asks for who starts a run.
#[derive(Debug, Clone, Copy)]
pub struct StartRun<'a> {
    /// Name of the script.
    pub script: &'a str,
    /// Arguments and CSRF token.
    pub request: &'a RunRequest,
    /// The request, for the environment of the script.
    pub context: &'a RequestContext,
    /// How it is started.
    pub via: StartedVia,
    /// A name the client chose: the same name again answers the same run.
    pub idempotency_key: Option<&'a str>,
    /// What the client chooses.
    pub wishes: Wishes,
}

/// A run that waits or runs.
#[derive(Debug, Clone)]
pub struct StartedRun {
    /// The run.
    pub view: RunView,
    /// Whether an earlier request with the same idempotency key started it.
    pub repeated: bool,
}

/// What became of an order.
pub(crate) enum Begun {
    /// A new run.
    New {
        /// The run.
        run: Arc<ActiveRun>,
        /// Whether it starts without waiting.
        at_once: bool,
        /// Told when its process runs, or why it does not.
        started: oneshot::Receiver<Result<(), RunError>>,
    },
    /// An earlier request started it.
    Repeated(RunId),
}

impl App {
    /// Starts a script, or puts it in the queue, and answers at once.
    ///
    /// # Errors
    ///
    /// Whatever speaks against it; nothing was started then. A script that could not be executed
    /// is [`RunError::Start`]; its run is recorded as failed.
    pub async fn start_run(
        self: &Arc<Self>,
        caller: &Caller,
        order: StartRun<'_>,
    ) -> Result<StartedRun, RunError> {
        // The token is used up even if the script cannot be run: it has been seen.
        if !self.redeem_csrf_token(caller, order.request.csrf_token.as_deref()) {
            return Err(RunError::CsrfToken);
        }
        self.start_redeemed(caller, order).await
    }

    /// [`App::start_run`] for a caller whose token was redeemed.
    pub(super) async fn start_redeemed(
        self: &Arc<Self>,
        caller: &Caller,
        order: StartRun<'_>,
    ) -> Result<StartedRun, RunError> {
        match self.begin(caller, order).await? {
            Begun::Repeated(id) => {
                let view = self.run(caller, id).await.map_err(|error| match error {
                    RunAccessError::Store(error) => RunError::Store(error),
                    // Its record has been deleted since; it must not run twice.
                    RunAccessError::NotFound | RunAccessError::Output(_) => RunError::KeyReused,
                })?;
                Ok(StartedRun { view, repeated: true })
            }
            Begun::New { run, at_once, started } => {
                if at_once {
                    started.await.unwrap_or(Err(RunError::Stopping))?;
                }
                let configuration = self.configuration();
                let record = run.record();
                let script = super::rights::script_of(&configuration, &record);
                let rights = webscripts_domain::run_rights::RunRights::ALL;
                let seen = Seen { record, active: Some(run), rights, script, printed: None };
                Ok(StartedRun { view: self.view(caller, seen), repeated: false })
            }
        }
    }

    /// Waits until a run is over. If the caller goes away the run goes on.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn wait_for_run(
        &self,
        caller: &Caller,
        id: RunId,
    ) -> Result<RunView, RunAccessError> {
        let seen = self.see(caller, id).await?;
        if let Some(active) = &seen.active {
            active.over().await;
        }
        self.run(caller, id).await
    }

    /// Checks an order, records it and gives it a place. Everything behind the checks is done by a
    /// task that does not end with the caller.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        caller: &Caller,
        order: StartRun<'_>,
    ) -> Result<Begun, RunError> {
        let configuration = self.configuration();
        let script = self.find_script(&configuration, caller, order.script)?;
        let authorized = access::authorize(caller, &script).map_err(RunError::Denied)?;
        let checked = arguments::check(authorized, order.request).map_err(RunError::Values)?;
        let owner = Owner { user: caller.identity.id, address: caller.address };
        let arguments = checked.recorded(order.request);
        let key = self.request_key(owner.user, &order, &script, &checked, &arguments).await?;
        if let Some(key) = &key
            && let Some(id) = known(self.stores.runs.claim(&owner, key, self.now()).await?)?
        {
            return Ok(Begun::Repeated(id));
        }
        self.take_allowance(&configuration, &script, owner)?;
        let id = self.new_run_id()?;
        let environment = environment(&configuration.environment, order.context, caller, &script);
        let surroundings = configuration.surroundings();
        let invocation = Invocation::new(id, &checked, environment, &surroundings, order.wishes);
        let ticket = ticket(id, owner, &script, &invocation);
        let place = self.runs.admit(ticket.clone())?;
        let at_once = matches!(place, Place::Slot(_));
        let new = NewRun {
            id,
            script: script.name.to_string(),
            arguments,
            owner,
            user_name: caller.identity.name.clone(),
            via: order.via,
            terminal: invocation.terminal(),
            started: at_once.then(|| self.now()),
            key,
        };
        let run = Arc::new(ActiveRun::new(
            record_of(&new),
            place_of(&surroundings.runs, id),
            Some(Arc::clone(&script)),
            invocation.terminal(),
        ));
        let (starting, started) = oneshot::channel();
        let words = checked.shown_words();
        let order = Order { invocation, caller: caller.clone(), ticket, words, started: starting };
        let (recorded, outcome) = oneshot::channel();
        let task = Arc::clone(self).record_and_carry(new, Arc::clone(&run), order, place, recorded);
        // Its log lines bear the number of the request.
        self.tasks.spawn(task.in_current_span());
        match outcome.await.unwrap_or(Err(RunError::Stopping))? {
            None => Ok(Begun::New { run, at_once, started }),
            Some(id) => Ok(Begun::Repeated(id)),
        }
    }

    async fn record_and_carry(
        self: Arc<Self>,
        new: NewRun,
        run: Arc<ActiveRun>,
        order: Order,
        place: Place,
        recorded: oneshot::Sender<Result<Option<RunId>, RunError>>,
    ) {
        self.runs.insert(Arc::clone(&run));
        let claim = self.stores.runs.add(&new).await.map_err(RunError::from).and_then(known);
        let is_new = matches!(claim, Ok(None));
        if !is_new {
            self.runs.remove(run.id);
        }
        // Who asked may have gone away; the run goes on.
        let _ = recorded.send(claim);
        match place {
            _ if !is_new => {}
            Place::Slot(slot) => self.carry(run, order, slot).await,
            Place::Reservation(reservation) => {
                events::run_queued(&run.record());
                run.wait_with(order);
                reservation.join();
            }
        }
    }

    fn take_allowance(
        &self,
        configuration: &Configuration,
        script: &Script,
        owner: Owner,
    ) -> Result<(), RunError> {
        let (limit, of_script) = match script.runs.rate_limit {
            Some(limit) => (limit, Some(&script.name)),
            None => match configuration.settings.runs.rate_limit {
                Some(limit) => (limit, None),
                None => return Ok(()),
            },
        };
        let taken = self.rates.take(owner.into(), of_script, limit, self.now());
        taken.map_err(RunError::RateLimited)
    }
}

/// The run of a request that was made before.
fn known(claim: Claim) -> Result<Option<RunId>, RunError> {
    match claim {
        Claim::New => Ok(None),
        Claim::Same(id) => Ok(Some(id)),
        Claim::Other => Err(RunError::KeyReused),
    }
}

/// What the queue knows of a run.
pub(super) fn ticket(id: RunId, owner: Owner, script: &Script, invocation: &Invocation) -> Ticket {
    Ticket {
        run: id,
        tenant: owner.into(),
        script: script.name.clone(),
        most_of_script: script.runs.max_concurrent,
        waiting_of_script: script.runs.queue_length,
        bytes: bytes_of(invocation),
    }
}

/// About how much memory an order holds.
fn bytes_of(invocation: &Invocation) -> usize {
    let words = invocation.arguments().iter().map(|word| match word {
        Word::Plain(text) => text.len(),
        Word::SecretFile(secret) => secret.expose().len(),
    });
    let variables = invocation.environment().iter().map(|(name, value)| name.len() + value.len());
    invocation.stdin().len() + words.sum::<usize>() + variables.sum::<usize>()
}

fn record_of(new: &NewRun) -> RunRecord {
    RunRecord {
        id: new.id,
        script: new.script.clone(),
        arguments: new.arguments.clone(),
        user: new.owner.user,
        user_name: new.user_name.clone(),
        address: new.owner.address,
        via: new.via,
        terminal: new.terminal,
        state: if new.started.is_some() { RunState::Running } else { RunState::Queued },
        created: new.id.created(),
        started: new.started,
        ended: None,
        end: None,
        reason: None,
        output_expired: false,
    }
}

/// Whose run it is, in words, for reasons.
pub(crate) fn by_whom(caller: &Caller) -> String {
    let address: IpAddr = caller.address;
    if caller.identity.is_signed_in() {
        caller.identity.name.clone()
    } else {
        format!("a visitor from {address}")
    }
}
