//! Runs that were: one, many, and their output.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use webscripts_domain::catalogue::Script;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::{Caller, UserId};
use webscripts_domain::invocation::{Wishes, place_of};
use webscripts_domain::recording::{NotRecorded, repeat};
use webscripts_domain::run::{Printed, RunEnd, RunId, RunState, StartedVia, Stream};
use webscripts_domain::run_rights::{Subject, rights};
use webscripts_engine::place::remove_place;
use webscripts_engine::spool::Spool;
use webscripts_store::runs::{Owner, RunFilter, Visible};

use super::life::end_of;
use super::rights::{Seen, script_of};
use super::start::{StartRun, StartedRun};
use super::{RunAccessError, RunView};
use crate::run_script::{Collected, RunError};
use crate::{App, events};

/// Most runs of one page of a list.
pub const MAX_PAGE: u32 = 200;
/// Output that is read without another thread.
const FEW_BYTES: u64 = 64 * 1024;
/// Most bytes of one piece of output.
pub const MAX_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Which runs to list. All conditions have to be met.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// In one of these states; empty: in any.
    pub states: Vec<RunState>,
    /// Of the script of exactly this name.
    pub script: Option<String>,
    /// Of the user of exactly this name.
    pub user: Option<String>,
    /// Name of the script, name of the user or an argument holds this text.
    pub text: Option<String>,
    /// Asked for at this time or later.
    pub from: Option<Timestamp>,
    /// Asked for before this time.
    pub to: Option<Timestamp>,
    /// Only the caller's own.
    pub mine: bool,
    /// How many: 1 to [`MAX_PAGE`].
    pub limit: u32,
    /// Where the page before ended: [`RunPage::next`].
    pub cursor: Option<RunId>,
}

/// Runs, newest first.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunView>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<RunId>,
}

/// A piece of the output of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPiece {
    /// Where it begins. Larger than asked for when what was asked for is not kept.
    pub offset: u64,
    /// The bytes as printed, secrets masked. Empty: nothing is kept from there on up to now.
    pub bytes: Vec<u8>,
    /// Up to where the stream is kept without a gap from `offset` on.
    pub kept_until: u64,
    /// How much the stream printed up to now.
    pub total: u64,
    /// Whether the run is over: `total` is final.
    pub over: bool,
}

