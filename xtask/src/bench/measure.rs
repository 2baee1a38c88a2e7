//! The measurements, in the order of the goals.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;

use super::figures::{Comparison, Figure, Figures, Spread, Target};
use super::instance::{ASSET_BYTES, Instance, MORE_SCRIPTS, Server};
use super::load::{Load, Plan, WatchPlan};
use super::machine::{Machine, commit, today};
use super::nginx::Nginx;
use super::options::Pace;
use super::programs::Programs;
use super::progress;
use super::running::Running;
use super::side::{Measure, Side, Title, compare};

/// Scripts of the instance that answers P1 to P7.
const SCRIPTS: usize = 50 - MORE_SCRIPTS;
/// Scripts of the instance whose start is timed beside the shipped one.
const MANY_SCRIPTS: usize = 1_000;
/// Bytes that `flood` prints in P5.
const FLOOD_BYTES: u64 = 1_300_000;
/// Bytes that one script prints for the peak of P7.
const BIG_FLOOD_BYTES: u64 = 10_000_000_000;
/// How long the limit may take until it listens.
const LONGEST_START: Duration = Duration::from_secs(10);

/// Measures everything.
pub fn all(root: &Path, programs: &Programs, pace: Pace) -> anyhow::Result<Figures> {
    let machine = Machine::look();
    let (scripts_listed, comparisons, mut values, notes) = under_load(programs, pace)?;
    values.extend(starts(programs, pace)?);
    Ok(Figures {
        date: today(),
        commit: commit(root),
        machine,
        rounds: pace.rounds,
        seconds_per_point: pace.duration.as_secs_f64(),
        scripts_listed,
        comparisons,
        values,
        notes,
    })
}

type UnderLoad = (usize, Vec<Comparison>, Vec<Figure>, Vec<String>);

/// P1, P2, P3, P5 and P7: the server and the limit listen side by side.
fn under_load(programs: &Programs, pace: Pace) -> anyhow::Result<UnderLoad> {
    progress("making an instance");
    let load = Load { program: programs.load.clone() };
    let instance = Instance::with_scripts(programs, SCRIPTS)?;
    let log = instance.directory().with_file_name("limit.log");
    let limit = Running::start("the limit", Command::new(&programs.limit), log)?;
    let (_, rest) = limit.ready("Limit listens on http://", LONGEST_START)?;
    let limit_address = rest.trim_end_matches('/').to_owned();

    let server = instance.start()?;
    let token = instance.sign_in(&server, &load)?;
    let bench = Bench { load: &load, server, token, limit, limit_address, pace };
    let scripts_listed = bench.scripts_listed()?;
    let mut comparisons = Vec::new();
    for connections in [8, 32] {
        comparisons.push(bench.runs(connections)?);
    }
    comparisons.push(bench.listing()?);
    let mut notes = Vec::new();
    bench.assets(&mut comparisons, &mut notes)?;
    comparisons.push(bench.long_output()?);
    for preset in ["default", "strict"] {
        comparisons.push(bench.sandbox(preset)?);
    }
    let mut values = bench.lines()?;
    bench.server.process.stop()?;
    values.extend(memory(&instance, &load)?);
    Ok((scripts_listed, comparisons, values, notes))
}

struct Bench<'a> {
    load: &'a Load,
    server: Server,
    token: String,
    limit: Running,
    limit_address: String,
    pace: Pace,
}

