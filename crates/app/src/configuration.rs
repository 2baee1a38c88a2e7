//! Settings, catalogue and surroundings, replaced as a whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use webscripts_config::settings::Settings;
use webscripts_domain::access::authorize;
use webscripts_domain::blacklist::BlacklistRule;
use webscripts_domain::catalogue::{Catalogue, Script, ScriptName};
use webscripts_domain::clock::SignedDuration;
use webscripts_domain::description::{describe, python_json};
use webscripts_domain::identity::{Caller, UserId};
use webscripts_domain::invocation::Surroundings;
use webscripts_domain::sandbox::Protected;

/// What the server runs on. Made by [`Configuration::new`], never changed.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Typed settings.
    pub settings: Settings,
    /// All scripts.
    pub catalogue: Catalogue,
    /// Variables every script inherits (scripts.md §7): the allow-list of the server's own
    /// environment and `WEBSCRIPTS_*`.
    pub environment: Vec<(String, String)>,
    /// The public description of every script as JSON text, in the order of the catalogue.
    descriptions: Vec<String>,
    /// Files below `/static/` by name.
    statics: HashMap<String, PathBuf>,
    /// Files below `/js/` by name.
    js: HashMap<String, PathBuf>,
    /// What runs do not reach.
    protected: Arc<Protected>,
}

impl Configuration {
    /// Puts a configuration together and prepares what every request would compute again. Blocks:
    /// it looks up where links lead.
    pub fn new(
        settings: Settings,
        catalogue: Catalogue,
        environment: Vec<(String, String)>,
    ) -> Self {
        let descriptions =
            catalogue.iter().map(|script| python_json(&describe(script).into())).collect();
        let statics = settings.pages.statics.iter().cloned().collect();
        let js = settings.pages.js.iter().cloned().collect();
        let protected = Arc::new(webscripts_config::protected(&settings, &catalogue));
        Self { settings, catalogue, environment, descriptions, statics, js, protected }
    }

    /// The file below `/static/` of this name.
    pub fn static_file(&self, name: &str) -> Option<&Path> {
        self.statics.get(name).map(PathBuf::as_path)
    }

    /// The file below `/js/` of this name.
    pub fn js_file(&self, name: &str) -> Option<&Path> {
        self.js.get(name).map(PathBuf::as_path)
    }

    /// Every script the caller may run, with its public description as JSON text.
    pub fn scripts_for<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> impl Iterator<Item = (&'a Arc<Script>, &'a str)> {
        self.catalogue
            .iter()
            .zip(&self.descriptions)
            .filter(|(script, _)| !self.is_auth_script(&script.name))
            .filter(move |(script, _)| authorize(caller, script).is_ok())
            .map(|(script, description)| (script, description.as_str()))
    }

    /// Whether the caller has to sign in before anything but the excluded addresses
    /// (http-api.md §2, step 11).
    pub fn must_sign_in(&self, caller: &Caller) -> bool {
        let access = &self.settings.access;
        let accepted = match caller.identity.id {
            UserId::NOT_AUTHENTICATED => access.accept_unauthenticated_user,
            UserId::UNKNOW => access.accept_unknow_user,
            _ => true,
        };
        access.active_auth && !accepted
    }

    /// Whether a path, without `base_url`, is open to people who have not signed in.
    pub fn is_excluded(&self, path: &str) -> bool {
        let access = &self.settings.access;
        access.exclude_auth_pages.iter().any(|page| page == path)
            || access.exclude_auth_paths.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    /// The script that checks credentials, if one is configured. It takes any argument, as the
    /// reference's does.
    pub fn auth_script(&self) -> Option<Arc<Script>> {
        let name = ScriptName::parse(self.settings.access.auth_script.as_deref()?)?;
        let script = self.catalogue.get(&name)?;
        Some(Arc::new(Script {
            accept_undeclared: true,
            accept_option_like: false,
            ..Script::clone(script)
        }))
    }

    /// Whether `name` is the authentication script, which is hidden from everybody.
    pub fn is_auth_script(&self, name: &ScriptName) -> bool {
        self.settings.access.auth_script.as_deref() == Some(name.as_str())
    }

    /// What runs share.
    pub fn surroundings(&self) -> Surroundings {
        let runs = &self.settings.runs;
        Surroundings {
            directory: self.settings.directory.clone(),
            runs: self.settings.data_dir.join("runs"),
            default_timeout: Duration::from_secs(runs.default_timeout_s),
            grace: runs.stop_grace,
            output_bytes: runs.output_bytes,
            resources: runs.resources,
            sandbox: runs.sandbox.clone(),
            sandbox_required: runs.sandbox_required,
            protected: Arc::clone(&self.protected),
            scripts_must_be_safe: self.settings.force_file_permissions,
        }
    }

    /// When failed sign-ins block; `None`: never.
    pub fn blacklist_rule(&self) -> Option<BlacklistRule> {
        let access = &self.settings.access;
        Some(BlacklistRule {
            failures: access.auth_failures_to_blacklist?,
            time: SignedDuration::from_secs(i64::from(access.blacklist_time_s?)),
        })
    }

    /// How long a session lasts.
    pub fn session_max_time(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.settings.access.session_max_time_s))
    }

    /// How long a CSRF token lasts.
    pub fn csrf_max_time(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.settings.access.csrf_max_time_s))
    }
}
