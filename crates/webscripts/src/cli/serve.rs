//! `webscripts [serve]`: the start of the server, from top to bottom.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use webscripts_config::Loaded;
use webscripts_engine::runs::Runner;

use super::ServeOptions;
use crate::{compose, lifecycle, listen, logs};

/// How long open requests may take to end after a signal, besides the time that runs get.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the server and runs it until it is told to stop.
///
/// # Errors
///
/// Everything that speaks against a start.
pub fn run(options: &ServeOptions) -> anyhow::Result<ExitCode> {
    let loaded = compose::load(&options.sources()?)?;
    let log = logs::start(&loaded.settings.logs);
    for warning in &loaded.warnings {
        tracing::warn!(target: "webscripts::configuration", "{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot be started")?;
    let result = runtime.block_on(serve(loaded, options.test_running));
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(log);
    result
}

async fn serve(loaded: Loaded, only_test: bool) -> anyhow::Result<ExitCode> {
    listen::refuse_public_without_tls(&loaded.settings.listen)?;
    let listen_settings = loaded.settings.listen.clone();
    let listener = listen::bind(&listen_settings)?;
    let tls = crate::tls::acceptor(&listen_settings)?;
    let stop = lifecycle::stop_on_signal()?;
    if only_test {
        let server = compose::application(loaded, Arc::new(compose::NoRunner)).await?;
        compose::advise_on_accounts(&server).await;
        server.app.shut_down(PATIENCE).await;
        return Ok(ExitCode::SUCCESS);
    }
    let limits = &loaded.settings.runs;
    let patience = limits.shutdown_wait + limits.stop_grace + PATIENCE;
    let runner = compose::local_runner(&loaded.settings)?;
    let server = compose::application(loaded, Arc::clone(&runner) as Arc<dyn Runner>).await?;
    compose::advise_on_accounts(&server).await;
    server.app.recover_runs().await.context("the runs of the time before cannot be found")?;
    let address = listener.local_addr().context("the listening address is not known")?;
    announce(tls.is_some(), address);
    let service = webscripts_web::service(Arc::clone(&server.app), stop.clone());
    let end_runs = async {
        stop.cancelled().await;
        server.app.end_runs().await;
    };
    // Requests that wait for a run are answered when it has ended.
    let accept = listen::accept(listener, tls, service, &listen_settings, stop.clone(), patience);
    tokio::join!(accept, end_runs);
    runner.shutdown(PATIENCE).await;
    server.app.shut_down(PATIENCE).await;
    tracing::info!(name: "server.stopped", target: "webscripts::server", "the server has stopped");
    Ok(ExitCode::SUCCESS)
}

/// The one line of standard output: whoever started the server waits for it.
#[expect(clippy::print_stdout, reason = "the address is what the reader waits for")]
fn announce(encrypted: bool, address: std::net::SocketAddr) {
    use std::io::Write as _;

    let scheme = if encrypted { "https" } else { "http" };
    println!("WebScripts listens on {scheme}://{address}/");
    if let Err(error) = std::io::stdout().flush() {
        tracing::warn!(%error, "the address could not be printed");
    }
    tracing::info!(
        name: "server.started",
        target: "webscripts::server",
        { %address, version = env!("CARGO_PKG_VERSION") },
        "the server listens",
    );
}
