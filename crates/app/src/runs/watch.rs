//! Whether somebody may go on watching a run: the right is looked up again while they do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{RunId, RunState};

use super::RunView;
use crate::App;
use crate::sessions::SessionEnd;

/// How often the right is looked up again.
const CHECK_EVERY: Duration = Duration::from_secs(8);
/// How often a new position in the queue is told at most.
const MOVES_EVERY: Duration = Duration::from_millis(250);

/// The right of one watcher.
pub struct Watch {
    app: Arc<App>,
    caller: Caller,
    /// The run.
    pub id: RunId,
    next_check: Instant,
    ends: broadcast::Receiver<SessionEnd>,
    moves: watch::Receiver<u64>,
    position: Option<usize>,
    next_move: Instant,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Watch").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Watch {
    /// For somebody whose right has just been looked up.
    pub fn new(app: Arc<App>, caller: Caller, id: RunId) -> Self {
        let now = Instant::now();
        let mut moves = app.runs.moves();
        moves.mark_unchanged();
        Self {
            ends: app.session_ends.subscribe(),
            app,
            caller,
            id,
            next_check: now + CHECK_EVERY,
            moves,
            position: None,
            next_move: now,
        }
    }

    /// The run as the watcher sees it.
    pub async fn view(&self) -> Option<RunView> {
        self.app.run(&self.caller, self.id).await.ok()
    }

    /// Whether the watcher may go on: asked before every batch.
    pub async fn is_allowed(&mut self) -> bool {
        let mut is_due = Instant::now() >= self.next_check;
        loop {
            match self.ends.try_recv() {
                Ok(end) if end.concerns(&self.caller) => return false,
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Lagged(_)) => is_due = true,
                Err(_) => break,
            }
        }
        if !is_due {
            return true;
        }
        let caller = match self.app.caller_still(&self.caller).await {
            Ok(Some(caller)) => caller,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, "the right to watch a run could not be looked up");
                return false;
            }
        };
        self.caller = caller;
        self.next_check = Instant::now() + CHECK_EVERY;
        self.app.see(&self.caller, self.id).await.is_ok()
    }

    /// Whether a waiting run has another position than when this was asked last.
    pub fn has_moved(&mut self) -> bool {
        let Some(run) = self.app.runs.get(self.id) else { return false };
        if run.state() != RunState::Queued {
            return false;
        }
        let position = self.app.runs.position(run.owner, run.id);
        let has_moved = self.position.is_some() && self.position != position;
        self.position = position;
        has_moved
    }

    /// Waits until the right has to be looked up, or a waiting run may have moved.
    pub async fn something(&mut self) {
        let is_queued =
            self.app.runs.get(self.id).is_some_and(|run| run.state() == RunState::Queued);
        let next_move = self.next_move;
        let moves = &mut self.moves;
        let other_position = async {
            if !is_queued {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep_until(next_move).await;
            // The sender lives as long as the application.
            let _ = moves.changed().await;
        };
        tokio::select! {
            () = other_position => self.next_move = Instant::now() + MOVES_EVERY,
            () = tokio::time::sleep_until(self.next_check) => {}
            end = self.ends.recv() => {
                let concerns = end.map_or(true, |end| end.concerns(&self.caller));
                if concerns {
                    self.next_check = Instant::now();
                }
            }
        }
    }
}
