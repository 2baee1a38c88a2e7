//! The records in the directory of a run that outlive supervisors and servers.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::outcome::Ended;

/// Two lines of JSON: what a restarted server needs ([`Start`]), and at the end how the run ended
/// ([`Ended`]). Locked by the supervisor while it keeps the run.
pub(super) const RECORD_FILE: &str = "run.jsonl";
/// The directory for temporary files of the run (`TMPDIR`).
pub(super) const TEMPORARY: &str = "tmp";
/// The directory below that of all runs in which each supervisor has one of its own.
pub(super) const SCRATCH: &str = "scratch";
/// The variable by which processes of a run are recognised.
pub(super) const RUN_VARIABLE: &str = "WEBSCRIPTS_RUN_ID";
/// Longest record that is read.
const LONGEST_RECORD: u64 = 64 * 1024;

/// What a restarted server needs to know of a run. No secrets: only the digest of the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    supervisor: i32,
    script: i32,
    token_sha256: [u8; 32],
}

impl Start {
    /// The record of a run.
    pub(super) fn new(supervisor: Pid, script: Pid, token: &[u8; 32]) -> Self {
        Self {
            supervisor: supervisor.as_raw_nonzero().get(),
            script: script.as_raw_nonzero().get(),
            token_sha256: Sha256::digest(token).into(),
        }
    }

    /// Reads the record of a run.
    pub(super) fn read(place: &Path) -> io::Result<Self> {
        read_line(place, 0)
    }

    /// Whether this is the token that the supervisor was given.
    pub(super) fn is_token(&self, token: &[u8; 32]) -> bool {
        self.token_sha256.ct_eq(&Sha256::digest(token)).into()
    }
}

/// How a run ended; `None` if that is not known.
pub(super) fn read_end(place: &Path) -> Option<Ended> {
    read_line(place, 1).ok()
}

/// The supervisor that keeps a run, if one does.
pub(super) fn keeper(place: &Path) -> Option<Pid> {
    let file = File::options().read(true).write(true).open(place.join(RECORD_FILE)).ok()?;
    let lock = Flock::from(FlockType::WriteLock);
    fcntl_getlk(&file, &lock).ok()??.pid
}

/// A line that is not complete is none.
fn read_line<T: DeserializeOwned>(place: &Path, number: usize) -> io::Result<T> {
    let mut text = Vec::new();
    File::open(place.join(RECORD_FILE))?.take(LONGEST_RECORD).read_to_end(&mut text)?;
    let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let line = lines.into_iter().nth(number).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_slice(line)?)
}
