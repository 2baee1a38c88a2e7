//! What the server holds at one moment, and whether it grows.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::bench::running::{Running, children_of, proc, supervisors_of};

/// What the server and the processes that accompany its runs hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Resident memory of the server, MiB.
    pub server_mib: f64,
    /// Resident memory of all supervisors, MiB.
    pub supervisors_mib: f64,
    /// Open descriptors of the server and of the supervisors.
    pub descriptors: usize,
    /// Processes below the server.
    pub processes: usize,
    /// Temporary directories of runs, and files of the instance in the temporary directory.
    pub temporary: usize,
}

/// Memory that may come and go with the runs of the moment, MiB.
const MEMORY_SLACK: f64 = 12.0;
/// Descriptors, processes and temporary directories that may: those of the runs of the moment.
const COUNT_SLACK: usize = 48;

impl Sample {
    /// The names of the figures, as [`Sample`] prints them.
    pub const HEAD: &str = "  server MiB  supervisors MiB  descriptors  processes  temporary";

    /// Looks at a server.
    pub fn take(server: &Running, instance: &Path) -> anyhow::Result<Self> {
        let all_mib = server.memory_mib("VmRSS")?;
        let supervisors = supervisors_of(server.number());
        let server_mib = own_memory_mib(server.number())?;
        let watched = supervisors.iter().copied().chain([server.number()]);
        let descriptors = watched.map(|process| entries(&proc(process, "fd"))).sum();
        Ok(Self {
            server_mib,
            supervisors_mib: all_mib - server_mib,
            descriptors,
            processes: descendants_of(server.number()),
            temporary: temporary_directories(&instance.join("data/runs")),
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server_mib, supervisors_mib, descriptors, processes, temporary } = self;
        write!(
            out,
            "{server_mib:>12.1}  {supervisors_mib:>15.1}  {descriptors:>11}  {processes:>9}  {temporary:>9}"
        )
    }
}

/// A figure that is counted, and its name.
type Count = (&'static str, fn(&Sample) -> usize);

/// Fails when the last third of the samples holds more than the first third, beyond what runs of
/// the moment explain.
///
/// # Errors
///
/// What grew.
pub fn judge(samples: &[Sample]) -> anyhow::Result<()> {
    let third = samples.len() / 3;
    ensure!(third > 0, "there are too few samples to judge");
    let (first, last) = (samples.get(..third), samples.get(samples.len() - third..));
    let (first, last) = first.zip(last).context("the thirds of the samples")?;
    let memory = |part: &[Sample]| middle(part.iter().map(|s| s.server_mib + s.supervisors_mib));
    let (before, after) = (memory(first), memory(last));
    ensure!(after <= before + MEMORY_SLACK, "memory grew from {before:.1} to {after:.1} MiB");
    let counts: [Count; 3] = [
        ("descriptors", |sample| sample.descriptors),
        ("processes", |sample| sample.processes),
        ("temporary directories", |sample| sample.temporary),
    ];
    for (name, count) in counts {
        let most = |part: &[Sample]| part.iter().map(count).max().unwrap_or_default();
        let (before, after) = (most(first), most(last));
        ensure!(after <= before + COUNT_SLACK, "{name} grew from {before} to {after}");
    }
    Ok(())
}

/// Processes that belong to an instance: its server, its supervisors and its runs.
///
/// # Errors
///
/// When the list of processes cannot be read.
pub fn processes_of(instance: &Path) -> anyhow::Result<Vec<u32>> {
    let directory = instance.as_os_str().as_encoded_bytes();
    let entries = fs::read_dir("/proc").context("cannot list processes")?;
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let belongs = |number: &u32| {
        let environment = fs::read(proc(*number, "environ")).unwrap_or_default();
        environment.windows(directory.len()).any(|part| part == directory)
    };
    Ok(numbers.filter(belongs).collect())
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn own_memory_mib(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(proc(process, "status")).context("cannot read its status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: f64 = line
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
        .context("the status says no `VmRSS`")?;
    Ok(kibibytes / 1024.0)
}

fn descendants_of(process: u32) -> usize {
    let mut left = children_of(process);
    let mut seen = 0;
    while let Some(next) = left.pop() {
        seen += 1;
        left.extend(children_of(next));
    }
    seen
}

fn temporary_directories(runs: &Path) -> usize {
    let days = fs::read_dir(runs).into_iter().flatten().flatten();
    let places = days.flat_map(|day| fs::read_dir(day.path()).into_iter().flatten().flatten());
    places.filter(|place| place.path().join("tmp").is_dir()).count()
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(server_mib: f64, descriptors: usize) -> Sample {
        Sample { server_mib, supervisors_mib: 1.0, descriptors, processes: 9, temporary: 2 }
    }

    #[test]
    fn what_stays_level_passes() {
        assert!(judge(&[sample(40.0, 50), sample(45.0, 70), sample(41.0, 60)]).is_ok());
    }

    #[test]
    fn what_grows_is_named() {
        let grown = judge(&[sample(40.0, 50), sample(45.0, 70), sample(60.0, 60)]);
        assert_eq!(grown.unwrap_err().to_string(), "memory grew from 41.0 to 61.0 MiB");

        let grown = judge(&[sample(40.0, 50), sample(45.0, 70), sample(40.0, 99)]);
        assert_eq!(grown.unwrap_err().to_string(), "descriptors grew from 50 to 99");
    }
}
