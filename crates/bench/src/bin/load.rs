//! The load generator as a program: reads a plan as JSON from standard input and prints the
//! report as JSON. `load ask` makes the request once and prints the answer instead, `load watch`
//! watches a run, `load soak` runs a mixture of scripts.

use std::io::{Read, Write};

use anyhow::{Context, bail};
use webscripts_bench::plan::Plan;
use webscripts_bench::soak::SoakPlan;
use webscripts_bench::watch::WatchPlan;
use webscripts_bench::{exchange, generator, soak, watch};

/// Bytes of a plan.
const LARGEST_PLAN: u64 = 1024 * 1024;

/// On one thread: the generator shares the processors with what it measures.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin()
        .take(LARGEST_PLAN)
        .read_to_string(&mut text)
        .context("cannot read the plan")?;
    let plan =
        || -> anyhow::Result<Plan> { serde_json::from_str(&text).context("the plan is not valid") };
    let result = match std::env::args().nth(1).as_deref() {
        None => serde_json::to_string(&generator::run(&plan()?).await?)?,
        Some("ask") => serde_json::to_string(&exchange::ask(&plan()?).await?)?,
        Some("watch") => {
            let plan: WatchPlan = serde_json::from_str(&text).context("the plan is not valid")?;
            serde_json::to_string(&watch::run(&plan).await?)?
        }
        Some("soak") => {
            let plan: SoakPlan = serde_json::from_str(&text).context("the plan is not valid")?;
            serde_json::to_string(&soak::run(&plan).await?)?
        }
        Some(word) => bail!("unknown word `{word}`; usage: load [ask | watch | soak] < PLAN"),
    };
    writeln!(std::io::stdout(), "{result}").context("cannot print the result")
}
