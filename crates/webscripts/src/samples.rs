//! The sample scripts that a new instance starts with: scripts, configuration, documentation.
//!
//! The files live in `samples/` and are part of the program, so that nothing else has to be
//! installed. `samples/README.md` lists them with example values.

/// A file of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Where it belongs, relative to the directory of the instance, such as `scripts/subnet.py`.
    pub path: &'static str,
    /// What it holds.
    pub contents: &'static [u8],
    /// Its permissions: what the file-permission guard asks for (security.md §10).
    pub mode: u32,
}

/// A script that its launcher reads, or a configuration file.
macro_rules! readable {
    ($path:literal) => {
        Sample { path: $path, contents: include_bytes!(concat!("../samples/", $path)), mode: 0o400 }
    };
}

/// A script that is executed directly.
macro_rules! executable {
    ($path:literal) => {
        Sample { path: $path, contents: include_bytes!(concat!("../samples/", $path)), mode: 0o500 }
    };
}

/// A page of documentation; all pages begin alike.
macro_rules! page {
    ($path:literal) => {
        Sample {
            path: $path,
            contents: concat!(
                include_str!("../samples/doc/page-start.html"),
                include_str!(concat!("../samples/", $path))
            )
            .as_bytes(),
            mode: 0o400,
        }
    };
}

/// All files of the samples. Their directories are `config/scripts`, `scripts` and `doc`.
pub const SAMPLES: &[Sample] = &[
    readable!("config/scripts/security.json"),
    readable!("config/scripts/operations.json"),
    readable!("config/scripts/checks.ini"),
    readable!("config/scripts/office.json"),
    readable!("config/scripts/examples.json"),
    readable!("scripts/hash_file.py"),
    page!("doc/hash_file.html"),
    readable!("scripts/extract_indicators.py"),
    page!("doc/extract_indicators.html"),
    readable!("scripts/rotate_keys.pl"),
    page!("doc/rotate_keys.html"),
    readable!("scripts/subnet.py"),
    page!("doc/subnet.html"),
    readable!("scripts/log_summary.pl"),
    page!("doc/log_summary.html"),
    readable!("scripts/system_report.sh"),
    page!("doc/system_report.html"),
    readable!("scripts/system_facts.py"),
    page!("doc/system_facts.html"),
    executable!("scripts/disk_usage.sh"),
    page!("doc/disk_usage.html"),
    readable!("scripts/backup_check.sh"),
    page!("doc/backup_check.html"),
    readable!("scripts/wait_for_service.sh"),
    page!("doc/wait_for_service.html"),
    readable!("scripts/new_password.pl"),
    page!("doc/new_password.html"),
    readable!("scripts/notify.py"),
    page!("doc/notify.html"),
    readable!("scripts/slow_job.py"),
    page!("doc/slow_job.html"),
    readable!("scripts/all_controls.py"),
    page!("doc/all_controls.html"),
];
