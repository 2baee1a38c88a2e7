//! The pipes of a run: both outputs in, standard input out.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdout};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use webscripts_domain::invocation::Invocation;
use webscripts_domain::run::{OutputChunk, Stream};

use crate::descriptor::watch;

/// How many pieces of output wait for their reader; with [`LARGEST_CHUNK`] this bounds the bytes.
const WAITING_CHUNKS: usize = 16;
/// Most bytes of one piece of output.
const LARGEST_CHUNK: usize = 64 * 1024;
/// Bytes of the buffer of an output that has said little so far.
const SMALL_BLOCK: usize = 8 * 1024;
/// What the pipe of a script that prints a lot may hold, so that it is not interrupted after every
/// 64 KiB.
const LARGE_PIPE: usize = 256 * 1024;

/// Nobody takes the output any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReaderGone;

/// Both outputs of a run, on their way to its reader.
#[derive(Debug)]
pub(crate) struct Outputs {
    sources: Sources,
    sink: Sink,
}

impl Outputs {
    /// Takes over the pipes. `limit`: how many bytes are forwarded.
    pub(crate) fn new(
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
        limit: u64,
    ) -> io::Result<(Self, mpsc::Receiver<OutputChunk>)> {
        let stdout = stdout.map(|pipe| Source::new(Stream::Stdout, pipe.into())).transpose()?;
        let stderr = stderr.map(|pipe| Source::new(Stream::Stderr, pipe.into())).transpose()?;
        let (sender, receiver) = mpsc::channel(WAITING_CHUNKS);
        let sources = Sources { next: stdout, other: stderr };
        Ok((Self { sources, sink: Sink { sender, left: limit, dropped: 0 } }, receiver))
    }

    /// Whether both outputs have been closed by everyone who could write.
    pub(crate) fn are_finished(&self) -> bool {
        self.sources.are_finished()
    }

    /// How many bytes exceeded the limit.
    pub(crate) fn dropped_bytes(&self) -> u64 {
        self.sink.dropped
    }

    /// Whether the reader has not yet taken what it was given.
    pub(crate) fn wait_for_reader(&self) -> bool {
        self.sink.left > 0 && self.sink.sender.capacity() == 0
    }

    /// From now on all output is read and dropped.
    pub(crate) fn discard(&mut self) {
        self.sink.left = 0;
    }

    /// Where to wait for the end of the reader. The channel stays open while this is held.
    pub(crate) fn reader(&self) -> mpsc::Sender<OutputChunk> {
        self.sink.sender.clone()
    }

    /// Forwards until both outputs are closed. Safe to cancel: a place for the output is taken
    /// before it is read, so nothing read is ever lost.
    pub(crate) async fn forward(&mut self) -> Result<(), ReaderGone> {
        let Self { sources, sink } = self;
        while !sources.are_finished() {
            let place = sink.place().await?;
            let read = poll_fn(|context| sources.poll_read(context)).await;
            if let Some(chunk) = read {
                place.put(chunk);
            }
        }
        Ok(())
    }

    /// Forwards what the pipes hold now, and not what somebody might still write: for pipes that
    /// a process keeps open which does not belong to the run any more.
    pub(crate) async fn forward_rest(&mut self) -> Result<(), ReaderGone> {
        let Self { sources, sink } = self;
        for source in [&mut sources.next, &mut sources.other].into_iter().flatten() {
            let mut most = fcntl_getpipe_size(source.pipe.get_ref()).unwrap_or(LARGEST_CHUNK);
            while most > 0 {
                let place = sink.place().await?;
                let Ok(Some(bytes)) = source.read() else { break };
                most = most.saturating_sub(bytes.len());
                place.put(OutputChunk { stream: source.stream, bytes });
            }
        }
        Ok(())
    }
}

/// Where output goes, up to a number of bytes.
#[derive(Debug)]
struct Sink {
    sender: mpsc::Sender<OutputChunk>,
    left: u64,
    dropped: u64,
}

impl Sink {
    /// Waits until the reader has room; beyond the limit nothing has to wait.
    async fn place(&mut self) -> Result<Place<'_>, ReaderGone> {
        let permit = if self.left > 0 {
            Some(self.sender.reserve().await.map_err(|_| ReaderGone)?)
        } else {
            None
        };
        Ok(Place { permit, left: &mut self.left, dropped: &mut self.dropped })
    }
}

/// Room for one piece of output.
struct Place<'a> {
    permit: Option<mpsc::Permit<'a, OutputChunk>>,
    left: &'a mut u64,
    dropped: &'a mut u64,
}

