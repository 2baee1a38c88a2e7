//! Use cases: what the server does, without HTTP. Read [`run_script`] first: it is the main path.

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
mod places;
pub mod run_script;
pub mod runs;
pub mod sessions;
pub mod sign_in;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webscripts_domain::clock::Clock;
use webscripts_domain::random::{NoRandomness, Random};
use webscripts_engine::Runner;
use webscripts_store::Stores;

pub use webscripts_config::settings;
pub use webscripts_engine::StartError as RunStartError;
pub use webscripts_store::StoreError;

pub use authenticator::Authenticator;
pub use configuration::Configuration;
pub use passwords::{HashError, Passwords};

/// Everything a request needs. One per server, shared.
pub struct App {
    configuration: ArcSwap<Configuration>,
    stores: Stores,
    runner: Arc<dyn Runner>,
    authenticator: Arc<dyn Authenticator>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    csrf: csrf::CsrfStore,
    identities: identify::Identities,
    blacklist: sign_in::BlacklistCache,
    places: places::Places,
    live: live_output::LiveRuns,
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
    /// Puts the parts together and starts the background work.
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
        let runs = &configuration.settings.runs;
        let app = Arc::new(Self {
            places: places::Places::new(runs.max_runs, runs.max_runs_per_user),
            live: live_output::LiveRuns::new(runs.max_runs),
            csrf: csrf::CsrfStore::default(),
            identities: identify::Identities::default(),
            blacklist: sign_in::BlacklistCache::default(),
            documentation: documentation::Generation::default(),
            configuration: ArcSwap::from_pointee(configuration),
            stores,
            runner,
            authenticator,
            clock,
            random,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        app.tasks.spawn(sweep::run(Arc::downgrade(&app), app.stop.clone()));
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

    /// Ends background work and live runs, waits at most `patience`, closes the database.
    pub async fn shut_down(&self, patience: Duration) {
        self.stop.cancel();
        self.live.cancel_all();
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
