//! Builders for rule types, for tests.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;

use crate::catalogue::{AccessRule, Argument, Restrictions, RunRules, Script, ScriptName};
use crate::glob::Glob;
use crate::identity::{Caller, Credential, GroupId, Identity, UserId};
use crate::invocation::Surroundings;
use crate::sandbox::{Preset, Resources, Sandbox};

/// A script called `name` at `/scripts/<name>`.
///
/// # Panics
///
/// If the name is not plain.
#[expect(clippy::expect_used, reason = "tests")]
pub fn script(name: &str) -> ScriptBuilder {
    ScriptBuilder(Script {
        name: ScriptName::parse(name).expect("a plain name"),
        path: PathBuf::from("/scripts").join(name),
        launcher: None,
        label: None,
        description: None,
        category: "Tests".to_owned(),
        content_type: "text/plain".to_owned(),
        stderr_content_type: "text/plain".to_owned(),
        timeout: None,
        real_time: false,
        no_password: false,
        access: AccessRule::default(),
        documentation_file: None,
        documentation_content_type: "text/html".to_owned(),
        documentation_command: None,
        confirm: None,
        danger: false,
        accept_undeclared: false,
        accept_option_like: false,
        runs: RunRules::default(),
        arguments: Vec::new(),
        custom: Map::new(),
        secrets: None,
        declared_in: PathBuf::from("test"),
    })
}

/// Builds a [`Script`].
#[derive(Debug)]
pub struct ScriptBuilder(Script);

impl ScriptBuilder {
    /// Sets `minimum_access`.
    pub fn minimum_access(mut self, minimum: i64) -> Self {
        self.0.access.minimum = Some(minimum);
        self
    }

    /// Sets `access_groups`.
    pub fn access_groups<const N: usize>(mut self, groups: [i64; N]) -> Self {
        self.0.access.groups = Some(groups.map(GroupId).to_vec());
        self
    }

    /// Sets `access_users`.
    pub fn access_users<const N: usize>(mut self, users: [i64; N]) -> Self {
        self.0.access.users = Some(users.map(UserId).to_vec());
        self
    }

    /// Sets `category`.
    pub fn category(mut self, category: &str) -> Self {
        category.clone_into(&mut self.0.category);
        self
    }

    /// Sets `path`.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.path = path.into();
        self
    }

    /// Sets `launcher`.
    pub fn launcher(mut self, launcher: &str) -> Self {
        self.0.launcher = Some(launcher.to_owned());
        self
    }

    /// Sets `timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = Some(timeout);
        self
    }

    /// Sets `accept_undeclared_arguments`.
    pub fn accepts_undeclared(mut self) -> Self {
        self.0.accept_undeclared = true;
        self
    }

    /// Sets `accept_option_like_values` for undeclared arguments.
    pub fn accepts_option_like(mut self) -> Self {
        self.0.accept_option_like = true;
        self
    }

    /// Sets `print_real_time`.
    pub fn real_time(mut self) -> Self {
        self.0.real_time = true;
        self
    }

    /// Changes how its runs are started, limited and shown.
    pub fn runs(mut self, change: impl FnOnce(&mut RunRules)) -> Self {
        change(&mut self.0.runs);
        self
    }

    /// Adds a declared argument.
    pub fn argument(mut self, argument: ArgumentBuilder) -> Self {
        self.0.arguments.push(argument.0);
        self
    }

    /// The script.
    pub fn build(self) -> Script {
        self.0
    }
}

/// A text argument called `name`.
pub fn argument(name: &str) -> ArgumentBuilder {
    ArgumentBuilder(Argument {
        name: name.to_owned(),
        html_type: "text".to_owned(),
        label: None,
        description: None,
        example: None,
        default_value: None,
        choices: None,
        list: None,
        input: None,
        advanced: false,
        multiline: false,
        secret: false,
        restrictions: Restrictions::default(),
        javascript_section: None,
        javascript_attributes: Map::new(),
        custom: Map::new(),
    })
}

/// Builds an [`Argument`].
#[derive(Debug)]
pub struct ArgumentBuilder(Argument);

impl ArgumentBuilder {
    /// Sets `html_type`.
    pub fn kind(mut self, html_type: &str) -> Self {
        html_type.clone_into(&mut self.0.html_type);
        self
    }

    /// Sets `list`.
    pub fn list(mut self) -> Self {
        self.0.list = Some(true);
        self
    }

    /// Sets `input`.
    pub fn input(mut self) -> Self {
        self.0.input = Some(true);
        self
    }

    /// Sets `secret`.
    pub fn secret(mut self) -> Self {
        self.0.secret = true;
        self
    }

    /// Sets `predefined_values`.
    pub fn choices<const N: usize>(mut self, choices: [&str; N]) -> Self {
        self.0.choices = Some(choices.map(str::to_owned).to_vec());
        self
    }

    /// Changes what values may be.
    pub fn restrict(mut self, change: impl FnOnce(&mut Restrictions)) -> Self {
        change(&mut self.0.restrictions);
        self
    }
}

/// A user called `name` with id 2, group 50, everything allowed, calling from loopback.
pub fn caller(name: &str) -> CallerBuilder {
    CallerBuilder(Caller {
        identity: Identity {
            id: UserId(2),
            name: name.to_owned(),
            groups: vec![GroupId(50)],
            categories: vec![Glob::any()],
            scripts: vec![Glob::any()],
            custom: Map::new(),
        },
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        credential: Credential::ApiToken,
        session: None,
    })
}

/// Builds a [`Caller`].
#[derive(Debug)]
pub struct CallerBuilder(Caller);

impl CallerBuilder {
    /// Sets the number of the user.
    pub fn id(mut self, id: i64) -> Self {
        self.0.identity.id = UserId(id);
        self
    }

    /// Sets the groups.
    pub fn groups<const N: usize>(mut self, groups: [i64; N]) -> Self {
        self.0.identity.groups = groups.map(GroupId).to_vec();
        self
    }

    /// Sets the category patterns.
    pub fn categories<const N: usize>(mut self, globs: [&str; N]) -> Self {
        self.0.identity.categories = globs.map(Glob::new).to_vec();
        self
    }

    /// Sets the script patterns.
    pub fn scripts<const N: usize>(mut self, globs: [&str; N]) -> Self {
        self.0.identity.scripts = globs.map(Glob::new).to_vec();
        self
    }

    /// The caller.
    pub fn build(self) -> Caller {
        self.0
    }
}

/// What runs share, without sandbox and limits: they run in `directory`, and each has a directory
/// of its own below `runs`.
pub fn surroundings(directory: &std::path::Path, runs: &std::path::Path) -> Surroundings {
    Surroundings {
        directory: directory.to_owned(),
        runs: runs.to_owned(),
        default_timeout: Duration::from_mins(1),
        grace: Duration::from_secs(2),
        output_bytes: 1024 * 1024,
        resources: Resources::default(),
        sandbox: Sandbox { preset: Preset::None, ..Sandbox::default() },
        sandbox_required: false,
        protected: Arc::default(),
        scripts_must_be_safe: false,
    }
}
