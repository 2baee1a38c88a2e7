//! Settings become an application: the order of the parts, top to bottom.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use webscripts_app::{App, Configuration, Parts};
use webscripts_config::{Loaded, Sources};
use webscripts_domain::clock::SystemClock;
use webscripts_domain::environment::INHERITED;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::random::SystemRandom;
use webscripts_domain::run::RunId;
use webscripts_engine::runs::{
    Lack, LocalRunner, LocalSettings, Recovered, RunHandle, Runner, StartError, SupervisorProgram,
};
use webscripts_store::Stores;

/// The parts the program ends when it stops.
pub struct Server {
    /// The use cases.
    pub app: Arc<App>,
    /// Saved state.
    pub stores: Stores,
}

/// Loads a configuration; all errors together, one per line.
///
/// # Errors
///
/// What is wrong with which file, line and key.
pub fn load(sources: &Sources) -> anyhow::Result<Loaded> {
    webscripts_config::load(sources)
        .map_err(|errors| anyhow::anyhow!("the configuration cannot be used:\n{errors}"))
}

/// Name of the database in the data directory.
pub const DATABASE: &str = "webscripts.sqlite3";

/// Opens the database of a configuration.
///
/// # Errors
///
/// When it cannot be opened.
pub async fn open_stores(settings: &webscripts_config::Settings) -> anyhow::Result<Stores> {
    let path = settings.data_dir.join(DATABASE);
    webscripts_store::open(&path)
        .await
        .with_context(|| format!("the database `{}` cannot be used", path.display()))
}

/// The word that makes this program a supervisor of runs; nobody types it.
pub const SUPERVISE: &str = "supervise";
/// Name of the directory of runs in the data directory.
const RUNS: &str = "runs";
/// Name of the socket in it at which supervisors find a server again.
const RENDEZVOUS: &str = "rendezvous";

/// Starts runs on this machine, each kept by a process of this program. One server at a time has
/// the runs of a data directory.
///
/// # Errors
///
/// When the place at which supervisors find the server cannot be made.
pub fn local_runner(settings: &webscripts_config::Settings) -> anyhow::Result<Arc<LocalRunner>> {
    let rendezvous = settings.data_dir.join(RUNS).join(RENDEZVOUS);
    let runner = LocalRunner::new(LocalSettings {
        supervisor: SupervisorProgram::this_program(SUPERVISE),
        rendezvous: rendezvous.clone(),
        random: Arc::new(SystemRandom),
    });
    let runner = runner.with_context(|| {
        format!("runs cannot be kept: `{}` cannot be made", rendezvous.display())
    })?;
    for lack in runner.lacks() {
        tracing::warn!(
            name: "sandbox.lacks",
            target: "webscripts::server",
            lack = lack.id,
            "sandboxes of runs are weaker on this machine: {}", lack.text
        );
    }
    Ok(Arc::new(runner))
}

/// Starts nothing: for commands that only look at what would run.
#[derive(Debug)]
pub struct NoRunner;

#[async_trait]
impl Runner for NoRunner {
    async fn start(&self, what: Invocation) -> Result<RunHandle, StartError> {
        let source = std::io::Error::other("this command starts nothing");
        Err(StartError::Failed { program: what.program().to_owned(), source })
    }

    async fn recover(&self, _: RunId, _: &Path, _: Duration) -> Recovered {
        Recovered::Lost
    }

    fn lacks(&self) -> Vec<Lack> {
        Vec::new()
    }
}

/// Puts the application of a configuration together.
///
/// # Errors
///
/// When the database cannot be opened or the system has no randomness.
pub async fn application(loaded: Loaded, runner: Arc<dyn Runner>) -> anyhow::Result<Server> {
    let stores = open_stores(&loaded.settings).await?;
    let environment = server_environment(&loaded.settings);
    let configuration = Configuration::new(loaded.settings, loaded.catalogue, environment);
    let app = App::start(Parts {
        configuration,
        stores: stores.clone(),
        runner,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    })
    .context("the application cannot be put together")?;
    Ok(Server { app, stores })
}

/// Says how to make an account when nobody could sign in: a fresh server has none (attack-checks.md
/// row 32).
pub async fn advise_on_accounts(server: &Server) {
    let configuration = server.app.configuration();
    let access = &configuration.settings.access;
    if !access.active_auth || access.auth_script.is_some() {
        return;
    }
    if server.stores.accounts.users(None, 1).await.is_ok_and(|users| users.is_empty()) {
        tracing::warn!(
            target: "webscripts::server",
            "there is no account yet: `webscripts user add NAME --group 50 --group 1000 --directory {}` makes one",
            configuration.settings.directory.display()
        );
    }
}

/// The variables every script inherits (scripts.md §7, configuration.md §12).
#[expect(clippy::disallowed_methods, reason = "the program reads its environment once, here")]
fn server_environment(settings: &webscripts_config::Settings) -> Vec<(String, String)> {
    let inherited = INHERITED
        .iter()
        .copied()
        .chain(settings.runs.script_environment.iter().map(String::as_str))
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
    let directory = settings.directory.display();
    let logs = settings.directory.join("logs");
    let files: Vec<String> = LOG_FILES
        .iter()
        .map(|(name, file)| format!("{name}?{}", logs.join(file).display()))
        .collect();
    let own = [
        ("WEBSCRIPTS_PATH", directory.to_string()),
        ("WEBSCRIPTS_DATA_PATH", settings.data_dir.display().to_string()),
        ("WEBSCRIPTS_DOCUMENTATION_PATH", settings.pages.documentations.join(":")),
        ("WEBSCRIPTS_MODULES", settings.modules.join(":")),
        ("WEBSCRIPTS_LOGS_PATH", logs.display().to_string()),
        ("WEBSCRIPTS_LOGS_FILES", files.join("|")),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in inherited.chain(own) {
        if !all.iter().any(|(known, _)| *known == name) {
            all.push((name, value));
        }
    }
    all
}

/// Log files by the names scripts know (configuration.md §12).
const LOG_FILES: [(&str, &str); 10] = [
    ("all", "00-server.logs"),
    ("trace", "05-trace.logs"),
    ("debug", "10-debug.logs"),
    ("info", "20-info.logs"),
    ("warning", "30-warning.logs"),
    ("error", "40-error.logs"),
    ("critical", "50-critical.logs"),
    ("access", "25-access.logs"),
    ("response", "26-response.logs"),
    ("command", "27-command.logs"),
];
