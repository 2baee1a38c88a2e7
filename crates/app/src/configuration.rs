//! Settings, catalogue and surroundings, replaced as a whole.

use std::sync::Arc;
use std::time::Duration;

use webscripts_config::settings::Settings;
use webscripts_domain::blacklist::BlacklistRule;
use webscripts_domain::catalogue::{Catalogue, Script, ScriptName};
use webscripts_domain::clock::SignedDuration;
use webscripts_domain::invocation::Surroundings;

/// What the server runs on.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Typed settings.
    pub settings: Settings,
    /// All scripts.
    pub catalogue: Catalogue,
    /// Variables every script inherits (scripts.md §7): the allow-list of the server's own
    /// environment and `WEBSCRIPTS_*`.
    pub environment: Vec<(String, String)>,
}

impl Configuration {
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
        Surroundings {
            directory: self.settings.directory.clone(),
            default_timeout: Duration::from_secs(self.settings.runs.default_timeout_s),
            output_bytes: self.settings.runs.output_bytes,
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
