//! A run as the server sees it: what its handles want goes to the supervisor, what the supervisor
//! reports goes to the handles.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::error::TryRecvError;
use tokio_util::sync::CancellationToken;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{RunEnd, RunId};

use super::handle::{Input, Over, Progress, RunControl};
use super::pool::Supervisor;
use super::protocol::{Command, INPUT_IN_FLIGHT, LONGEST_INPUT, Report, State};
use super::record;
use super::strays;

/// What ends runs from outside.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    /// Runs are asked to end.
    pub(super) stop: CancellationToken,
    /// Runs are forced to end.
    pub(super) hurry: CancellationToken,
    /// Runs are left to themselves.
    pub(super) leave: CancellationToken,
}

/// A run and its supervisor.
#[derive(Debug)]
pub(super) struct Accompanied {
    pub(super) supervisor: Supervisor,
    pub(super) control: RunControl,
    pub(super) run: RunId,
    pub(super) place: PathBuf,
    /// What was last heard.
    pub(super) state: State,
    pub(super) orders: Orders,
}

/// What has not been sent yet.
#[derive(Debug, Default)]
struct Outbox {
    stop: Wish,
    kill: Wish,
    close: Wish,
    size: Option<TerminalSize>,
    sent_size: Option<TerminalSize>,
    input: Option<Input>,
    /// Bytes of input that were sent.
    sent: u64,
}

/// Something that is wanted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wish {
    #[default]
    None,
    Open,
    Sent,
}

impl Wish {
    fn want(&mut self, is_wanted: bool) {
        if is_wanted && *self == Self::None {
            *self = Self::Open;
        }
    }
}

impl Accompanied {
    /// Accompanies the run to its end. The supervisor comes back if it can take another one.
    pub(super) async fn follow_to_the_end(mut self) -> Option<Supervisor> {
        let over = self.follow().await;
        match over {
            Ok(Some(end)) => {
                let over = Some(Over::Ended(end));
                self.control.progress.send_modify(|progress| progress.over = over);
                Some(self.supervisor)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(run = %self.run, %error, "a supervisor has died");
                self.bury().await;
                None
            }
        }
    }

    /// How the run ended; `None`: it is left to itself.
    async fn follow(&mut self) -> io::Result<Option<RunEnd>> {
        let Self { supervisor, control, state, orders, .. } = self;
        let RunControl { progress, wishes, input, whole } = control;
        let mut outbox = Outbox { sent: state.input_taken, ..Outbox::default() };
        let (stop, hurry) = (orders.stop.clone(), orders.hurry.clone());
        let mut stop = pin!(stop.cancelled());
        let mut hurry = pin!(hurry.cancelled());
        let (mut wishes_open, mut input_open) = (true, true);
        wishes.mark_changed();
        loop {
            let is_full = outbox.send(supervisor, state, input)?;
            let takes_input = input_open && outbox.input.is_none();
            tokio::select! {
                biased;
                () = orders.leave.cancelled() => return Ok(None),
                report = supervisor.report() => match report? {
                    Some(Report::State(new)) => {
                        *state = new;
                        progress.send_modify(|progress| show(progress, &new));
                    }
                    Some(Report::Over(last, ended)) => {
                        progress.send_modify(|progress| show(progress, &last));
                        return Ok(Some(ended.into()));
                    }
                    Some(Report::OverWithOutput(last, ended, output)) => {
                        whole.get_or_init(|| Arc::new(output));
                        progress.send_modify(|progress| show(progress, &last));
                        return Ok(Some(ended.into()));
                    }
                    Some(_) => {}
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                () = &mut hurry, if outbox.kill == Wish::None => outbox.kill = Wish::Open,
                () = &mut stop, if outbox.stop == Wish::None => outbox.stop = Wish::Open,
                changed = wishes.changed(), if wishes_open => {
                    wishes_open = changed.is_ok();
                    let wishes = *wishes.borrow_and_update();
                    outbox.stop.want(wishes.stop);
                    outbox.kill.want(wishes.kill);
                    outbox.close.want(wishes.close_stdin);
                    outbox.size = wishes.size.or(outbox.size);
                }
                next = input.recv(), if takes_input => {
                    input_open = next.is_some();
                    outbox.input = next;
                }
                room = supervisor.has_room(), if is_full => room?,
            }
        }
    }

    /// The supervisor is gone: nothing of the run may be left.
    async fn bury(self) {
        let Self { supervisor, control, run, place, .. } = self;
        let buried = tokio::task::spawn_blocking(move || {
            supervisor.end_by_force();
            strays::end_marked(run);
            record::read_end(&place)
        });
        let over = match buried.await {
            Ok(Some(ended)) => Over::Ended(ended.into()),
            Ok(None) | Err(_) => Over::Lost,
        };
        control.progress.send_modify(|progress| progress.over = Some(over));
    }
}

/// What handles see of a state.
pub(super) fn show(progress: &mut Progress, state: &State) {
    progress.chunks = state.chunks;
    progress.stdout = state.stdout;
    progress.stderr = state.stderr;
}

impl Outbox {
    /// Sends what can be sent. Whether something is left for which the socket had no room.
    fn send(
        &mut self,
        supervisor: &Supervisor,
        state: &State,
        input: &mut tokio::sync::mpsc::Receiver<Input>,
    ) -> io::Result<bool> {
        let done = self.send_wishes(supervisor).and_then(|()| {
            self.send_input(supervisor, state)?;
            while self.close == Wish::Open && self.input.is_none() {
                match input.try_recv() {
                    Ok(next) => {
                        self.input = Some(next);
                        self.send_input(supervisor, state)?;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                        supervisor.send(&Command::CloseInput)?;
                        self.close = Wish::Sent;
                    }
                }
            }
            Ok(())
        });
        match done {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            // What the supervisor said last is still to be read.
            Err(error) if is_hung_up(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn send_wishes(&mut self, supervisor: &Supervisor) -> io::Result<()> {
        if self.kill == Wish::Open {
            supervisor.send(&Command::Kill)?;
            self.kill = Wish::Sent;
        }
        if self.stop == Wish::Open {
            supervisor.send(&Command::Stop)?;
            self.stop = Wish::Sent;
        }
        if let Some(size) = self.size.filter(|_| self.size != self.sent_size) {
            supervisor.send(&Command::Resize(size.columns, size.rows))?;
            self.sent_size = self.size;
        }
        Ok(())
    }

    fn send_input(&mut self, supervisor: &Supervisor, state: &State) -> io::Result<()> {
        while let Some(input) = &mut self.input {
            if !state.input_open || self.close == Wish::Sent {
                // Dropped without a word: it was not accepted.
                self.input = None;
                break;
            }
            let room = INPUT_IN_FLIGHT.saturating_sub(self.sent.saturating_sub(state.input_taken));
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let length = input.bytes.len().min(LONGEST_INPUT).min(room);
            if length > 0 {
                let piece: Bytes = input.bytes.slice(..length);
                supervisor.send(&Command::Input(&piece))?;
                let _ = input.bytes.split_to(length);
                self.sent += u64::try_from(length).unwrap_or(0);
            }
            if input.bytes.is_empty() {
                if let Some(input) = self.input.take() {
                    let _ = input.accepted.send(());
                }
            } else if length == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