impl Bench<'_> {
    fn server_side(&self, plan: Plan) -> Side<'_> {
        Side { process: &self.server.process, plan }
    }

    fn limit_side(&self, plan: Plan) -> Side<'_> {
        Side { process: &self.limit, plan }
    }

    fn repeated(&self, plan: Plan, connections: usize) -> Plan {
        plan.repeated(connections, self.pace.warm_up, self.pace.duration)
    }

    fn compare(
        &self,
        title: Title,
        server: &Side<'_>,
        other: &Side<'_>,
    ) -> anyhow::Result<Comparison> {
        progress(&format!("{}: {}, against {}", title.goal, title.work, title.against));
        compare(self.load, title, server, other, self.pace.rounds)
    }

    /// How many scripts `GET /api/` lists; the entry of the sign-in is none.
    fn scripts_listed(&self) -> anyhow::Result<usize> {
        let plan = signed_in(Plan::once(&self.server.address, "GET", "/api/"), &self.token);
        let answer = self.load.ask(&plan)?;
        ensure!(answer.status == 200, "GET /api/ answered {}", answer.status);
        let scripts: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&answer.body).context("GET /api/ is no JSON object")?;
        Ok(scripts.keys().filter(|name| name.as_str() != "/auth/").count())
    }

    fn runs(&self, connections: usize) -> anyhow::Result<Comparison> {
        let title = Title {
            goal: "P1",
            work: format!("run a tiny program, {connections} connections"),
            against: "limit",
            measure: Measure::Rate,
            target: Some(Target::AtLeast(0.7)),
        };
        let expect = "The tiny program ran.".to_owned();
        let server = run_of(&self.server, &self.token, "tiny", None);
        let server = Plan { expect: expect.clone(), ..self.repeated(server, connections) };
        let limit =
            Plan { body: server.body.clone(), ..Plan::once(&self.limit_address, "POST", "/run") };
        let limit = Plan { expect, ..self.repeated(limit, connections) };
        self.compare(title, &self.server_side(server), &self.limit_side(limit))
    }

    fn listing(&self) -> anyhow::Result<Comparison> {
        let title = Title {
            goal: "P2",
            work: "list the scripts, signed in, 8 connections".to_owned(),
            against: "limit",
            measure: Measure::Rate,
            target: Some(Target::AtLeast(0.5)),
        };
        let server = signed_in(Plan::once(&self.server.address, "GET", "/api/"), &self.token);
        let server = Plan { expect: "\"tiny\"".to_owned(), ..self.repeated(server, 8) };
        let limit = self.repeated(Plan::once(&self.limit_address, "GET", "/hello"), 8);
        self.compare(title, &self.server_side(server), &self.limit_side(limit))
    }

    fn assets(&self, found: &mut Vec<Comparison>, notes: &mut Vec<String>) -> anyhow::Result<()> {
        let title = |against, target| Title {
            goal: "P3",
            work: "static file of 16 KiB, 8 connections".to_owned(),
            against,
            measure: Measure::Rate,
            target,
        };
        let plan = |address: &str, path| Plan {
            least_bytes: ASSET_BYTES as u64,
            ..self.repeated(Plan::once(address, "GET", path), 8)
        };
        let server = self.server_side(plan(&self.server.address, "/static/bench.css"));
        let limit = self.limit_side(plan(&self.limit_address, "/static16k"));
        found.push(self.compare(title("limit", None), &server, &limit)?);
        let Some(nginx) = Nginx::start()? else {
            notes.push("P3 against nginx: nginx is not installed on this machine.".to_owned());
            return Ok(());
        };
        let other = Side { process: &nginx.process, plan: plan(&nginx.address, "/bench.css") };
        let title = title("nginx", Some(Target::AtLeast(1.0)));
        let mut comparison = self.compare(title, &server, &other)?;
        // The workers of nginx are waited for only at its end.
        comparison.other_processor_us = None;
        found.push(comparison);
        Ok(())
    }

    fn long_output(&self) -> anyhow::Result<Comparison> {
        let title = Title {
            goal: "P5",
            work: "run printing 1.3 MB, one at a time".to_owned(),
            against: "limit",
            measure: Measure::Latency,
            target: None,
        };
        let server = flood(&self.server, &self.token, None);
        let server = Plan { requests: self.pace.single_requests, ..server };
        let limit = Plan {
            address: self.limit_address.clone(),
            path: "/flood".to_owned(),
            headers: Vec::new(),
            ..server.clone()
        };
        self.compare(title, &self.server_side(server), &self.limit_side(limit))
    }
}

impl Bench<'_> {
    /// P11: the same program with and without a sandbox, on the same server.
    fn sandbox(&self, preset: &'static str) -> anyhow::Result<Comparison> {
        let title = Title {
            goal: "P11",
            work: format!("run a tiny program in the sandbox `{preset}`, 8 connections"),
            against: "sandbox `none`",
            measure: Measure::Rate,
            target: Some(Target::AtLeast(0.75)),
        };
        let script = if preset == "default" { "tiny" } else { "tiny-strict" };
        let side = |script: &str| {
            let plan = self.repeated(run_of(&self.server, &self.token, script, None), 8);
            self.server_side(Plan { expect: "The tiny program ran.".to_owned(), ..plan })
        };
        self.compare(title, &side(script), &side("tiny-none"))
    }

    /// P4: from the moment a script prints a line until it is in the client.
    fn lines(&self) -> anyhow::Result<Vec<Figure>> {
        let mut values = Vec::new();
        for (watchers, median, most) in [(1, Some(1.0), 5.0), (1_000, None, 50.0)] {
            progress(&format!("P4: lines to {watchers} watchers"));
            let (lines, pause) = if watchers == 1 { (500, 5) } else { (100, 100) };
            let report = self.load.watch(&WatchPlan {
                start: started(&self.server, &self.token, lines, pause),
                watchers,
                lines,
                idle_ms: 0,
            })?;
            let seen = u64::try_from(watchers * lines)?;
            ensure!(report.lines == seen, "watchers saw {} of {seen} lines", report.lines);
            ensure!(report.counted >= seen / 4, "watchers connected when most lines were printed");
            let value = |what: &str, microseconds: u32, target: Option<Target>| {
                let milliseconds = f64::from(microseconds) / 1000.0;
                Figure {
                    goal: "P4",
                    what: format!(
                        "{what} of a line until it is in the client, {watchers} watchers"
                    ),
                    unit: "ms",
                    value: Spread::single(milliseconds),
                    target,
                    met: target.map(|target| target.is_met_by(milliseconds)),
                }
            };
            values.push(value("median", report.median_us, median.map(Target::AtMost)));
            values.push(value("99th percentile", report.p99_us, Some(Target::AtMost(most))));
        }
        Ok(values)
    }
}

