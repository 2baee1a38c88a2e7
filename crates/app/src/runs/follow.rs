//! The output of a run while it is printed, and afterwards in the same form.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use webscripts_domain::identity::Caller;
use webscripts_domain::output::decode;
use webscripts_domain::run::{RunId, Stream};
use webscripts_engine::runs::Progress;
use webscripts_engine::spool::Spool;

use super::active::{ActiveRun, Phase};
use super::output::{Answer, Entry, Reader};
use super::screen::terminal::{Glance, Screens};
use super::screen::text::StyledText;
use super::screen::{Screen, Span, TaskProgress};
use super::watch::Watch;
use super::{RunAccessError, RunView};
use crate::App;

/// Most bytes of output in one batch of events.
pub const MAX_BATCH_BYTES: usize = 256 * 1024;
/// Longest wait of [`App::poll`].
const MAX_WAIT: Duration = Duration::from_secs(20);
/// Time between two pictures of a terminal.
const BETWEEN_SCREENS: Duration = Duration::from_millis(40);
/// Steps in which output is shown on a terminal before somebody gets a picture of it.
const MOST_STEPS: u32 = 64;
/// How much of the output before the place where watching begins decides on its colours.
const STYLE_BYTES: u64 = 64 * 1024;

/// What a watcher wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Follow {
    /// The sequence number to begin with: one more than that of the last event that was seen, or 0.
    pub from: u64,
    /// Whether escape sequences are interpreted: events carry [`Span`]s, those of a terminal a
    /// [`Screen`] in place of output. Otherwise text is as printed, escape sequences included.
    pub rendered: bool,
}

/// Something that happened to a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// Where it stands: first of all, and whenever that changes.
    State(Box<RunView>),
    /// It printed something.
    Output {
        /// The text. Shared with other watchers.
        text: Arc<OutputText>,
        /// The same in its colours, if that was asked for.
        spans: Option<Vec<Span>>,
    },
    /// Output that is not kept.
    Cut(Cut),
    /// The script reported progress.
    Progress(TaskProgress),
    /// The terminal has changed.
    Screen(Box<Screen>),
    /// It is over; nothing follows.
    End(Box<RunView>),
}

/// A piece of output as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputText {
    /// Its number. Numbers of a run grow; some may be left out.
    pub sequence: u64,
    /// Where it came from.
    pub stream: Stream,
    /// Where its bytes begin in the stream.
    pub offset: u64,
    /// Milliseconds since the start of the run.
    pub time_ms: u32,
    /// The text: UTF-8, bytes that are none as in [`webscripts_domain::output::decode`]. A
    /// character is never split over two pieces.
    pub text: String,
}

/// Output that is not kept because there was too much of it, or because a later part was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The numbers that are missing.
    pub sequences: Range<u64>,
    /// The bytes of standard output that are missing.
    pub stdout: Range<u64>,
    /// The bytes of standard error that are missing.
    pub stderr: Range<u64>,
}

/// Somebody who watches a run. Dropping it ends nothing but the watching.
#[derive(Debug)]
pub struct Follower {
    watch: Watch,
    how: Follow,
    source: Source,
    next: u64,
    /// The state of the terminal that was given last; `None`: none yet.
    screen: Option<u64>,
    /// Terminals are shown at most this often.
    next_screen: Instant,
    styles: Styles,
    has_begun: bool,
    is_over: bool,
}

/// Where the output comes from.
#[derive(Debug)]
enum Source {
    /// The run goes on, or did when the watching began.
    Active {
        run: Arc<ActiveRun>,
        phase: watch::Receiver<Phase>,
        progress: Option<watch::Receiver<Progress>>,
        /// Reads what has left the shared part.
        own: Option<Box<Reader>>,
    },
    /// It is over.
    Stored { place: PathBuf, reader: Option<Box<Reader>>, screens: Arc<Screens> },
}

