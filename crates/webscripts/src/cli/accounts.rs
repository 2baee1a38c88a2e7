//! Accounts from the command line: the same use cases as in the server, which may be running.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;
use webscripts_app::accounts::AccountAdministration;
use webscripts_config::{Loaded, Settings};
use webscripts_domain::clock::SystemClock;
use webscripts_domain::random::SystemRandom;
use webscripts_store::Stores;

use super::ConfigurationOptions;
use crate::compose;

/// The accounts of an instance, open.
pub struct Accounts {
    /// Changes them.
    pub administration: AccountAdministration,
    stores: Stores,
}

impl Accounts {
    /// Opens the database that these settings name.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let stores = compose::open_stores(settings).await?;
        let administration = AccountAdministration::new(
            stores.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            settings.access.admin_groups.clone(),
        )?;
        Ok(Self { administration, stores })
    }

    /// Finishes what is being written.
    pub async fn close(self) {
        self.stores.health.close().await;
    }
}

/// Opens the accounts of an instance, does `work` and closes them.
///
/// # Errors
///
/// When the configuration or the database cannot be used, and what `work` fails with.
pub fn with_accounts<T>(
    options: &ConfigurationOptions,
    work: impl AsyncFnOnce(&AccountAdministration) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let Loaded { settings, .. } = compose::load(&options.sources()?)?;
    block_on(async {
        let accounts = Accounts::open(&settings).await?;
        let result = work(&accounts.administration).await;
        accounts.close().await;
        result
    })
}

/// Waits for the end of `future` on this thread.
///
/// # Errors
///
/// When the runtime cannot be started, and what `future` fails with.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot be started")?
        .block_on(future)
}
