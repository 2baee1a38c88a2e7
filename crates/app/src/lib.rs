//! Use cases: what the server does, without HTTP. Read [`runs`] first: it is the main path.

pub mod accounts;
mod auth_script;
pub mod authenticator;
pub mod configuration;
mod csrf;
pub mod documentation;
pub mod events;
pub mod explain;
pub mod identify;
pub mod live_output;
mod passwords;
pub mod run_script;
pub mod runs;
pub mod sessions;
pub mod sign_in;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webscripts_domain::clock::Clock;
use webscripts_domain::random::{NoRandomness, Random};
use webscripts_engine::runs::Runner;
use webscripts_store::Stores;

pub use webscripts_config::settings;
pub use webscripts_engine::runs::StartError as RunStartError;
pub use webscripts_store::StoreError;

pub use authenticator::Authenticator;
pub use configuration::Configuration;
pub use passwords::{HashError, Passwords};

/// Ends of sessions that wait to be noticed by watchers; who misses some looks them up.
const SESSION_ENDS: usize = 64;

/// Everything a request needs. One per server, shared.
pub struct App {
    configuration: ArcSwap<Configuration>,
    stores: Stores,
    runner: Arc<dyn Runner>,
    authenticator: Arc<dyn Authenticator>,
    /// Apart from those of sign-ins, which wait for none of them.
    request_digests: Passwords,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    csrf: csrf::CsrfStore,
    identities: identify::Identities,
    blacklist: sign_in::BlacklistCache,
    runs: Arc<runs::active::Registry>,
    rates: runs::rate::Rates,
    usual: moka::sync::Cache<String, Option<Duration>>,
    live: live_output::LiveKeys,
    session_ends: broadcast::Sender<sessions::SessionEnd>,
    documentation: documentation::Generation,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// Settings, catalogue and the variables of the server.
    pub configuration: Configuration,
    /// Saved state.
    pub stores: Stores,
    /// Starts processes.
    pub runner: Arc<dyn Runner>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub random: Arc<dyn Random>,
}

impl App {
    /// Puts the parts together and starts the background work. No script starts before
    /// [`App::recover_runs`].
    ///
    /// # Errors
    ///
    /// When the system has no randomness, or the dummy password cannot be hashed.
    pub fn start(parts: Parts) -> Result<Arc<Self>, StartError> {
        let Parts { configuration, stores, runner, clock, random } = parts;
        let passwords = Arc::new(Passwords::new(Arc::clone(&random))?);
        let authenticator: Arc<dyn Authenticator> = match configuration.auth_script() {
            Some(script) => Arc::new(auth_script::ScriptAuthenticator::new(script)),
            None => Arc::new(authenticator::AccountsAuthenticator::new(
                stores.clone(),
                passwords,
                random.as_ref(),
            )?),
        };
        let request_digests = Passwords::new(Arc::clone(&random))?;
        let limits = &configuration.settings.runs;
        let rules = runs::queue::Rules {
            runs: limits.max_runs,
            runs_of_tenant: limits.max_runs_per_user,
            waiting: limits.queue_length,
        };
        let app = Arc::new(Self {
            runs: Arc::new(runs::active::Registry::new(rules)),
            rates: runs::rate::Rates::default(),
            usual: moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(30))
                .build(),
            live: live_output::LiveKeys::new(limits.max_runs),
            session_ends: broadcast::Sender::new(SESSION_ENDS),
            csrf: csrf::CsrfStore::default(),
            identities: identify::Identities::default(),
            blacklist: sign_in::BlacklistCache::default(),
            documentation: documentation::Generation::default(),
            configuration: ArcSwap::from_pointee(configuration),
            stores,
            runner,
            authenticator,
            request_digests,
            clock,
            random,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        app.tasks.spawn(sweep::run(Arc::downgrade(&app), app.stop.clone()));
        app.tasks.spawn(runs::retention::run(Arc::downgrade(&app), app.stop.clone()));
        app.tasks.spawn(Arc::clone(&app).give_turns());
        Ok(app)
    }

    /// The configuration in force. Hold it for the length of one request.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.configuration.load_full()
    }

    /// Whether saved state can be reached.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub async fn check_health(&self) -> Result<(), webscripts_store::StoreError> {
        self.stores.health.check().await
    }

    /// The current time.
    pub fn now(&self) -> webscripts_domain::clock::Timestamp {
        self.clock.now()
    }

    /// A new random identifier: `N` bytes in hexadecimal, for requests and the like.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn random_hex<const N: usize>(&self) -> Result<String, NoRandomness> {
        Ok(hex::encode(webscripts_domain::random::bytes::<N>(self.random.as_ref())?))
    }

    /// Ends background work, waits at most `patience`, closes the database. Runs are ended before,
    /// by [`App::end_runs`].
    pub async fn shut_down(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("background work did not end in time and was left");
        }
        self.stores.health.close().await;
    }
}

/// Why an [`App`] could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Hashing does not work.
    #[error("passwords cannot be hashed")]
    Hash(#[from] HashError),
}
