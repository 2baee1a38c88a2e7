//! Descriptors whose readiness the runtime reports.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has a descriptor watched, which must be in non-blocking mode.
pub(crate) fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "the runtime cannot know how a type keeps its descriptor")]
    // SAFETY: an `OwnedFd` names the same open descriptor from here until it is dropped, which
    // `AsyncFd` does after it has ended the watch; it hands out only shared references here.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    Ok(watched?)
}
