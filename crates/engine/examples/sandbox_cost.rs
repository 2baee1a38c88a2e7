//! What a sandbox costs each run: making it ready, and putting it on.
//!
//! `cargo run --release -p webscripts-engine --example sandbox_cost [DIRECTORY]`: medians over
//! many runs in an instance of the usual shape below the directory (default: the temporary one).

#![expect(
    unsafe_code,
    clippy::print_stdout,
    reason = "it forks as the engine does, and its figures are for the terminal"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use webscripts_domain::sandbox::{Network, Preset, Protected, Resources, Sandbox};
use webscripts_engine::cgroup::Covered;
use webscripts_engine::sandbox::{Cache, Prepared, Request};

const RUNS: usize = 2000;
const SCRIPTS: usize = 50;

fn main() -> Result<()> {
    let root = match std::env::args_os().nth(1) {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let protected = instance(root.path())?;
    println!(
        "median in µs: preparing the first run, one of another script, one of the same script;"
    );
    println!("putting it on");
    for (name, preset, network) in [
        ("none", Preset::None, None),
        ("none, no network", Preset::None, Some(Network::None)),
        ("default", Preset::Default, None),
        ("default, ports", Preset::Default, Some(Network::Ports(vec![80, 443]))),
        ("strict", Preset::Strict, None),
    ] {
        let sandbox = Sandbox { preset, network, ..Sandbox::default() };
        measure(name, root.path(), &sandbox, &protected)?;
    }
    Ok(())
}

fn instance(root: &Path) -> Result<Protected> {
    for directory in
        ["config", "logs", "doc", "static", "scripts", "data/own/files", "data/own/tmp"]
    {
        std::fs::create_dir_all(root.join(directory))?;
    }
    let scripts: Vec<PathBuf> =
        (0..SCRIPTS).map(|each| root.join(format!("scripts/{each}.sh"))).collect();
    for script in &scripts {
        std::fs::write(script, "#!/bin/sh\n")?;
    }
    Ok(Protected {
        server: ["config", "data", "logs"].map(|name| root.join(name)).to_vec(),
        scripts,
    })
}

fn measure(name: &str, root: &Path, sandbox: &Sandbox, protected: &Protected) -> Result<()> {
    let scripts = [File::open(root.join("scripts/0.sh"))?, File::open(root.join("scripts/1.sh"))?];
    let (files, tmp) = (root.join("data/own/files"), root.join("data/own/tmp"));
    let writable: [&Path; 2] = [&files, &tmp];
    let resources = Resources::default();
    let request = |script: usize| Request {
        sandbox,
        protected,
        resources: &resources,
        covered: Covered::default(),
        required: false,
        script: scripts.get(script).map(AsFd::as_fd),
        readable: &[],
        writable: &writable,
    };
    let mut cache = Cache::new();
    let [mut first, mut other, mut same, mut put_on] = <[Vec<Duration>; 4]>::default();
    for run in 0..RUNS {
        let mut timed = |script, times: &mut Vec<Duration>| {
            let begun = Instant::now();
            let prepared = cache.prepare(&request(script));
            times.push(begun.elapsed());
            prepared
        };
        if run == 0 {
            timed(1, &mut first)?;
        }
        timed(0, &mut other)?;
        let prepared = timed(0, &mut same)?;
        timed(1, &mut other)?;
        put_on.push(putting_on(&prepared)?);
    }
    let [first, other, same, put_on] =
        [first, other, same, put_on].map(|times| median(times).as_secs_f64() * 1e6);
    println!("{name:<17} {first:>9.0} {other:>9.0} {same:>9.0} {put_on:>9.0}");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The time that a child takes to put it on.
fn putting_on(prepared: &Prepared) -> Result<Duration> {
    let (mut reader, mut writer) = std::io::pipe()?;
    // SAFETY: this process has one thread, and the child makes system calls only.
    let pid = unsafe { libc::fork() };
    ensure!(pid >= 0, "no process");
    if pid == 0 {
        let begun = Instant::now();
        let result = prepared.apply();
        let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let _ = writer.write_all(&nanoseconds.to_le_bytes());
        // SAFETY: ends the child without the ends of its parent.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    let mut status = 0;
    // SAFETY: the kernel writes one number.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    ensure!(status == 0, "it could not be put on");
    Ok(Duration::from_nanos(u64::from_le_bytes(bytes)))
}
