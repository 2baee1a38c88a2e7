//! How many runs at a time: in all, and per user. Who finds no place waits in line; a line that is
//! too long is refused.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use webscripts_domain::identity::UserId;

/// Requests that may wait for a place.
const MAX_WAITING: usize = 1024;
/// Users whose places are remembered.
const MAX_USERS: u64 = 100_000;

/// The places of the server.
pub struct Places {
    all: Arc<Semaphore>,
    waiting: Semaphore,
    per_user: usize,
    users: moka::sync::Cache<UserId, Arc<Semaphore>>,
}

/// A place that is taken; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    _all: OwnedSemaphorePermit,
    _user: OwnedSemaphorePermit,
}

/// Too many wait already.
#[derive(Debug, thiserror::Error)]
#[error("too many runs are waiting; try again in a moment")]
pub struct NoPlace;

impl Places {
    /// Places for this many runs in all and per user; each at least one.
    pub fn new(all: usize, per_user: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all.max(1))),
            waiting: Semaphore::new(MAX_WAITING),
            per_user: per_user.max(1),
            users: moka::sync::Cache::new(MAX_USERS),
        }
    }

    /// Waits for a place. The user's own limit comes first, so that one user cannot fill the line.
    ///
    /// # Errors
    ///
    /// When too many wait.
    pub async fn take(&self, user: UserId) -> Result<Place, NoPlace> {
        let _in_line = self.waiting.try_acquire().map_err(|_| NoPlace)?;
        let users = self.users.get_with(user, || Arc::new(Semaphore::new(self.per_user)));
        let of_user = users.acquire_owned().await.map_err(|_| NoPlace)?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| NoPlace)?;
        Ok(Place { _all: of_all, _user: of_user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_user_cannot_take_all_places() {
        let places = Places::new(2, 1);
        let first = places.take(UserId(2)).await.unwrap();
        let second_of_the_same = places.take(UserId(2));
        tokio::pin!(second_of_the_same);

        assert!(futures_poll(&mut second_of_the_same).await.is_none());
        assert!(places.take(UserId(3)).await.is_ok());
        drop(first);
        assert!(second_of_the_same.await.is_ok());
    }

    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
