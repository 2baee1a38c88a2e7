//! `webscripts explain`: what would run for a user, and why. Nothing is started.

mod report;
mod request;
mod rules;
mod shell;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use webscripts_app::authenticator::identity_of;
use webscripts_domain::catalogue::{Script, ScriptName};
use webscripts_domain::identity::{Caller, Credential};
use webscripts_store::accounts::User;

use super::ConfigurationOptions;
use super::accounts::block_on;
use crate::compose::{self, NoRunner, Server};
use report::{Refusal, Report};

/// Arguments of `webscripts explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Name of the script
    script: String,
    /// Name of the account; without it a visitor who has not signed in
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// An argument, such as `--arg host=example.org`; again for a list, without `=` to tick a box
    #[arg(long = "arg", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Address of the client
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    ip: IpAddr,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationOptions,
}

impl ExplainArgs {
    /// Prints what would run. Exit status 1: nothing would.
    ///
    /// # Errors
    ///
    /// When the configuration or the database cannot be used, or there is no such account.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let loaded = compose::load(&self.configuration.sources()?)?;
        block_on(async {
            let server = compose::application(loaded, Arc::new(NoRunner)).await?;
            let result = self.explain(&server).await;
            server.app.shut_down(Duration::from_secs(1)).await;
            result
        })
    }

    async fn explain(&self, server: &Server) -> anyhow::Result<ExitCode> {
        let user = self.find_user(server).await?;
        let script = self.find_script(server);
        let request = request::read(&self.arguments, script.as_deref());
        let refusal = self.refuse_sign_in(server, user.as_ref());
        let caller = self.caller(user);
        let result = match refusal {
            Some(reason) => Err(Refusal::from(reason)),
            None => server.app.explain(&caller, &self.script, &request).map_err(Refusal::from),
        };
        let report = Report {
            name: &self.script,
            caller: &caller,
            script: script.as_deref(),
            limits: &server.app.configuration().settings.runs,
            result: result.as_ref(),
        };
        let text = if self.json { format!("{:#}\n", report.json()) } else { report.text() };
        io::stdout().write_all(text.as_bytes())?;
        Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn find_user(&self, server: &Server) -> anyhow::Result<Option<User>> {
        let Some(name) = &self.user else { return Ok(None) };
        let configuration = server.app.configuration();
        let access = &configuration.settings.access;
        if !access.active_auth {
            bail!("nobody signs in here (`active_auth` is false): leave out `--user`");
        }
        if let Some(script) = configuration.auth_script() {
            bail!(
                "accounts are known to the authentication script `{}` alone, so rights of `{name}` \
                 cannot be explained",
                script.name
            );
        }
        let user = server.stores.accounts.user_by_name(name).await?;
        user.map(Some).with_context(|| format!("there is no account `{name}`"))
    }

    fn find_script(&self, server: &Server) -> Option<Arc<Script>> {
        let name = ScriptName::parse(&self.script)?;
        server.app.configuration().catalogue.get(&name).map(Arc::clone)
    }

    /// Why the user could not come as far as the script.
    fn refuse_sign_in(&self, server: &Server, user: Option<&User>) -> Option<String> {
        let Some(user) = user else {
            let visitor = Caller::anonymous(self.ip);
            let must = server.app.configuration().must_sign_in(&visitor);
            return must.then(|| "visitors have to sign in first".to_owned());
        };
        let address = self.ip.to_string();
        if user.disabled {
            return Some("the account is disabled".to_owned());
        }
        let fits = user.addresses.iter().any(|pattern| pattern.matches(&address));
        (!fits).then(|| format!("the account may not sign in from {address}"))
    }

    fn caller(&self, user: Option<User>) -> Caller {
        match user {
            None => Caller::anonymous(self.ip),
            Some(user) => Caller {
                identity: identity_of(user),
                address: self.ip,
                credential: Credential::ApiToken,
                session: None,
            },
        }
    }
}