/// Why a run is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// It cannot be seen.
    #[error(transparent)]
    Access(#[from] RunAccessError),
    /// Values are not recorded: secrets, or too long.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// It could not be started.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a run is not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// It cannot be seen.
    #[error(transparent)]
    Access(#[from] RunAccessError),
    /// The caller may see it, but not delete it.
    #[error("only the owner of a run and administrators delete it")]
    NotAllowed,
    /// It is not over.
    #[error("the run is not over; stop it first")]
    NotOver,
}

impl App {
    /// One run.
    ///
    /// # Errors
    ///
    /// When there is none for the caller.
    pub async fn run(&self, caller: &Caller, id: RunId) -> Result<RunView, RunAccessError> {
        let seen = self.see(caller, id).await?;
        let is_stored = seen.active.is_none();
        let mut view = self.view(caller, seen);
        if is_stored {
            view.outlook.chunks = chunks_on_disk(self.place_of(id)).await;
        } else if let Some(script) = &view.script {
            view.outlook.usual = self.usual_duration(script.name.as_str()).await?;
        }
        Ok(view)
    }

    /// The runs the caller may see, newest first.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn list_runs(
        &self,
        caller: &Caller,
        query: &RunQuery,
    ) -> Result<RunPage, RunAccessError> {
        let user = match &query.user {
            None => None,
            Some(name) => match self.user_called(name).await? {
                Some(user) => Some(user),
                None => return Ok(RunPage::default()),
            },
        };
        let filter = RunFilter {
            visible: self.visible_to(caller, query.mine),
            states: query.states.clone(),
            script: query.script.clone(),
            user,
            text: query.text.clone(),
            from: query.from,
            to: query.to,
        };
        let limit = query.limit.clamp(1, MAX_PAGE);
        let page = self.stores.runs.list(&filter, query.cursor, limit).await?;
        let configuration = self.configuration();
        let admin_groups = &configuration.settings.access.admin_groups;
        let views = page.runs.into_iter().filter_map(|record| {
            let active = self.runs.get(record.id);
            let record = active.as_ref().map_or(record, |run| run.record());
            let script = script_of(&configuration, &record);
            let rights = rights(caller, &Subject::of(&record, script.as_deref()), admin_groups);
            rights
                .view
                .then(|| self.view(caller, Seen { record, active, rights, script, printed: None }))
        });
        Ok(RunPage { runs: views.collect(), next: page.next })
    }

    /// What may be listed for somebody.
    fn visible_to(&self, caller: &Caller, mine: bool) -> Visible {
        let configuration = self.configuration();
        let admin_groups = &configuration.settings.access.admin_groups;
        let owner = Owner { user: caller.identity.id, address: caller.address };
        if mine {
            return Visible::Own { owner, scripts: Vec::new() };
        }
        if caller.identity.is_administrator(admin_groups) {
            return Visible::All;
        }
        let nobody = Owner { user: UserId(-1), address: caller.address };
        let may_view = |script: &Script| {
            let subject =
                Subject { user: nobody.user, address: nobody.address, script: Some(script) };
            rights(caller, &subject, admin_groups).view
        };
        let scripts = configuration
            .catalogue
            .iter()
            .filter(|script| !configuration.is_auth_script(&script.name) && may_view(script))
            .map(|script| script.name.to_string())
            .take(1000)
            .collect();
        Visible::Own { owner, scripts }
    }

    /// The number of the user of this name; a number stands for itself.
    async fn user_called(&self, name: &str) -> Result<Option<UserId>, RunAccessError> {
        if let Some(user) = self.stores.accounts.user_by_name(name).await? {
            return Ok(Some(user.id));
        }
        Ok(name.parse().ok().map(UserId))
    }

    /// The newest run the caller made of a script.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn last_run(
        &self,
        caller: &Caller,
        script: &str,
    ) -> Result<Option<RunView>, RunAccessError> {
        let owner = Owner { user: caller.identity.id, address: caller.address };
        let Some(record) = self.stores.runs.last_of(&owner, script).await? else { return Ok(None) };
        match self.run(caller, record.id).await {
            Ok(view) => Ok(Some(view)),
            // It was deleted in between.
            Err(RunAccessError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How long a script usually takes; `None`: nobody knows yet.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn usual_duration(&self, script: &str) -> Result<Option<Duration>, RunAccessError> {
        if let Some(known) = self.usual.get(script) {
            return Ok(known);
        }
        let usual = self.stores.runs.usual_duration(script).await?;
        self.usual.insert(script.to_owned(), usual);
        Ok(usual)
    }

    /// A piece of one stream, from `offset`, at most `length` bytes ([`MAX_PIECE_BYTES`]).
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller, or its output cannot be read.
    pub async fn read_output(
        &self,
        caller: &Caller,
        id: RunId,
        stream: Stream,
        offset: u64,
        length: usize,
    ) -> Result<OutputPiece, RunAccessError> {
        let seen = self.see(caller, id).await?;
        let over = seen.record.state.is_over();
        let printed = match &seen.active {
            Some(run) => run.printed(),
            None => seen.record.end.map_or_else(Printed::default, |end| end.printed),
        };
        let total = match stream {
            Stream::Stdout => printed.stdout,
            Stream::Stderr => printed.stderr,
        };
        let place = self.place_of(id);
        let length = length.min(MAX_PIECE_BYTES);
        let read = move || read_piece(&place, stream, offset, length);
        let piece = tokio::task::spawn_blocking(read)
            .await
            .map_err(|lost| RunAccessError::Output(lost.into()))?
            .map_err(RunAccessError::Output)?;
        Ok(OutputPiece { total: total.max(piece.total), over, ..piece })
    }

    /// All that is kept of the output of a run, with a line where something was cut out.
    ///
    /// # Errors
    ///
    /// As [`App::read_output`].
    pub async fn collect_output(
        &self,
        caller: &Caller,
        id: RunId,
    ) -> Result<Collected, RunAccessError> {
        let seen = self.see(caller, id).await?;
        let record = seen.record;
        let end = end_of(record.end, record.ended, record.started);
        let collected = collect(self.place_of(id), end).await;
        collected.map_err(RunAccessError::Output)
    }

    /// The directory of a run.
    pub(super) fn place_of(&self, id: RunId) -> PathBuf {
        place_of(&self.configuration().surroundings().runs, id)
    }

    /// Starts the script of a run with the same arguments, as the caller. The CSRF token was
    /// redeemed by whoever calls.
    ///
    /// # Errors
    ///
    /// When a value was not recorded, or the caller may not run the script.
    pub async fn run_again(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
        context: &RequestContext,
    ) -> Result<StartedRun, AgainError> {
        let seen = self.see(caller, id).await?;
        let request = repeat(&seen.record.arguments)?;
        let order = StartRun {
            script: &seen.record.script,
            request: &request,
            context,
            via: StartedVia::Again(id),
            idempotency_key: None,
            wishes: Wishes::default(),
        };
        Ok(self.start_redeemed(caller, order).await?)
    }

    /// Deletes a run with its output and files. The CSRF token was redeemed by whoever calls.
    ///
    /// # Errors
    ///
    /// When it is not over, or the caller may not.
    pub async fn delete_run(&self, caller: &Caller, id: RunId) -> Result<(), DeleteError> {
        let seen = self.see(caller, id).await?;
        if !seen.rights.delete {
            return Err(DeleteError::NotAllowed);
        }
        if !seen.record.state.is_over() {
            return Err(DeleteError::NotOver);
        }
        if let Some(run) = &seen.active {
            run.recorded().await;
        }
        let place = self.place_of(id);
        remove(place).await.map_err(RunAccessError::Output)?;
        self.stores.runs.delete(&[id]).await.map_err(RunAccessError::from)?;
        events::run_deleted(&seen.record, caller);
        Ok(())
    }
}

/// Reads a piece; `total` is what the files know.
fn read_piece(
    place: &Path,
    stream: Stream,
    offset: u64,
    length: usize,
) -> std::io::Result<OutputPiece> {
    let spool = match Spool::open(place) {
        Ok(spool) => spool,
        // It has not begun, or its output has been removed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(OutputPiece {
                offset,
                bytes: Vec::new(),
                kept_until: offset,
                total: 0,
                over: false,
            });
        }
        Err(error) => return Err(error),
    };
    let extent = spool.read(stream, offset, length)?;
    let end = extent.offset + extent.bytes.len() as u64;
    let kept = spool.kept(stream)?;
    let kept_until = kept.iter().find(|part| part.contains(&extent.offset)).map(|part| part.end);
    Ok(OutputPiece {
        offset: extent.offset,
        bytes: extent.bytes.to_vec(),
        kept_until: kept_until.unwrap_or(end).max(end),
        total: spool.reached()?.printed.of(stream).max(end),
        over: false,
    })
}

