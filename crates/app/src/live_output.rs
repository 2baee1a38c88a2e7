//! Output of running scripts, line by line, for existing clients (scripts.md §8, real-time mode).
//!
//! A run with `print_real_time` is read by a task of its own; a client fetches one line at a time
//! under a secret key. What nobody fetches is bounded: the script is slowed, never the server.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use webscripts_domain::catalogue::Script;
use webscripts_domain::clock::{SignedDuration, Timestamp};
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Caller, UserId};
use webscripts_domain::random;
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{RunEnd, Stream};
use webscripts_domain::session::SessionKey;

use crate::run_script::{RunError, Started, lost};
use crate::{App, events};

/// Unread bytes of one run; reading stops above it until somebody fetches.
const MAX_UNREAD_BYTES: usize = 4 * 1024 * 1024;
/// Longest piece handed out at once, even if no line has ended.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// How long a fetch waits for the next line before it answers with an empty one.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How long the rest of a run that has ended is kept.
const KEEP_AFTER_END: SignedDuration = SignedDuration::from_secs(300);

/// All runs whose output is being fetched.
pub struct LiveRuns {
    runs: Mutex<HashMap<String, Arc<LiveRun>>>,
    most: usize,
}

struct LiveRun {
    script: Arc<Script>,
    owner: Owner,
    state: Mutex<State>,
    changed: Notify,
    cancel: CancellationToken,
}

/// Who may fetch: the user, and for visitors the same address or session.
#[derive(PartialEq, Eq)]
struct Owner {
    user: UserId,
    visitor: Option<(IpAddr, Option<SessionKey>)>,
}

#[derive(Default)]
struct State {
    stdout: VecDeque<u8>,
    stderr: Vec<u8>,
    end: Option<(RunEnd, Timestamp)>,
}

/// One answer to a fetch.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// A line with its end, or all that was left when the run has ended.
    pub stdout: Vec<u8>,
    /// Standard error; only with the end.
    pub stderr: Vec<u8>,
    /// How the run ended; `None` while it goes on.
    pub end: Option<RunEnd>,
}

/// Why there is nothing to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The key is unknown or its run has been fetched to the end.
    #[error("there is no running script with this key")]
    Unknown,
    /// Somebody else started it.
    #[error("somebody else started this script")]
    Foreign,
}

