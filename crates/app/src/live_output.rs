//! Output of running scripts, line by line, for existing clients (scripts.md §8, real-time mode).
//!
//! A client fetches one line at a time under a secret key; the output comes from where the run
//! keeps it, so that nobody who is slow slows the script.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use tokio::time::Instant;
use webscripts_domain::catalogue::Script;
use webscripts_domain::clock::{SignedDuration, Timestamp};
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Caller, UserId};
use webscripts_domain::random;
use webscripts_domain::request::RunRequest;
use webscripts_domain::run::{Outcome, RunEnd, Stream};
use webscripts_domain::session::SessionKey;
use webscripts_engine::spool::Spool;

use crate::App;
use crate::run_script::RunError;
use crate::runs::active::{ActiveRun, Phase};
use crate::runs::life::end_of;
use crate::runs::queue::NoPlace;
use crate::runs::start::by_whom;

/// Longest piece handed out at once, even if no line has ended.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// How long a fetch waits for the next line before it answers with an empty one.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How long the rest of a run that has ended is kept.
const KEEP_AFTER_END: SignedDuration = SignedDuration::from_secs(300);

/// The keys of all runs whose output is being fetched.
pub struct LiveKeys {
    runs: Mutex<HashMap<String, Arc<LiveRun>>>,
    most: usize,
}

struct LiveRun {
    run: Arc<ActiveRun>,
    script: Arc<Script>,
    owner: Owner,
    /// How far standard output has been handed out. Held while a line is looked for, so that two
    /// fetches never get the same one.
    cursor: tokio::sync::Mutex<Cursor>,
}

#[derive(Default)]
struct Cursor {
    spool: Option<Arc<Spool>>,
    offset: u64,
    /// Read, but not handed out: no line ended in it.
    read: Vec<u8>,
}

