//! An application with a few scripts and people, in a directory of its own.

use std::sync::Arc;

use tempfile::TempDir;
use webscripts_app::run_script::RunError;
use webscripts_app::runs::RunView;
use webscripts_app::runs::start::{StartRun, StartedRun};
use webscripts_app::{App, Configuration, Parts};
use webscripts_config::{Settings, Sources};
use webscripts_domain::catalogue::{Catalogue, Script};
use webscripts_domain::clock::{ManualClock, Timestamp};
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Caller, GroupId};
use webscripts_domain::invocation::Wishes;
use webscripts_domain::random::SeededRandom;
use webscripts_domain::request::{RequestArgument, RunRequest, Value};
use webscripts_domain::run::{RunId, StartedVia};
use webscripts_domain::testkit::{argument, caller, script};
use webscripts_store::Stores;
use webscripts_store::accounts::NewUser;

use crate::fake_runner::FakeRunner;

/// Everything a test needs.
pub struct Stage {
    pub app: Arc<App>,
    pub runner: Arc<FakeRunner>,
    pub stores: Stores,
    pub clock: Arc<ManualClock>,
    pub directory: Arc<TempDir>,
    settings: Settings,
}

/// The scripts of the stage: `x.py` with the arguments `word` and `pin` (a secret), the live
/// `live.py`, the interactive `talk.py` and `term.py` in a terminal.
fn scripts() -> Catalogue {
    let word = || argument("word");
    let mut catalogue = Catalogue::default();
    catalogue
        .add(script("x.py").argument(word()).argument(argument("pin").kind("password")).build());
    catalogue.add(Script { real_time: true, ..script("live.py").build() });
    let mut talk = script("talk.py").build();
    talk.runs.interactive = true;
    catalogue.add(talk);
    let mut terminal = script("term.py").build();
    terminal.runs.terminal = true;
    catalogue.add(terminal);
    catalogue
}

impl Stage {
    /// With the defaults.
    pub async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With other settings or scripts.
    pub async fn with(change: impl FnOnce(&mut Settings, &mut Catalogue)) -> Self {
        let stage = Self::unopened(change).await;
        stage.app.recover_runs().await.unwrap();
        stage
    }

    /// Before the runs of the time before are looked for: nothing starts yet.
    pub async fn unopened(change: impl FnOnce(&mut Settings, &mut Catalogue)) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(directory.path().join("data")).unwrap();
        let sources = Sources {
            directory: directory.path().to_owned(),
            insecure: true,
            process_user: 0,
            ini_files: Vec::new(),
            json_files: Vec::new(),
            overrides: Vec::new(),
        };
        let mut settings = webscripts_config::load(&sources).unwrap().settings;
        settings.access.auth_script = None;
        let mut catalogue = scripts();
        change(&mut settings, &mut catalogue);
        let stores = webscripts_store::open_in_memory().await.unwrap();
        for (id, name) in [(2, "ada"), (3, "eve"), (4, "root")] {
            stores.accounts.add_user(&account(id, name), now()).await.unwrap();
        }
        let clock = Arc::new(ManualClock::at(now()));
        Self::start(directory, settings, catalogue, stores, clock)
    }

    fn start(
        directory: Arc<TempDir>,
        settings: Settings,
        catalogue: Catalogue,
        stores: Stores,
        clock: Arc<ManualClock>,
    ) -> Self {
        let runner = Arc::new(FakeRunner::new());
        let app = App::start(Parts {
            configuration: Configuration::new(settings.clone(), catalogue, Vec::new()),
            stores: stores.clone(),
            runner: Arc::clone(&runner) as Arc<dyn webscripts_engine::runs::Runner>,
            clock: Arc::clone(&clock) as Arc<dyn webscripts_domain::clock::Clock>,
            random: Arc::new(SeededRandom::new(7)),
        })
        .unwrap();
        Self { app, runner, stores, clock, directory, settings }
    }

    /// Another server on the same data, as after a crash. Nothing starts yet.
    pub fn again(&self) -> Self {
        let (directory, stores) = (Arc::clone(&self.directory), self.stores.clone());
        let clock = Arc::clone(&self.clock);
        Self::start(directory, self.settings.clone(), scripts(), stores, clock)
    }

    /// Starts `x.py` with a word.
    pub async fn start_x(&self, who: &Caller, word: &str) -> RunView {
        self.order(who, "x.py", &words(&[("word", word)]), None).await.unwrap().view
    }

    /// Starts a script without arguments.
    pub async fn start_plain(&self, who: &Caller, script: &str) -> RunView {
        self.order(who, script, &words(&[]), None).await.unwrap().view
    }

    /// Starts a script.
    pub async fn order(
        &self,
        who: &Caller,
        script: &str,
        request: &RunRequest,
        key: Option<&str>,
    ) -> Result<StartedRun, RunError> {
        let order = StartRun {
            script,
            request,
            context: &RequestContext::default(),
            via: StartedVia::Api,
            idempotency_key: key,
            wishes: Wishes::default(),
        };
        self.app.start_run(who, order).await
    }

    /// Waits for the end of a run.
    pub async fn over(&self, who: &Caller, run: RunId) -> RunView {
        self.app.wait_for_run(who, run).await.unwrap()
    }
}

/// A request with these values.
pub fn words(values: &[(&str, &str)]) -> RunRequest {
    let argument = |(name, value): &(&str, &str)| RequestArgument {
        name: (*name).to_owned(),
        value: Value::Text((*value).to_owned()),
        input: false,
    };
    RunRequest { arguments: values.iter().map(argument).collect(), csrf_token: None }
}

/// A user.
pub fn ada() -> Caller {
    caller("ada").id(2).groups([50]).build()
}

/// Another one.
pub fn eve() -> Caller {
    caller("eve").id(3).groups([50]).build()
}

/// An administrator.
pub fn root() -> Caller {
    caller("root").id(4).groups([50, 1000]).build()
}

fn account(id: i64, name: &str) -> NewUser {
    let groups = if name == "root" { vec![GroupId(50), GroupId(1000)] } else { vec![GroupId(50)] };
    let any = || vec![webscripts_domain::glob::Glob::any()];
    NewUser {
        id: Some(webscripts_domain::identity::UserId(id)),
        name: name.to_owned(),
        password: None,
        groups,
        addresses: any(),
        categories: any(),
        scripts: any(),
    }
}

/// When every test begins.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}
