//! Standard input on its way to the script.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::runs::protocol::INPUT_IN_FLIGHT;

/// Bytes that are copied at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// What ends the input of a terminal at the beginning of a line (`VEOF`).
const END_OF_TRANSMISSION: u8 = 4;

/// What an order gives to standard input.
#[derive(Debug)]
pub(super) enum First {
    /// These bytes.
    Bytes(Zeroizing<Vec<u8>>),
    /// The rest of a file from here on.
    File(File, u64),
}

/// Where input goes.
#[derive(Debug)]
pub(super) enum Sink {
    /// A pipe, which ends when it is closed.
    Pipe(OwnedFd),
    /// The outer end of a terminal, which is never closed.
    Terminal(OwnedFd),
}

/// Standard input of a run.
#[derive(Debug)]
pub(super) struct Input {
    /// `None` when everything was written or nobody reads it.
    sink: Option<Sink>,
    /// What is left of the order.
    first: First,
    /// The part of it that is being written.
    block: Zeroizing<Vec<u8>>,
    written: usize,
    /// What commands brought.
    queue: VecDeque<u8>,
    /// Bytes from commands that were written or never will be.
    taken: u64,
    /// Whether it ends behind what is there.
    ends: bool,
}

impl Input {
    /// Input that goes there; `None` means that there is none. `ends`: nothing follows the first
    /// bytes.
    pub(super) fn new(sink: Option<Sink>, first: First, ends: bool) -> Self {
        let (block, written, queue, taken) = Default::default();
        Self { sink, first, block, written, queue, taken, ends }
    }

    /// Whether more is accepted.
    pub(super) fn is_open(&self) -> bool {
        self.sink.is_some() && !self.ends
    }

    /// Bytes from commands that were written or never will be.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes bytes of a command. What exceeds the agreement with the server is dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let in_flight = usize::try_from(INPUT_IN_FLIGHT).unwrap_or(usize::MAX);
        if self.is_open() && self.queue.len() + bytes.len() <= in_flight {
            self.queue.extend(bytes);
        } else {
            self.taken += u64::try_from(bytes.len()).unwrap_or(0);
        }
    }

    /// Ends input behind what is there.
    pub(super) fn end(&mut self) {
        if self.is_open() {
            self.ends = true;
            if let Some(Sink::Terminal(_)) = self.sink {
                self.queue.push_back(END_OF_TRANSMISSION);
            }
        }
    }

    /// Where something waits to be written.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        let waits = self.written < self.block.len() || !self.queue.is_empty();
        self.sink.as_ref().filter(|_| waits).map(Sink::descriptor)
    }

    /// Writes what there is room for, and closes a pipe when its input has ended.
    pub(super) fn feed(&mut self) {
        while let Some(sink) = &self.sink {
            if self.written == self.block.len() && !self.first.is_empty() {
                self.block = self.first.take(BLOCK_BYTES);
                self.written = 0;
            }
            let rest = self.block.get(self.written..).filter(|rest| !rest.is_empty());
            let next = rest.unwrap_or(self.queue.as_slices().0);
            if next.is_empty() {
                break;
            }
            match (rustix::io::write(sink.descriptor(), next), rest) {
                (Ok(length), Some(_)) => self.written += length,
                (Ok(length), None) => self.forget(length),
                (Err(Errno::INTR), _) => {}
                (Err(Errno::AGAIN), _) => return,
                // A script that does not read its input is no error.
                (Err(_), _) => self.close(),
            }
        }
        if self.ends && matches!(self.sink, Some(Sink::Pipe(_))) {
            self.close();
        }
    }

    /// Drops everything: nothing more can be written.
    pub(super) fn close(&mut self) {
        self.forget(self.queue.len());
        self.block = Zeroizing::default();
        self.written = 0;
        self.first = First::Bytes(Zeroizing::default());
        self.sink = None;
    }

    fn forget(&mut self, length: usize) {
        self.queue.drain(..length);
        self.taken += u64::try_from(length).unwrap_or(0);
    }
}

impl Sink {
    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Pipe(descriptor) | Self::Terminal(descriptor) => descriptor.as_fd(),
        }
    }
}

impl First {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.is_empty())
    }

    /// The next bytes; a file that cannot be read is at its end.
    fn take(&mut self, most: usize) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => std::mem::take(bytes),
            Self::File(file, from) => {
                let mut block = Zeroizing::new(vec![0; most]);
                let length = read_at(file, &mut block, *from).unwrap_or(0);
                block.truncate(length);
                *from += u64::try_from(length).unwrap_or(0);
                if length == 0 {
                    *self = Self::Bytes(Zeroizing::default());
                }
                block
            }
        }
    }
}

fn read_at(file: &File, block: &mut [u8], from: u64) -> io::Result<usize> {
    loop {
        match file.read_at(block, from) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