/// Starts `ticker` and answers with the number of the run.
fn started(server: &Server, token: &str, lines: usize, pause_ms: u64) -> Plan {
    let body = json!({"script": "ticker", "answer": "id", "arguments": {
        "lines": {"value": lines}, "pause": {"value": pause_ms},
    }});
    let plan = server.posted(Plan::once(&server.address, "POST", "/api/runs/"));
    signed_in(Plan { body: body.to_string(), ..plan }, token)
}

/// P7: a server that did nothing yet, then worked, then runs a script that does not stop printing.
fn memory(instance: &Instance, load: &Load) -> anyhow::Result<Vec<Figure>> {
    progress("P7: memory");
    let server = instance.start()?;
    let process = &server.process;
    let value = |what: &str, mebibytes: f64, target: Option<Target>| Figure {
        goal: "P7",
        what: what.to_owned(),
        unit: "MiB",
        value: Spread::single(mebibytes),
        target,
        met: target.map(|target| target.is_met_by(mebibytes)),
    };
    let idle = process.memory_mib("VmRSS")?;
    let token = instance.sign_in(&server, load)?;
    let signed_in = process.memory_mib("VmRSS")?;
    load.run(&Plan { requests: 100, ..flood(&server, &token, None) })?;
    let worked = process.memory_mib("VmRSS")?;

    process.forget_peak()?;
    let before = process.memory_mib("VmRSS")?;
    let report = load.run(&flood(&server, &token, Some(BIG_FLOOD_BYTES)))?;
    let peak = process.memory_mib("VmHWM")?;
    server.process.stop()?;

    #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than 2^52")]
    let answered = report.body_bytes as f64 / 1024.0 / 1024.0;
    let mut values = vec![
        value("resident, idle after the start", idle, Some(Target::AtMost(15.0))),
        value("resident, after one sign-in", signed_in, None),
        value("resident, after 100 runs of 1.3 MB", worked, None),
        value("answered of a run printing 10 GB", answered, None),
    ];
    // An answer with everything in it is as large as the output: that peak says nothing.
    if report.body_bytes < BIG_FLOOD_BYTES {
        let growth = Some(Target::AtMost(32.0));
        values.push(value("peak while a script prints 10 GB", peak, None));
        values.push(value("that peak above the level before", peak - before, growth));
    }
    Ok(values)
}

/// P8: starts with the shipped configuration and with many scripts.
fn starts(programs: &Programs, pace: Pace) -> anyhow::Result<Vec<Figure>> {
    progress("P8: starts");
    let shipped = Instance::shipped(programs)?;
    let many = Instance::with_scripts(programs, MANY_SCRIPTS)?;
    let named = [
        ("shipped configuration".to_owned(), shipped, 50.0),
        (format!("{MANY_SCRIPTS} scripts"), many, 200.0),
    ];
    let mut values = Vec::new();
    for (what, instance, most) in named {
        // The first start may still fill caches and the database.
        instance.start()?.process.stop()?;
        let mut milliseconds = Vec::with_capacity(pace.starts);
        for _ in 0..pace.starts {
            let server = instance.start()?;
            milliseconds.push(server.took.as_secs_f64() * 1000.0);
            server.process.stop()?;
        }
        let value = Spread::of(milliseconds).context("there were no starts")?;
        let target = Target::AtMost(most);
        values.push(Figure {
            goal: "P8",
            what: format!("start until listening, {what}"),
            unit: "ms",
            value,
            target: Some(target),
            met: Some(target.is_met_by(value.median)),
        });
    }
    Ok(values)
}

fn signed_in(plan: Plan, token: &str) -> Plan {
    let mut plan = plan;
    plan.headers.push(("api-token".to_owned(), token.to_owned()));
    plan
}

/// One run of a script, with its argument `bytes` when it has one.
fn run_of(server: &Server, token: &str, script: &str, bytes: Option<u64>) -> Plan {
    let arguments = match bytes {
        Some(bytes) => json!({"bytes": {"value": bytes.to_string(), "input": false}}),
        None => json!({}),
    };
    let plan = Plan {
        body: json!({"arguments": arguments}).to_string(),
        ..Plan::once(&server.address, "POST", &format!("/api/scripts/{script}"))
    };
    signed_in(server.posted(plan), token)
}

/// One run of `flood`; the answer has at least what it prints, unless the server cuts it.
fn flood(server: &Server, token: &str, bytes: Option<u64>) -> Plan {
    let least_bytes = if bytes.is_none() { FLOOD_BYTES } else { 0 };
    Plan { least_bytes, ..run_of(server, token, "flood", bytes) }
}
