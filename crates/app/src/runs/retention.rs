//! Removes old runs and old output, a little at a time and never on the path of a request.

use std::path::PathBuf;
use std::sync::Weak;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use webscripts_domain::clock::SignedDuration;
use webscripts_domain::run::RunId;
use webscripts_store::StoreError;

use super::history::remove;
use crate::{App, events};

/// How often it is looked for what can be removed.
const EVERY: Duration = Duration::from_mins(1);
/// Runs that are removed before others get their turn at the database.
const AT_A_TIME: u32 = 100;
/// Most runs that are removed in one go.
const MOST: usize = 10_000;

/// Removes what is too old or too much until the server stops.
pub(crate) async fn run(app: Weak<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let Some(app) = app.upgrade() else { return };
        let removed = tokio::select! {
            () = stop.cancelled() => return,
            removed = app.remove_old_runs() => removed,
        };
        if let Err(error) = removed {
            tracing::warn!(%error, "old runs could not be removed");
        }
    }
}

impl App {
    /// Removes runs that are older than `runs_keep_days`, then the oldest output until no more than
    /// `runs_keep_bytes` are left. Answers how many runs and how many outputs it removed.
    ///
    /// # Errors
    ///
    /// When saved state fails.
    pub async fn remove_old_runs(&self) -> Result<(usize, usize), StoreError> {
        let deleted = self.delete_expired().await?;
        let emptied = self.make_room().await?;
        self.stores.runs.sweep_keys(self.now(), AT_A_TIME * 10).await?;
        if deleted + emptied > 0 {
            events::runs_removed(deleted, emptied);
        }
        Ok((deleted, emptied))
    }

    async fn delete_expired(&self) -> Result<usize, StoreError> {
        let days = i64::from(self.configuration().settings.runs.keep_days);
        let age = SignedDuration::from_hours(days.saturating_mul(24));
        let now = self.now();
        let before = now.saturating_sub(age).unwrap_or(now);
        let mut deleted = 0;
        while deleted < MOST {
            let ids = self.stores.runs.expired(before, AT_A_TIME).await?;
            let gone = self.remove_all(&ids).await;
            if gone.is_empty() {
                break;
            }
            self.stores.runs.delete(&gone).await?;
            deleted += gone.len();
        }
        Ok(deleted)
    }

    async fn make_room(&self) -> Result<usize, StoreError> {
        let most = self.configuration().settings.runs.keep_bytes;
        let mut emptied = 0;
        let mut total = self.stores.runs.total_output_bytes().await?;
        while total > most && emptied < MOST {
            let oldest = self.stores.runs.oldest_with_output(AT_A_TIME).await?;
            let mut chosen = Vec::new();
            for (id, bytes) in oldest {
                if total <= most {
                    break;
                }
                total = total.saturating_sub(bytes);
                chosen.push(id);
            }
            let gone = self.remove_all(&chosen).await;
            if gone.is_empty() {
                break;
            }
            self.stores.runs.mark_output_expired(&gone).await?;
            emptied += gone.len();
        }
        Ok(emptied)
    }

    /// Removes the directories of runs; answers of which ones nothing is left.
    async fn remove_all(&self, ids: &[RunId]) -> Vec<RunId> {
        let mut gone = Vec::with_capacity(ids.len());
        for id in ids {
            let place: PathBuf = self.place_of(*id);
            match remove(place).await {
                Ok(()) => gone.push(*id),
                Err(error) => {
                    tracing::warn!(%error, run.id = %id, "the directory of a run could not be removed");
                }
            }
        }
        gone
    }
}
