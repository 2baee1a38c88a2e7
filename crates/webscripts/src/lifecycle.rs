//! Signals: the first asks the server to stop, the second ends it at once.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that SIGTERM and SIGINT cancel.
///
/// # Errors
///
/// When the signals cannot be watched.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let watch = |kind| signal(kind).context("signals cannot be watched");
    let terminate = watch(SignalKind::terminate())?;
    let interrupt = watch(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    watch_signals(terminate, interrupt, stop.clone());
    Ok(stop)
}

#[expect(clippy::disallowed_methods, reason = "this task ends with the process")]
fn watch_signals(mut terminate: Signal, mut interrupt: Signal, stop: CancellationToken) {
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked {
                std::process::exit(1);
            }
            asked = true;
            tracing::info!(
                name: "server.stopping",
                target: "webscripts::server",
                "the server stops; a second signal ends it at once"
            );
            stop.cancel();
        }
    });
}
