//! The life of one run: a single task from its start to its end.

use std::io;
use std::process::Child;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{Outcome, OutputChunk, Printed, RunEnd, Usage};

use crate::kill::Group;
use crate::pipes::{Input, Outputs};

/// What the owner of the run decides about its end.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// How long descendants may keep the outputs open after the end of the script; time between
    /// TERM and KILL; time until a killed group is given up.
    pub(crate) grace: Duration,
    /// Ends the run.
    pub(crate) cancel: CancellationToken,
    /// Ends it without further grace, and without waiting for the reader of its output.
    pub(crate) hurry: CancellationToken,
}

/// A running script.
#[derive(Debug)]
pub(crate) struct Run {
    group: Group,
    outputs: Outputs,
    input: Input,
    started: Instant,
    deadline: Instant,
    ending: Ending,
    /// How the script itself ended.
    ended: Option<Outcome>,
}

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The script ended and its outputs were closed.
    Completed,
    /// The script ended, but descendants keep its outputs open.
    Held,
    TimedOut,
    Cancelled,
}

impl Run {
    /// Takes over a process that was started at `started`. If that fails it is ended.
    pub(crate) fn new(
        mut child: Child,
        what: Invocation,
        started: Instant,
        ending: Ending,
    ) -> io::Result<(Self, mpsc::Receiver<OutputChunk>)> {
        let limits = what.limits();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Group::watch(child)?;
        let pipes = Outputs::new(stdout, stderr, limits.output_bytes)
            .and_then(|outputs| Ok((outputs, Input::new(stdin.map(Into::into), what)?)));
        let ((outputs, output), input) = match pipes {
            Ok(pipes) => pipes,
            Err(error) => {
                group.abandon();
                return Err(error);
            }
        };
        // A limit beyond what the clock can say is none.
        let deadline = started
            .checked_add(limits.timeout)
            .unwrap_or_else(|| started + Duration::from_secs(u64::from(u32::MAX)));
        Ok((Self { group, outputs, input, started, deadline, ending, ended: None }, output))
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.group.number()
    }

    /// Accompanies the run to its end and reports it.
    pub(crate) async fn accompany(mut self, report: oneshot::Sender<RunEnd>) {
        let over = self.until_over().await;
        if over != Over::Completed {
            self.end_group(over).await;
        }
        let took = self.started.elapsed();
        let Self { group, mut outputs, input, ending, ended, .. } = self;
        let unended = if ended.is_some() { group.reap() } else { Some(group) };
        drop(input);
        if over != Over::Completed {
            tokio::select! {
                biased;
                () = ending.hurry.cancelled() => {}
                _ = outputs.forward_rest() => {}
            }
        }
        let dropped_bytes = outputs.dropped_bytes();
        drop(outputs);
        // Nobody may be waiting for the report any more.
        let _ = report.send(RunEnd {
            outcome: outcome(over, ended),
            took,
            usage: Usage::default(),
            printed: Printed { dropped: dropped_bytes, ..Printed::default() },
        });
        if let Some(mut group) = unended {
            tracing::error!(pid = group.number(), "a script could not be ended; it is waited for");
            group.ended().await;
            group.reap();
        }
    }

    async fn until_over(&mut self) -> Over {
        let Self { group, outputs, input, ending, ended, deadline, .. } = self;
        let reader = outputs.reader();
        let alarm = tokio::time::sleep_until(*deadline);
        tokio::pin!(alarm);
        loop {
            tokio::select! {
                biased;
                () = ending.cancel.cancelled() => return Over::Cancelled,
                () = reader.closed() => return Over::Cancelled,
                how = group.ended(), if ended.is_none() => {
                    *ended = Some(how);
                    let drained = Instant::now() + ending.grace;
                    alarm.as_mut().reset(drained.min(*deadline));
                }
                () = &mut alarm => match ended {
                    None => return Over::TimedOut,
                    Some(_) if outputs.wait_for_reader() && Instant::now() < *deadline => {
                        let drained = Instant::now() + ending.grace;
                        alarm.as_mut().reset(drained.min(*deadline));
                    }
                    Some(_) => return Over::Held,
                },
                // Without a reader the branch above ends the run.
                _ = outputs.forward(), if !outputs.are_finished() => {}
                () = input.feed(), if !input.is_finished() => {}
            }
            if ended.is_some() && outputs.are_finished() {
                return Over::Completed;
            }
        }
    }

    /// Ends every member of the group: they are asked, then forced. What they write meanwhile is
    /// still delivered. Standard input stays open: its end would tell them that it was complete.
    async fn end_group(&mut self, over: Over) {
        tracing::debug!(pid = self.group.number(), ?over, "ending a process group");
        self.group.terminate();
        let hurry = self.ending.hurry.clone();
        let is_gone = tokio::select! {
            biased;
            () = hurry.cancelled() => false,
            is_gone = self.gone_within(self.ending.grace) => is_gone,
        };
        if !is_gone {
            self.group.kill();
            self.gone_within(self.ending.grace).await;
        }
    }

    /// Whether no member was alive any more before the time had passed.
    async fn gone_within(&mut self, limit: Duration) -> bool {
        let Self { group, outputs, ended, .. } = self;
        let gone = async {
            *ended = Some(group.ended().await);
            group.gone().await;
        };
        let forwarded = async {
            if outputs.forward().await.is_err() {
                // A full pipe must not keep a script from ending.
                outputs.discard();
                let _ = outputs.forward().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = gone => true,
            () = tokio::time::sleep(limit) => false,
            () = forwarded => false,
        }
    }
}

fn outcome(over: Over, ended: Option<Outcome>) -> Outcome {
    match (over, ended) {
        (Over::Completed | Over::Held, Some(ended)) => ended,
        (Over::Cancelled, _) => Outcome::Cancelled,
        (Over::TimedOut | Over::Completed | Over::Held, _) => Outcome::TimedOut,
    }
}
