//! The outputs of a run on their way to its spool.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
use webscripts_domain::clock::{Clock, SystemClock};
use webscripts_domain::invocation::SecretBytes;
use webscripts_domain::masking::Masker;
use webscripts_domain::run::{Printed, Stream};

use crate::runs::handle::WholeOutput;
use crate::spool::SpoolWriter;

/// Most bytes that are read at a time.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;
/// What the pipe of a script that prints a lot may hold, so that it is not interrupted after every
/// 64 KiB.
const LARGE_PIPE: usize = 256 * 1024;

/// Most bytes of output that are told to the server at the end: they fit into a report.
const LARGEST_WHOLE: usize = 8 * 1024;

/// Both outputs of a run.
#[derive(Debug)]
pub(super) struct Outputs<'a> {
    sources: [Option<Source>; 2],
    kept: KeptOutput,
    block: &'a mut [u8],
}

/// Where output goes.
#[derive(Debug)]
struct KeptOutput {
    spool: SpoolWriter,
    /// All output up to now, as long as that is little.
    whole: Option<WholeOutput>,
}

#[derive(Debug)]
struct Source {
    pipe: OwnedFd,
    stream: Stream,
    masker: Option<Masker>,
    is_large: bool,
}

impl<'a> Outputs<'a> {
    /// Output comes from here: two pipes, or a terminal, whose output counts as standard output.
    pub(super) fn new(
        stdout: OwnedFd,
        stderr: Option<OwnedFd>,
        secrets: &[SecretBytes],
        spool: SpoolWriter,
        block: &'a mut [u8],
    ) -> io::Result<Self> {
        let source = |pipe: OwnedFd, stream| {
            ioctl_fionbio(&pipe, true)?;
            let masker = (!secrets.is_empty()).then(|| Masker::new(secrets));
            Ok::<_, io::Error>(Source { pipe, stream, masker, is_large: false })
        };
        let stdout = source(stdout, Stream::Stdout)?;
        let stderr = stderr.map(|pipe| source(pipe, Stream::Stderr)).transpose()?;
        let kept = KeptOutput { spool, whole: Some(WholeOutput::default()) };
        Ok(Self { sources: [Some(stdout), stderr], kept, block })
    }

    /// Whether everyone who could write has closed them.
    pub(super) fn are_closed(&self) -> bool {
        self.sources.iter().all(Option::is_none)
    }

    /// How much was printed.
    pub(super) fn printed(&self) -> Printed {
        self.kept.spool.printed()
    }

    /// How many pieces there are.
    pub(super) fn chunks(&self) -> u64 {
        self.kept.spool.chunks()
    }

    /// All output, if that is little and nothing of it is lost.
    pub(super) fn take_whole(&mut self) -> Option<WholeOutput> {
        self.kept.whole.take().filter(|_| self.kept.spool.printed().dropped == 0)
    }

    /// What to wait for. The place in the list is that for [`Outputs::read`].
    pub(super) fn interests(&self) -> [Option<(BorrowedFd<'_>, PollFlags)>; 2] {
        self.sources.each_ref().map(|source| Some((source.as_ref()?.pipe.as_fd(), PollFlags::IN)))
    }

    /// Reads once from one of them and keeps what came.
    pub(super) fn read(&mut self, which: usize) {
        self.read_once(which);
    }

    /// Reads what they hold now, and not what somebody might still write, and closes them: for
    /// pipes that are kept open by a process that does not belong to the run.
    pub(super) fn read_rest(&mut self) {
        for which in 0..self.sources.len() {
            let size = self.sources.get(which).and_then(Option::as_ref).map(|source| &source.pipe);
            let Some(size) = size else { continue };
            let mut most = fcntl_getpipe_size(size).unwrap_or(BLOCK_BYTES);
            while most > 0 {
                match self.read_once(which) {
                    Some(length) if length > 0 => most = most.saturating_sub(length),
                    _ => break,
                }
            }
            self.close(which);
        }
    }

    /// How many bytes came; `None`: none for now, or the end.
    fn read_once(&mut self, which: usize) -> Option<usize> {
        let Self { sources, kept, block } = self;
        let source = sources.get_mut(which)?.as_mut()?;
        match rustix::io::read(&source.pipe, &mut **block) {
            Ok(length) if length > 0 => {
                source.widen(length);
                source.keep(block.get(..length).unwrap_or_default(), kept);
                Some(length)
            }
            Err(Errno::AGAIN | Errno::INTR) => None,
            // A terminal says EIO when nobody has it open any more.
            Ok(_) | Err(_) => {
                self.close(which);
                None
            }
        }
    }

    fn close(&mut self, which: usize) {
        let Some(mut source) = self.sources.get_mut(which).and_then(Option::take) else { return };
        if let Some(masker) = source.masker.take() {
            self.kept.append(source.stream, &masker.finish());
        }
    }
}

impl Source {
    fn keep(&mut self, bytes: &[u8], kept: &mut KeptOutput) {
        match &mut self.masker {
            Some(masker) => kept.append(self.stream, &masker.push(bytes)),
            None => kept.append(self.stream, bytes),
        }
    }

    fn widen(&mut self, length: usize) {
        if length == BLOCK_BYTES && !self.is_large {
            self.is_large = true;
            // A favour of the kernel: it has a limit per user.
            let _ = fcntl_setpipe_size(&self.pipe, LARGE_PIPE);
        }
    }
}

impl KeptOutput {
    fn append(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // A full disk must not keep the script from ending: the spool counts what is lost.
        let _ = self.spool.append(stream, bytes, now_ms());
        self.whole = self.whole.take().filter(|whole| {
            let length = whole.stdout.len() + whole.stderr.len();
            length.saturating_add(bytes.len()) <= LARGEST_WHOLE
        });
        if let Some(whole) = &mut self.whole {
            match stream {
                Stream::Stdout => whole.stdout.extend_from_slice(bytes),
                Stream::Stderr => whole.stderr.extend_from_slice(bytes),
            }
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0)
}
