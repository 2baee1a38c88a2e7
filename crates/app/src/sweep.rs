//! Deletes what has expired, once a minute.

use std::sync::Weak;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use webscripts_domain::clock::SignedDuration;

use crate::App;

const EVERY: Duration = Duration::from_mins(1);
const ROWS_AT_A_TIME: u32 = 1000;

/// Sweeps until the server stops.
pub async fn run(app: Weak<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = app.sweep().await {
            tracing::warn!(error = %error, "expired entries could not be deleted");
        }
    }
}

impl App {
    async fn sweep(&self) -> Result<(), webscripts_store::StoreError> {
        let now = self.clock.now();
        self.live.forget_old(now);
        self.stores.sessions.sweep(now, ROWS_AT_A_TIME).await?;
        let time = self.configuration().blacklist_rule().map_or(SignedDuration::ZERO, |r| r.time);
        let before = now.saturating_sub(time).unwrap_or(now);
        self.stores.blacklist.sweep(before, ROWS_AT_A_TIME).await?;
        Ok(())
    }
}
