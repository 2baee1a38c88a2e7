//! From an order to a running script.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::process::Pid;
use webscripts_domain::invocation::SecretBytes;
use webscripts_domain::sandbox::Protected;

use super::child::{Child, Stack, Strings, c_path};
use super::children::{Children, Left};
use super::explain::{explain, unusable};
use super::input::{First, Input};
use super::outputs::{BLOCK_BYTES, Outputs, now_ms};
use super::place::Place;
use super::plan::Plan;
use super::scratch::Scratch;
use super::script_file::Digests;
use super::streams::Streams;
use crate::cgroup::Group;
use crate::runs::StartError;
use crate::runs::descendants::Tree;
use crate::runs::order::Order;
use crate::runs::record::Start;
use crate::sandbox::{self, PrepareError, Prepared, Request};
use crate::spool::SpoolWriter;

/// What a supervisor keeps from run to run.
#[derive(Debug)]
pub(super) struct Tools {
    stack: Stack,
    digests: Digests,
    sandboxes: sandbox::Cache,
    group: Group,
    scratch: Option<Scratch>,
    protected: Arc<Protected>,
    nothing: OwnedFd,
    block: Vec<u8>,
}

/// A script that runs.
#[derive(Debug)]
pub(super) struct Started<'a> {
    pub(super) group: &'a mut Group,
    pub(super) script: Pid,
    pub(super) outputs: Outputs<'a>,
    pub(super) input: Input,
    pub(super) terminal: Option<OwnedFd>,
    pub(super) at: Instant,
}

impl Tools {
    /// Tools without anything known yet.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            stack: Stack::new(),
            digests: Digests::default(),
            sandboxes: sandbox::Cache::of_starter(),
            group: Group::new(),
            scratch: None,
            protected: Arc::default(),
            nothing: File::options().read(true).write(true).open("/dev/null")?.into(),
            block: vec![0; BLOCK_BYTES],
        })
    }

    /// Looks up and checks what an order names.
    pub(super) fn plan<'a>(&mut self, order: &'a Order<'a>) -> Result<Plan<'a>, StartError> {
        if let Some(protected) = &order.protected {
            self.protected = Arc::new(protected.clone().into_owned());
        }
        let account = self.sandboxes.account(&order.sandbox);
        let account = account.map_err(|error| unconfined(order.program(), &error))?;
        Plan::new(order, &mut self.digests, account)
    }

    /// Starts the script in the directory of its run.
    pub(super) fn start(
        &mut self,
        plan: &Plan<'_>,
        place: &Place,
        first: First,
    ) -> Result<Started<'_>, StartError> {
        let order = plan.order();
        let failed = |source| unusable(plan.program().to_owned(), source);
        let directory = place.directory().try_clone().map_err(failed)?;
        let spool = SpoolWriter::new(directory, order.limits.output_bytes, now_ms());
        let has_input = order.keep_stdin_open || !first.is_empty();
        let streams = Streams::new(order.terminal, has_input, plan.account()).map_err(failed)?;
        let input = Input::new(streams.stdin, first, !order.keep_stdin_open);
        let scratch = self.scratch(plan).map_err(failed)?;
        let sandbox = self.confine(plan, &scratch)?;
        let words = plan.words().map_err(failed)?;
        let environment = plan.environment(&scratch).map_err(failed)?;
        let child = Child {
            executable: plan.executable().map_err(failed)?,
            arguments: Strings::new(words.words),
            environment: Strings::new(environment),
            directory: c_path(order.directory()).map_err(failed)?,
            streams: streams.inner.descriptors(&self.nothing),
            has_terminal: order.terminal.is_some(),
            kept: plan.kept(&words.files),
            sandbox: &sandbox,
        };
        let at = Instant::now();
        let script = child.start(&mut self.stack).map_err(|failure| {
            if failure.zombie {
                Children::reap(|_| {});
            }
            explain(failure.step, failure.cause, plan.program().to_owned(), order.directory())
        })?;
        let start = Start::new(rustix::process::getpid(), script, &order.token);
        let secrets: Vec<_> =
            order.secrets.iter().map(|secret| SecretBytes::new(secret.to_vec())).collect();
        let outputs =
            Outputs::new(streams.stdout, streams.stderr, &secrets, spool, &mut self.block);
        let done = place.record_start(&start).and(outputs).map_err(failed);
        match plan.look_again().and(done) {
            Ok(outputs) => {
                let (group, terminal) = (&mut self.group, streams.terminal);
                Ok(Started { group, script, outputs, input, terminal, at })
            }
            Err(error) => {
                end_everything();
                Err(error)
            }
        }
    }

    /// The directories in which the run works, files first.
    fn scratch(&mut self, plan: &Plan<'_>) -> io::Result<[PathBuf; 2]> {
        let runs = plan.order().rendezvous().parent().ok_or(io::ErrorKind::InvalidInput)?;
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            none => none.insert(Scratch::make(runs)?),
        };
        scratch.prepare(plan.account())?;
        Ok([scratch.files(), scratch.temporary()])
    }

    /// Takes away what the run has left where it worked; its files go to its place.
    pub(super) fn clear(&mut self, place: &Place) {
        if let Some(scratch) = &mut self.scratch {
            scratch.clear(place.directory());
        }
    }

    fn confine(&mut self, plan: &Plan<'_>, scratch: &[PathBuf; 2]) -> Result<Prepared, StartError> {
        let order = plan.order();
        let [files, temporary] = scratch;
        let request = Request {
            sandbox: &order.sandbox,
            protected: &self.protected,
            resources: &order.limits.resources,
            covered: self.group.limit(&order.limits.resources),
            required: order.sandbox_required,
            script: plan.script(),
            readable: &[plan.program()],
            writable: &[files, temporary],
        };
        self.sandboxes.prepare(&request).map_err(|error| unconfined(plan.program(), &error))
    }
}

/// What it means that there is no sandbox.
fn unconfined(program: &Path, error: &PrepareError) -> StartError {
    let mut reason = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    StartError::Sandbox { program: program.to_owned(), reason }
}

/// Ends a script that must not have been started, with everything that it started.
fn end_everything() {
    while Children::reap(|_| {}) == Left::Some {
        Tree::below_this_process().kill();
        rustix::thread::sched_yield();
    }
}
