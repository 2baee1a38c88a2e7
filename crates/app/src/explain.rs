//! What would run, and why: the answer of `webscripts explain`.

use webscripts_domain::access::{self, Grant};
use webscripts_domain::arguments;
use webscripts_domain::environment::{RequestContext, environment};
use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::{Invocation, Wishes};
use webscripts_domain::request::RunRequest;

use crate::run_script::RunError;
use crate::{App, Configuration};

/// A run that was prepared, but not started.
#[derive(Debug)]
pub struct Explanation {
    /// The rule that allows it.
    pub grant: Grant,
    /// What would be started.
    pub invocation: Invocation,
}

impl App {
    /// Prepares a run as [`App::start_run`] does and stops before anything starts.
    ///
    /// # Errors
    ///
    /// What would speak against the run.
    pub fn explain(
        &self,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
    ) -> Result<Explanation, RunError> {
        let configuration: std::sync::Arc<Configuration> = self.configuration();
        let script = self.find_script(&configuration, caller, name)?;
        let authorized = access::authorize(caller, &script).map_err(RunError::Denied)?;
        let checked = arguments::check(authorized, request).map_err(RunError::Values)?;
        let context = RequestContext {
            method: "POST".to_owned(),
            path: format!("/api/scripts/{name}"),
            full_path: format!("/api/scripts/{name}"),
            content_type: Some("application/json".to_owned()),
            protocol: "HTTP/1.1".to_owned(),
            ..RequestContext::default()
        };
        let environment = environment(&configuration.environment, &context, caller, &script);
        let run = self.new_run_id()?;
        let invocation = Invocation::new(
            run,
            &checked,
            environment,
            &configuration.surroundings(),
            Wishes::default(),
        );
        Ok(Explanation { grant: authorized.grant(), invocation })
    }
}
