//! Descriptors: which the runtime watches, and which scripts do not get.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};
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

/// Marks descriptors that the server got from its parent, such as sockets of a supervisor, so that
/// scripts do not get them. All that the server opens itself are marked from the beginning.
pub(crate) fn keep_from_children() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|number: &RawFd| *number > 2) {
        #[expect(unsafe_code, reason = "a number is all that is known of a descriptor of others")]
        // SAFETY: the number was open a moment ago and is not -1. If its owner closed it since,
        // the call fails, or marks a descriptor opened meanwhile, which is marked anyway.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
}
