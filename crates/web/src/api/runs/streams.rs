//! How many clients follow runs: bounded in all, and for each user, so that nobody takes all places.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use webscripts_domain::identity::{Caller, UserId};

use crate::problem::Problem;

/// What every user may have, however few connections the server takes.
const LEAST_PER_USER: usize = 64;

/// A user; visitors are told apart by their address.
type Watcher = (UserId, Option<IpAddr>);

/// All event streams.
#[derive(Debug)]
pub struct Streams {
    open: Mutex<HashMap<Watcher, usize>>,
    most: usize,
    most_per_user: usize,
}

impl Streams {
    /// As many as the server takes connections (`max_connections`); three quarters for one user.
    pub fn new(max_connections: usize) -> Arc<Self> {
        let most_per_user = (max_connections / 4 * 3).max(LEAST_PER_USER);
        Arc::new(Self { open: Mutex::default(), most: max_connections.max(1), most_per_user })
    }

    /// A place for one more stream of the caller; given back when it is dropped.
    pub fn enter(self: &Arc<Self>, caller: &Caller) -> Result<StreamPlace, Problem> {
        let address = (!caller.identity.is_signed_in()).then_some(caller.address);
        let watcher = (caller.identity.id, address);
        let mut open = self.lock();
        if open.values().sum::<usize>() >= self.most {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too-many-streams",
                "Too many runs are being followed. Try again in a moment, or poll.",
            ));
        }
        let count = open.entry(watcher).or_default();
        if *count >= self.most_per_user {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-streams",
                "You follow too many runs at the same time. Close some pages.",
            ));
        }
        *count += 1;
        Ok(StreamPlace { streams: Arc::clone(self), watcher })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Watcher, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream.
#[derive(Debug)]
pub struct StreamPlace {
    streams: Arc<Streams>,
    watcher: Watcher,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        if let Some(count) = open.get_mut(&self.watcher) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.watcher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use webscripts_domain::identity::Identity;

    use super::*;

    fn caller(id: i64, address: [u8; 4]) -> Caller {
        let identity = Identity { id: UserId(id), ..Identity::not_authenticated() };
        Caller { identity, ..Caller::anonymous(address.into()) }
    }

    fn status(place: Result<StreamPlace, Problem>) -> Option<u16> {
        place.err().map(|problem| problem.status.as_u16())
    }

    #[test]
    fn nobody_takes_all_places_and_places_are_given_back() {
        let streams = Streams::new(100);
        let ada = caller(7, [127, 0, 0, 1]);
        let mut places: Vec<_> = (0..75).map(|_| streams.enter(&ada).unwrap()).collect();

        assert_eq!(status(streams.enter(&caller(7, [127, 0, 0, 9]))), Some(429));
        places.extend((0..25).map(|_| streams.enter(&caller(8, [127, 0, 0, 1])).unwrap()));
        assert_eq!(status(streams.enter(&caller(9, [127, 0, 0, 1]))), Some(503));
        drop(places.pop());
        assert_eq!(status(streams.enter(&caller(9, [127, 0, 0, 1]))), None);
        drop(places);
        assert!(streams.lock().is_empty());
    }

    #[test]
    fn visitors_are_told_apart_by_their_address() {
        let streams = Streams::new(1000);
        let places: Vec<_> =
            (0..750).map(|_| streams.enter(&caller(0, [127, 0, 0, 1])).unwrap()).collect();

        assert_eq!(status(streams.enter(&caller(0, [127, 0, 0, 1]))), Some(429));
        assert_eq!(status(streams.enter(&caller(0, [127, 0, 0, 2]))), None);
        drop(places);
    }
}
