//! Files that a run left in its directory.

use std::path::PathBuf;

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::RunId;

use super::RunAccessError;
use crate::App;

/// A file that a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it lies below the directory of the run: components joined with `/`, without control
    /// characters; see [`webscripts_engine::result_files`].
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
        caller: &Caller,
        id: RunId,
    ) -> Result<Vec<ResultFile>, RunAccessError> {
        let place = self.finished_place(caller, id).await?;
        let Some(place) = place else { return Ok(Vec::new()) };
        let list = move || webscripts_engine::result_files::list(&place);
        let found = tokio::task::spawn_blocking(list)
            .await
            .map_err(|lost| RunAccessError::Output(lost.into()))?
            .map_err(RunAccessError::Output)?;
        Ok(found.files.into_iter().map(ResultFile::from).collect())
    }

    /// Opens one of them.
    ///
    /// # Errors
    ///
    /// When there is no such run or file for the caller.
    pub async fn open_result_file(
        &self,
        caller: &Caller,
        id: RunId,
        name: &str,
    ) -> Result<OpenResultFile, RunAccessError> {
        let place = self.finished_place(caller, id).await?.ok_or(RunAccessError::NotFound)?;
        let name = name.to_owned();
        let open = move || webscripts_engine::result_files::open(&place, &name);
        let opened = tokio::task::spawn_blocking(open)
            .await
            .map_err(|lost| RunAccessError::Output(lost.into()))?
            .map_err(RunAccessError::Output)?;
        let opened = opened.ok_or(RunAccessError::NotFound)?;
        Ok(OpenResultFile { about: opened.about.into(), file: opened.file })
    }

    /// The directory of a run that is over, for somebody who may see it.
    async fn finished_place(
        &self,
        caller: &Caller,
        id: RunId,
    ) -> Result<Option<PathBuf>, RunAccessError> {
        let seen = self.see(caller, id).await?;
        Ok(seen.record.state.is_over().then(|| self.place_of(id)))
    }
}

impl From<webscripts_engine::result_files::ResultFile> for ResultFile {
    fn from(file: webscripts_engine::result_files::ResultFile) -> Self {
        let modified = Timestamp::try_from(file.modified).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { name: file.name, size: file.size, modified }
    }
}
