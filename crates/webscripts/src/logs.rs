//! Events to standard error, written by a thread of their own, so that a full pipe never stops a
//! request.

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use webscripts_config::settings::LogSettings;

/// Starts logging. What has not been written when the guard is dropped is written then.
pub fn start(settings: &LogSettings) -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let ours = level(settings.level);
    let filter =
        Targets::new().with_target("webscripts", ours).with_default(ours.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    // A second start in one process keeps the first log: only tests do that.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    guard
}

/// The levels of the reference (configuration.md §9). 0 is its default and means "everything that
/// matters": what it calls debug and trace has to be asked for.
fn level(number: u8) -> LevelFilter {
    match number {
        0 | 20..=29 => LevelFilter::INFO,
        1..=9 => LevelFilter::TRACE,
        10..=19 => LevelFilter::DEBUG,
        30..=39 => LevelFilter::WARN,
        _ => LevelFilter::ERROR,
    }
}