/// Colours of both streams. Boxed, as the readers are: thousands of watchers that see nothing must
/// be small.
#[derive(Debug, Default)]
struct Styles {
    stdout: Option<Box<StyledText>>,
    stderr: Option<Box<StyledText>>,
}

/// One answer to somebody who asks again and again.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The run.
    pub view: RunView,
    /// What it printed since. Empty: nothing.
    pub events: Vec<RunEvent>,
    /// The number to ask with next.
    pub next: u64,
}

impl Follower {
    /// The next events, at least one and at most about [`MAX_BATCH_BYTES`] of output; waits for
    /// them. `None`: the run is over and all was given, or the caller may not watch it any more.
    ///
    /// Nothing is lost when the returned future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Vec<RunEvent>> {
        loop {
            let events = self.available().await?;
            if !events.is_empty() {
                return Some(events);
            }
            self.wait().await;
        }
    }

    /// As [`Follower::next`], without waiting: perhaps there is nothing to tell.
    async fn available(&mut self) -> Option<Vec<RunEvent>> {
        // Boxed: who waits for output holds no room for what is done with it.
        if self.is_over || !Box::pin(self.watch.is_allowed()).await {
            return None;
        }
        match Box::pin(self.gather()).await {
            Ok(events) => Some(events),
            Err(error) => {
                tracing::warn!(%error, run.id = %self.watch.id, "output of a run cannot be read");
                None
            }
        }
    }

    /// The sequence number to resume with after all events given up to now.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Whether the run has a terminal.
    pub(super) fn has_terminal(&self) -> bool {
        self.screens().size().is_some()
    }

    /// What its terminal shows, without waiting.
    pub(super) async fn picture(&mut self) -> io::Result<Vec<RunEvent>> {
        let mut events = Vec::new();
        let ended = self.has_ended();
        self.look(ended, &mut events).await?;
        Ok(events)
    }

    /// What can be told without waiting.
    async fn gather(&mut self) -> io::Result<Vec<RunEvent>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Ok(self.view().await.map(RunEvent::State).into_iter().collect());
        }
        let mut events = Vec::new();
        if self.has_moved() {
            events.extend(self.view().await.map(RunEvent::State));
        }
        let ended = self.has_ended();
        let mut given = self.output(ended, &mut events).await?;
        // What is held back at the end may be nothing: then nobody would wake those who wait.
        while ended && given && events.is_empty() {
            given = self.output(ended, &mut events).await?;
        }
        if ended && !given {
            self.is_over = true;
            events.extend(self.view().await.map(RunEvent::End));
        }
        Ok(events)
    }

    /// The run as it is now.
    async fn view(&self) -> Option<Box<RunView>> {
        self.watch.view().await.map(Box::new)
    }

    /// Whether the run stands elsewhere than when this was asked last, but is not over.
    fn has_moved(&mut self) -> bool {
        let Source::Active { phase, progress, .. } = &mut self.source else { return false };
        if !phase.has_changed().unwrap_or(false) && !self.watch.has_moved() {
            return false;
        }
        match &*phase.borrow_and_update() {
            Phase::Running(handle) => {
                *progress = Some(handle.progress());
                true
            }
            Phase::Waiting => true,
            Phase::Over => false,
        }
    }

    fn has_ended(&self) -> bool {
        match &self.source {
            Source::Active { phase, .. } => matches!(&*phase.borrow(), Phase::Over),
            Source::Stored { .. } => true,
        }
    }

    /// Adds output that was not given yet; false: there is none.
    async fn output(&mut self, ended: bool, events: &mut Vec<RunEvent>) -> io::Result<bool> {
        if self.how.rendered && self.has_terminal() {
            return self.look(ended, events).await;
        }
        let before = self.next;
        let entries = self.read(ended).await?;
        let found = !entries.is_empty() || self.next > before;
        for entry in entries {
            let event = match entry {
                Entry::Cut(cut) => RunEvent::Cut(cut),
                Entry::Progress(_, progress) => RunEvent::Progress(progress),
                Entry::Text(text) => {
                    let spans =
                        if self.how.rendered { Some(self.style(&text).await?) } else { None };
                    RunEvent::Output { text, spans }
                }
            };
            events.push(event);
        }
        Ok(found)
    }

    fn screens(&self) -> &Screens {
        match &self.source {
            Source::Active { run, .. } => &run.screens,
            Source::Stored { screens, .. } => screens,
        }
    }

    /// Output from where this watcher is.
    async fn read(&mut self, ended: bool) -> io::Result<Vec<Entry>> {
        let next = self.next;
        match &mut self.source {
            Source::Active { run, own, .. } => {
                match run.recent.read(&run.place, next, MAX_BATCH_BYTES, ended) {
                    Ok(Answer::Entries(entries, behind)) => {
                        *own = None;
                        self.next = behind;
                        return Ok(entries);
                    }
                    Ok(Answer::TooOld) => {}
                    // There is no directory before the process starts.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                }
                let (place, reader) = (run.place.clone(), own.take());
                let (reader, entries) = read_aside(place, reader, next, ended).await?;
                self.next = reader.next();
                *own = Some(reader);
                Ok(entries)
            }
            Source::Stored { place, reader, .. } => {
                let read = read_aside(place.clone(), reader.take(), next, true).await;
                match read {
                    Ok((now, entries)) => {
                        self.next = now.next().max(next);
                        *reader = Some(now);
                        Ok(entries)
                    }
                    // Its output has been removed, or it never began.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Shows the terminal on; adds what has changed.
    async fn look(&mut self, ended: bool, events: &mut Vec<RunEvent>) -> io::Result<bool> {
        if self.screen.is_some() && !ended {
            tokio::time::sleep_until(self.next_screen).await;
        }
        let (place, watched) = match &self.source {
            Source::Active { run, .. } => (run.place.clone(), Watched::Run(Arc::clone(run))),
            Source::Stored { place, screens, .. } => {
                (place.clone(), Watched::Alone(Arc::clone(screens)))
            }
        };
        let since = self.screen;
        let look = move || {
            let screens = match &watched {
                Watched::Run(run) => &run.screens,
                Watched::Alone(screens) => screens,
            };
            let mut progress = None;
            let mut steps = 0;
            loop {
                let Some(glance) = screens.look(&place, since, ended)? else { return Ok(None) };
                progress = glance.progress.or(progress);
                steps += 1;
                if glance.is_current || steps == MOST_STEPS {
                    return Ok::<_, io::Error>(Some(Glance { progress, ..glance }));
                }
            }
        };
        let glance = match tokio::task::spawn_blocking(look).await? {
            Ok(Some(glance)) => glance,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        // Who has seen everything gets the next picture when there is something new on it.
        let is_seen = self.screen.is_none() && self.next > 0 && glance.next <= self.next;
        if self.screen == Some(glance.state) || is_seen {
            return Ok(false);
        }
        self.screen = Some(glance.state);
        self.next = glance.next;
        self.next_screen = Instant::now() + BETWEEN_SCREENS;
        events.extend(glance.progress.map(RunEvent::Progress));
        events.push(RunEvent::Screen(Box::new(glance.screen)));
        Ok(true)
    }

    /// The text in its colours. Where the watching began in the middle, what came shortly before
    /// decides on them.
    async fn style(&mut self, text: &OutputText) -> io::Result<Vec<Span>> {
        let slot = match text.stream {
            Stream::Stdout => &mut self.styles.stdout,
            Stream::Stderr => &mut self.styles.stderr,
        };
        if let Some(style) = slot {
            return Ok(style.push(&text.text));
        }
        let place = match &self.source {
            Source::Active { run, .. } => run.place.clone(),
            Source::Stored { place, .. } => place.clone(),
        };
        let (stream, offset) = (text.stream, text.offset);
        let mut style =
            tokio::task::spawn_blocking(move || style_at(&place, stream, offset)).await??;
        let spans = style.push(&text.text);
        *slot = Some(Box::new(style));
        Ok(spans)
    }

    /// Waits until there may be something to tell.
    async fn wait(&mut self) {
        let Source::Active { phase, progress, .. } = &mut self.source else { return };
        let printed = async {
            match progress {
                // When the sender goes away the run is over, which the phase tells.
                Some(progress) => {
                    if progress.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = phase.changed() => phase.mark_changed(),
            () = printed => {}
            () = self.watch.something() => {}
        }
    }
}

/// Whose terminal is looked at.
enum Watched {
    Run(Arc<ActiveRun>),
    Alone(Arc<Screens>),
}

/// Reads with a reader of one's own, on a thread that may wait for the disk.
async fn read_aside(
    place: PathBuf,
    reader: Option<Box<Reader>>,
    next: u64,
    ended: bool,
) -> io::Result<(Box<Reader>, Vec<Entry>)> {
    let read = move || {
        let mut reader = match reader {
            Some(reader) if reader.next() == next => reader,
            _ => Box::new(Reader::open(&place, next)?),
        };
        let mut entries = reader.read(MAX_BATCH_BYTES)?;
        if entries.is_empty() && ended {
            entries = reader.finish()?;
        }
        Ok((reader, entries))
    };
    tokio::task::spawn_blocking(read).await?
}

/// The colours at an offset of a stream.
fn style_at(place: &Path, stream: Stream, offset: u64) -> io::Result<StyledText> {
    let mut style = StyledText::default();
    let from = offset.saturating_sub(STYLE_BYTES);
    let length = usize::try_from(offset - from).unwrap_or(0);
    if length > 0 {
        let before = Spool::open(place)?.read(stream, from, length)?;
        let reaches = offset.saturating_sub(before.offset);
        let wanted = usize::try_from(reaches).unwrap_or(0).min(before.bytes.len());
        style.push(&decode(before.bytes.get(..wanted).unwrap_or_default()));
    }
    Ok(style)
}

impl App {
    /// Watches a run from a sequence number on.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn follow(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
        how: Follow,
    ) -> Result<Follower, RunAccessError> {
        let seen = self.see(caller, id).await?;
        let source = match seen.active {
            Some(run) => {
                let phase = run.phase();
                let progress = run.handle().map(|handle| handle.progress());
                Source::Active { run, phase, progress, own: None }
            }
            None => Source::Stored {
                place: self.place_of(id),
                reader: None,
                screens: Arc::new(Screens::new(seen.record.terminal)),
            },
        };
        Ok(Follower {
            watch: Watch::new(Arc::clone(self), caller.clone(), id),
            how,
            source,
            next: how.from,
            screen: None,
            next_screen: Instant::now(),
            styles: Styles::default(),
            has_begun: false,
            is_over: false,
        })
    }

    /// What happened since a sequence number; waits at most `wait` (20 s) for something to happen.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn poll(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
        how: Follow,
        wait: Duration,
    ) -> Result<Poll, RunAccessError> {
        let mut follower = self.follow(caller, id, how).await?;
        let deadline = Instant::now() + wait.min(MAX_WAIT);
        // The first events say where the run stands, which the answer says anyway.
        follower.next().await;
        let mut events = Vec::new();
        while let Some(batch) = follower.available().await {
            let is_printed =
                |event: &RunEvent| !matches!(event, RunEvent::State(_) | RunEvent::End(_));
            let has_moved = batch.iter().any(|event| !is_printed(event));
            events.extend(batch.into_iter().filter(is_printed));
            if has_moved || !events.is_empty() {
                break;
            }
            if tokio::time::timeout_at(deadline, follower.wait()).await.is_err() {
                break;
            }
        }
        Ok(Poll { view: self.run(caller, id).await?, events, next: follower.position() })
    }
}