/// Reads the whole output of a run that is over.
pub(crate) async fn collect(place: PathBuf, end: RunEnd) -> std::io::Result<Collected> {
    let Printed { stdout, stderr, .. } = end.printed;
    let read = move || {
        let spool = match Spool::open(&place) {
            Ok(spool) => spool,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Collected { stdout: Vec::new(), stderr: Vec::new(), end });
            }
            Err(error) => return Err(error),
        };
        Ok(Collected {
            stdout: spool.collect(Stream::Stdout, usize::MAX, Some(stdout))?,
            stderr: spool.collect(Stream::Stderr, usize::MAX, Some(stderr))?,
            end,
        })
    };
    // Little output is in the page cache: another thread would cost more than reading it.
    if stdout.saturating_add(stderr) <= FEW_BYTES {
        return read();
    }
    tokio::task::spawn_blocking(read).await?
}

/// How many pieces of output there are on disk; 0: none, or it cannot be read.
async fn chunks_on_disk(place: PathBuf) -> u64 {
    let count = move || Ok::<_, std::io::Error>(Spool::open(&place)?.reached()?.chunks);
    tokio::task::spawn_blocking(count).await.ok().and_then(Result::ok).unwrap_or(0)
}

/// Removes the directory of a run with all that is in it.
pub(crate) async fn remove(place: PathBuf) -> std::io::Result<()> {
    tokio::task::spawn_blocking(move || remove_place(&place)).await?
}