impl LiveRuns {
    /// Room for this many runs.
    pub fn new(most: usize) -> Self {
        Self { runs: Mutex::default(), most: most.saturating_mul(4).max(16) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every run.
    pub fn cancel_all(&self) {
        for run in self.lock().values() {
            run.cancel.cancel();
        }
    }

    /// Forgets runs whose rest nobody fetched in time.
    pub fn forget_old(&self, now: Timestamp) {
        self.lock().retain(|_, run| {
            run.state().end.is_none_or(|(_, at)| now.duration_since(at) <= KEEP_AFTER_END)
        });
    }

    /// Makes room by forgetting the run that ended first; false when all are still running.
    fn make_room(&self) -> bool {
        let mut runs = self.lock();
        if runs.len() < self.most {
            return true;
        }
        let ended = runs
            .iter()
            .filter_map(|(key, run)| run.state().end.map(|(_, at)| (at, key.clone())))
            .min();
        ended.and_then(|(_, key)| runs.remove(&key)).is_some()
    }
}

impl Owner {
    fn of(caller: &Caller) -> Self {
        let visitor = (!caller.identity.is_signed_in()).then_some((caller.address, caller.session));
        Self { user: caller.identity.id, visitor }
    }
}

impl LiveRun {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece, if there is one without waiting.
    fn take(&self) -> Option<Piece> {
        let mut state = self.state();
        if let Some((end, _)) = state.end {
            let stdout = std::mem::take(&mut state.stdout).into();
            let stderr = std::mem::take(&mut state.stderr);
            return Some(Piece { stdout, stderr, end: Some(end) });
        }
        let line_end = state.stdout.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n');
        let length = match line_end {
            Some(at) => at + 1,
            None if state.stdout.len() >= MAX_LINE_BYTES => MAX_LINE_BYTES,
            None => return None,
        };
        let stdout = state.stdout.drain(..length).collect();
        drop(state);
        self.changed.notify_waiters();
        Some(Piece { stdout, stderr: Vec::new(), end: None })
    }

    /// Reads the output of the run to its end.
    async fn read(self: Arc<Self>, app: Arc<App>, caller: Caller, started: Started) {
        let Started { run, script, mut handle, place } = started;
        while let Some(chunk) = handle.output.recv().await {
            loop {
                let room = self.changed.notified();
                tokio::pin!(room);
                room.as_mut().enable();
                if self.unread() < MAX_UNREAD_BYTES {
                    break;
                }
                tokio::select! {
                    () = room => {}
                    () = handle.cancel.cancelled() => break,
                }
            }
            {
                let mut state = self.state();
                match chunk.stream {
                    Stream::Stdout => state.stdout.extend(&chunk.bytes[..]),
                    Stream::Stderr => {
                        let free = MAX_UNREAD_BYTES.saturating_sub(state.stderr.len());
                        state.stderr.extend(chunk.bytes.iter().take(free));
                    }
                }
            }
            self.changed.notify_waiters();
        }
        let end = handle.end.await.unwrap_or_else(|_| lost());
        drop(place);
        events::run_finished(run, &caller, &script, &end);
        self.state().end = Some((end, app.now()));
        self.changed.notify_waiters();
    }

    fn unread(&self) -> usize {
        self.state().stdout.len()
    }
}

impl App {
    /// Starts a script whose output is fetched line by line; answers the key.
    ///
    /// # Errors
    ///
    /// As [`App::start_script`].
    pub async fn start_live(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<(String, Arc<Script>), RunError> {
        if !self.live.make_room() {
            return Err(RunError::NoPlace(crate::places::NoPlace));
        }
        // 40 random bytes as the reference makes them: 56 characters that end with `==`.
        let key = URL_SAFE.encode(random::bytes::<40>(self.random.as_ref())?);
        let started = self.start_script(caller, name, request, context).await?;
        let script = Arc::clone(&started.script);
        let live = Arc::new(LiveRun {
            script: Arc::clone(&script),
            owner: Owner::of(caller),
            state: Mutex::default(),
            changed: Notify::new(),
            cancel: started.handle.cancel.clone(),
        });
        self.live.lock().insert(key.clone(), Arc::clone(&live));
        self.tasks.spawn(live.read(Arc::clone(self), caller.clone(), started));
        Ok((key, script))
    }

    /// The next line of a run, waiting for it at most 20 s; the rest and the end once it has ended.
    ///
    /// # Errors
    ///
    /// When the key is unknown, or somebody else's.
    pub async fn fetch_live(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<(Piece, Arc<Script>), FetchError> {
        let run = self.live_run(caller, key)?;
        let deadline = tokio::time::Instant::now() + MAX_WAIT;
        let piece = loop {
            let changed = run.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(piece) = run.take() {
                break piece;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                break Piece { stdout: Vec::new(), stderr: Vec::new(), end: None };
            }
        };
        if piece.end.is_some() {
            self.live.lock().remove(key);
        }
        Ok((piece, Arc::clone(&run.script)))
    }

    /// Ends a live run and everything it started. Its output up to then can still be fetched.
    ///
    /// # Errors
    ///
    /// When the key is unknown, or somebody else's.
    pub fn stop_live(&self, caller: &Caller, key: &str) -> Result<(), FetchError> {
        self.live_run(caller, key)?.cancel.cancel();
        Ok(())
    }

    fn live_run(&self, caller: &Caller, key: &str) -> Result<Arc<LiveRun>, FetchError> {
        let run = self.live.lock().get(key).map(Arc::clone).ok_or(FetchError::Unknown)?;
        if run.owner == Owner::of(caller) { Ok(run) } else { Err(FetchError::Foreign) }
    }
}
