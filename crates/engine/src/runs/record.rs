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

/// What a restarted server needs; locked by the supervisor while it keeps the run.
pub(super) const START_FILE: &str = "start.json";
/// How the run ended.
pub(super) const END_FILE: &str = "end.json";
/// The directory for files that the run leaves (`WEBSCRIPTS_RUN_DIR`).
pub(super) const FILES: &str = "files";
/// The directory for temporary files of the run (`TMPDIR`).
pub(super) const TEMPORARY: &str = "tmp";
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
        read_json(&place.join(START_FILE))
    }

    /// Whether this is the token that the supervisor was given.
    pub(super) fn is_token(&self, token: &[u8; 32]) -> bool {
        self.token_sha256.ct_eq(&Sha256::digest(token)).into()
    }
}

/// How a run ended; `None` if that is not known.
pub(super) fn read_end(place: &Path) -> Option<Ended> {
    read_json(&place.join(END_FILE)).ok()
}

/// The supervisor that keeps a run, if one does.
pub(super) fn keeper(place: &Path) -> Option<Pid> {
    let file = File::options().read(true).write(true).open(place.join(START_FILE)).ok()?;
    let lock = Flock::from(FlockType::WriteLock);
    fcntl_getlk(&file, &lock).ok()??.pid
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut text = Vec::new();
    File::open(path)?.take(LONGEST_RECORD).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