/// Who may fetch: the user, and for visitors the same address or session.
#[derive(PartialEq, Eq)]
struct Owner {
    user: UserId,
    visitor: Option<(IpAddr, Option<SessionKey>)>,
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
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The key is unknown or its run has been fetched to the end.
    #[error("there is no running script with this key")]
    Unknown,
    /// Somebody else started it.
    #[error("somebody else started this script")]
    Foreign,
    /// The output cannot be read.
    #[error("the output of the script cannot be read")]
    Output(#[from] io::Error),
}

impl LiveKeys {
    /// Room for the keys of this many runs at a time.
    pub fn new(most: usize) -> Self {
        Self { runs: Mutex::default(), most: most.saturating_mul(4).max(16) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets runs whose rest nobody fetched in time.
    pub fn forget_old(&self, now: Timestamp) {
        self.lock().retain(|_, live| {
            live.run.record().ended.is_none_or(|at| now.duration_since(at) <= KEEP_AFTER_END)
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
            .filter_map(|(key, live)| live.run.record().ended.map(|at| (at, key.clone())))
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

impl Cursor {
    fn spool(&mut self, run: &ActiveRun) -> io::Result<Arc<Spool>> {
        if let Some(spool) = &self.spool {
            return Ok(Arc::clone(spool));
        }
        let spool = Arc::new(Spool::open(&run.place)?);
        self.spool = Some(Arc::clone(&spool));
        Ok(spool)
    }

    /// The next line, if there is one without waiting. Reads at most one longest line.
    fn line(&mut self, run: &ActiveRun) -> io::Result<Option<Vec<u8>>> {
        let wanted = MAX_LINE_BYTES - self.read.len();
        let extent = self.spool(run)?.read(Stream::Stdout, self.offset, wanted)?;
        if !extent.bytes.is_empty() {
            self.offset = extent.offset + extent.bytes.len() as u64;
            self.read.extend_from_slice(&extent.bytes);
        }
        Ok(self.take_line())
    }

    /// What somebody gets who waited for a line when the run ended: the next line, or the beginning
    /// of one, or an empty one when the time was over; the end comes with the next fetch. That is
    /// what the reference answers, whose read of the pipe returns before it looks at the process.
    fn last_line(&mut self, run: &ActiveRun, end: RunEnd) -> io::Result<Option<Vec<u8>>> {
        match self.line(run) {
            Ok(Some(line)) => return Ok(Some(line)),
            Ok(None) => {}
            // It never started.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let unfinished = std::mem::take(&mut self.read);
        let is_left = !unfinished.is_empty() || end.outcome == Outcome::TimedOut;
        Ok(is_left.then_some(unfinished))
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let line_end = self.read.iter().position(|byte| *byte == b'\n');
        let length = match line_end {
            Some(at) => at + 1,
            None if self.read.len() >= MAX_LINE_BYTES => MAX_LINE_BYTES,
            None => return None,
        };
        let rest = self.read.split_off(length);
        Some(std::mem::replace(&mut self.read, rest))
    }

    /// All that is left when the run is over.
    fn rest(&mut self, run: &ActiveRun, end: RunEnd) -> io::Result<Piece> {
        let mut stdout = std::mem::take(&mut self.read);
        let spool = match self.spool(run) {
            Ok(spool) => spool,
            // It never started.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Piece { stdout, stderr: Vec::new(), end: Some(end) });
            }
            Err(error) => return Err(error),
        };
        loop {
            let extent = spool.read(Stream::Stdout, self.offset, REST_BYTES)?;
            if extent.bytes.is_empty() {
                break;
            }
            self.offset = extent.offset + extent.bytes.len() as u64;
            stdout.extend_from_slice(&extent.bytes);
        }
        let stderr = spool.collect(Stream::Stderr, usize::MAX, Some(end.printed.stderr))?;
        Ok(Piece { stdout, stderr, end: Some(end) })
    }
}

/// What is read at once of the rest.
const REST_BYTES: usize = 1024 * 1024;

impl LiveRun {
    /// The next piece, if there is one without waiting.
    async fn take(self: &Arc<Self>, has_waited: bool) -> io::Result<Option<Piece>> {
        let mut cursor = self.cursor.lock().await;
        let is_over = matches!(&*self.run.phase().borrow(), Phase::Over);
        if !is_over {
            let line = cursor.line(&self.run)?;
            return Ok(line.map(|stdout| Piece { stdout, stderr: Vec::new(), end: None }));
        }
        let record = self.run.record();
        let end = end_of(record.end, record.ended, record.started);
        if has_waited && let Some(stdout) = cursor.last_line(&self.run, end)? {
            return Ok(Some(Piece { stdout, stderr: Vec::new(), end: None }));
        }
        let mut taken = std::mem::take(&mut *cursor);
        let run = Arc::clone(&self.run);
        let rest = move || taken.rest(&run, end);
        let piece = tokio::task::spawn_blocking(rest).await??;
        Ok(Some(piece))
    }

    /// Waits until there may be more.
    async fn changed(&self) {
        let mut phase = self.run.phase();
        let handle = match &*phase.borrow() {
            Phase::Running(handle) => Some(handle.clone()),
            Phase::Waiting => None,
            Phase::Over => return,
        };
        let Some(mut progress) = handle.map(|handle| handle.progress()) else {
            let _ = phase.changed().await;
            return;
        };
        // The cursor decides what is new: standard output beyond what was read.
        let read = {
            let cursor = self.cursor.lock().await;
            cursor.offset
        };
        let printed = async {
            if progress.wait_for(|progress| progress.stdout > read).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = phase.changed() => {}
            () = printed => {}
        }
    }
}

impl App {
    /// Starts a script whose output is fetched line by line; answers the key.
    ///
    /// # Errors
    ///
    /// As [`App::run_script`].
    pub async fn start_live(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        request: &RunRequest,
        context: &RequestContext,
    ) -> Result<(String, Arc<Script>), RunError> {
        if !self.live.make_room() {
            return Err(RunError::NoPlace(NoPlace));
        }
        // 40 random bytes as the reference makes them: 56 characters that end with `==`.
        let key = URL_SAFE.encode(random::bytes::<40>(self.random.as_ref())?);
        let (run, script) = self.start_script(caller, name, request, context).await?;
        let live = Arc::new(LiveRun {
            run,
            script: Arc::clone(&script),
            owner: Owner::of(caller),
            cursor: tokio::sync::Mutex::default(),
        });
        self.live.lock().insert(key.clone(), live);
        Ok((key, script))
    }

    /// The next line of a run, waiting for it at most 20 s; the rest and the end once it has ended.
    ///
    /// # Errors
    ///
    /// When the key is unknown, or somebody else's, or the output cannot be read.
    pub async fn fetch_live(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<(Piece, Arc<Script>), FetchError> {
        let live = self.live_run(caller, key)?;
        let deadline = Instant::now() + MAX_WAIT;
        let mut has_waited = false;
        let piece = loop {
            if let Some(piece) = live.take(has_waited).await? {
                break piece;
            }
            has_waited = true;
            if tokio::time::timeout_at(deadline, live.changed()).await.is_err() {
                break Piece { stdout: Vec::new(), stderr: Vec::new(), end: None };
            }
        };
        // Of several fetches at the end one gets the rest.
        if piece.end.is_some() && self.live.lock().remove(key).is_none() {
            return Err(FetchError::Unknown);
        }
        Ok((piece, Arc::clone(&live.script)))
    }

    /// Ends a live run and everything it started. Its output up to then can still be fetched.
    ///
    /// # Errors
    ///
    /// When the key is unknown, or somebody else's.
    pub async fn stop_live(&self, caller: &Caller, key: &str) -> Result<(), FetchError> {
        let live = self.live_run(caller, key)?;
        self.stop_active(&live.run, || format!("stopped by {}", by_whom(caller))).await;
        Ok(())
    }

    fn live_run(&self, caller: &Caller, key: &str) -> Result<Arc<LiveRun>, FetchError> {
        let live = self.live.lock().get(key).map(Arc::clone).ok_or(FetchError::Unknown)?;
        if live.owner == Owner::of(caller) { Ok(live) } else { Err(FetchError::Foreign) }
    }
}
