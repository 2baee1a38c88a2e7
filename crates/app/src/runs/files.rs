//! Files that a run left in its directory.

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::RunId;

use super::RunAccessError;
use crate::App;

/// A file that a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Its name: one path component, valid UTF-8, no control characters.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written to.
    pub modified: Timestamp,
}

/// A result file to be read.
#[derive(Debug)]
pub struct OpenResultFile {
    /// What is known of it.
    pub about: ResultFile,
    /// Open for reading, at its beginning; a regular file.
    pub file: std::fs::File,
}

impl App {
    /// The files a run left, in the order of their names. Empty until the run is over.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn result_files(
        &self,
        _caller: &Caller,
        _id: RunId,
    ) -> Result<Vec<ResultFile>, RunAccessError> {
        Err(RunAccessError::NotFound)
    }

    /// Opens one of them.
    ///
    /// # Errors
    ///
    /// When there is no such run or file for the caller.
    pub async fn open_result_file(
        &self,
        _caller: &Caller,
        _id: RunId,
        _name: &str,
    ) -> Result<OpenResultFile, RunAccessError> {
        Err(RunAccessError::NotFound)
    }
}