impl Place<'_> {
    fn put(self, mut chunk: OutputChunk) {
        let room = usize::try_from(*self.left).unwrap_or(usize::MAX);
        let excess = chunk.bytes.len().saturating_sub(room);
        chunk.bytes.truncate(room);
        *self.dropped = self.dropped.saturating_add(excess as u64);
        *self.left = self.left.saturating_sub(chunk.bytes.len() as u64);
        if let Some(permit) = self.permit {
            permit.send(chunk);
        }
    }
}

/// The outputs that are still open. They take turns, so that one which never falls silent does
/// not hide the other.
#[derive(Debug)]
struct Sources {
    next: Option<Source>,
    other: Option<Source>,
}

impl Sources {
    fn are_finished(&self) -> bool {
        self.next.is_none() && self.other.is_none()
    }

    /// A piece of either output; `None` when one of them was closed.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<OutputChunk>> {
        std::mem::swap(&mut self.next, &mut self.other);
        for slot in [&mut self.next, &mut self.other] {
            let Some(source) = slot else { continue };
            let Poll::Ready(read) = source.poll_read(context) else { continue };
            let stream = source.stream;
            if read.is_none() {
                *slot = None;
            }
            return Poll::Ready(read.map(|bytes| OutputChunk { stream, bytes }));
        }
        Poll::Pending
    }
}

/// The reading end of a pipe.
#[derive(Debug)]
struct Source {
    stream: Stream,
    pipe: AsyncFd<OwnedFd>,
    /// Room that has not been read into. Pieces are cut off its front, so that a small piece
    /// does not hold a whole buffer of its own.
    block: BytesMut,
    block_size: usize,
}

impl Source {
    fn new(stream: Stream, pipe: OwnedFd) -> io::Result<Self> {
        let pipe = nonblocking(pipe, Interest::READABLE)?;
        Ok(Self { stream, pipe, block: BytesMut::new(), block_size: SMALL_BLOCK })
    }

    /// A piece of output; `None` at its end. A pipe that cannot be read has ended as well.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let Ok(mut ready) = ready!(self.pipe.poll_read_ready_mut(context)) else {
                return Poll::Ready(None);
            };
            let block = make_room(&mut self.block, self.block_size);
            match rustix::io::read(ready.get_inner(), &mut block[..]) {
                Ok(length) => {
                    // A short read has emptied the pipe: epoll reports what comes later.
                    if length > 0 && length < block.len() {
                        ready.clear_ready();
                    }
                    return Poll::Ready(self.cut(length));
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => return Poll::Ready(None),
            }
        }
    }

    /// What the pipe holds now; `None` at its end.
    fn read(&mut self) -> io::Result<Option<Bytes>> {
        let block = make_room(&mut self.block, self.block_size);
        let length = rustix::io::read(self.pipe.get_ref(), &mut block[..])?;
        Ok(self.cut(length))
    }

    fn cut(&mut self, length: usize) -> Option<Bytes> {
        if length == self.block.len() && self.block_size < LARGEST_CHUNK {
            self.block_size = LARGEST_CHUNK;
            // A favour of the kernel: it has a limit per user.
            let _ = fcntl_setpipe_size(self.pipe.get_ref(), LARGE_PIPE);
        }
        (length > 0).then(|| self.block.split_to(length).freeze())
    }
}

/// The room to read into, new when little is left.
fn make_room(block: &mut BytesMut, size: usize) -> &mut BytesMut {
    if block.len() < size / 4 {
        *block = BytesMut::zeroed(size);
    }
    block
}

/// Standard input on its way to the script.
#[derive(Debug)]
pub(crate) struct Input {
    /// `None` when everything was written or nobody reads it.
    pipe: Option<AsyncFd<OwnedFd>>,
    what: Invocation,
    written: usize,
}

impl Input {
    /// Takes over the writing end, if there is any, and the order whose input it is.
    pub(crate) fn new(pipe: Option<OwnedFd>, what: Invocation) -> io::Result<Self> {
        let pipe = pipe.map(|pipe| nonblocking(pipe, Interest::WRITABLE)).transpose()?;
        Ok(Self { pipe, what, written: 0 })
    }

    /// Whether it is closed.
    pub(crate) fn is_finished(&self) -> bool {
        self.pipe.is_none()
    }

    /// Writes everything and closes the pipe. A script that does not read it is no error. Safe to
    /// cancel: what was written is remembered.
    pub(crate) async fn feed(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        while let Some(rest @ [_, ..]) = self.what.stdin().get(self.written..) {
            let Ok(mut ready) = pipe.writable().await else { break };
            match rustix::io::write(pipe.get_ref(), rest) {
                Ok(length) => self.written += length,
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.pipe = None;
    }
}

fn nonblocking(pipe: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    ioctl_fionbio(pipe.as_fd(), true)?;
    watch(pipe, interest)
}
