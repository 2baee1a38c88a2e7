//! `cargo xtask bench`: how fast the server is, as ratios to what the machine could do at best.
//!
//! One run on one machine measures the server and the limit (crates/bench) in turn, with the same
//! load generator, so that the state of the machine cancels out. Everything stays on the loopback
//! interface, is bounded in count and time, and ends with the command.

mod bounded;
mod figures;
mod instance;
mod load;
mod machine;
mod measure;
mod nginx;
mod options;
mod programs;
pub mod running;
mod side;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;

use figures::Figures;
use options::Options;

pub use instance::Instance;
pub use load::{Load, SoakPlan};
pub use programs::Programs;

/// Runs the command with the words that follow `bench`.
///
/// Fails when an answer was not what the work asks for: such figures say nothing. A missed goal is
/// no failure; the table shows it.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let root = root()?;
    let programs = Programs::build(&root, options.server.as_deref())?;
    let figures = measure::all(&root, &programs, options.pace())?;
    print!("{}", table::plain(&figures));
    if let Some(path) = &options.json {
        write_json(path, &figures)?;
    }
    if options.write {
        table::write_section(&root.join("docs/performance.md"), &figures)?;
    }
    Ok(())
}

/// The directory of the workspace.
pub fn root() -> anyhow::Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(directory.context("the workspace has no directory")?.to_path_buf())
}

fn write_json(path: &Path, figures: &Figures) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(figures).context("the figures are not JSON")?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Says what is measured now; the whole command takes minutes.
fn progress(text: &str) {
    eprintln!("bench: {text}");
}
