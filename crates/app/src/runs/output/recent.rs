//! The newest output of a run that goes on, read and decoded once for all who watch.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::reader::{Entry, Reader};
use crate::runs::screen::TaskProgress;

/// What is kept of one run.
const MAX_BYTES: usize = 1024 * 1024;

/// Output that watchers share. Reading is done by whoever first wants more.
#[derive(Debug, Default)]
pub struct Recent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    reader: Option<Reader>,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Everything from this number up to that of the reader is here.
    first: u64,
    progress: Option<TaskProgress>,
}

/// An answer of [`Recent::read`].
#[derive(Debug)]
pub enum Answer {
    /// These come next; the number behind them. Empty: there is no more for now.
    Entries(Vec<Entry>, u64),
    /// They have left: read them yourself.
    TooOld,
}

impl Recent {
    /// The output from a number on, at most about `max_bytes`. `over`: nothing will follow what is
    /// on disk.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read.
    pub fn read(
        &self,
        place: &Path,
        from: u64,
        max_bytes: usize,
        over: bool,
    ) -> io::Result<Answer> {
        let mut state = self.lock();
        if state.reader.as_ref().is_none_or(|reader| from > reader.next()) {
            *state =
                State { reader: Some(Reader::open(place, from)?), first: from, ..State::default() };
        }
        if from < state.first {
            return Ok(Answer::TooOld);
        }
        if state.reader.as_ref().is_some_and(|reader| reader.next() == from) {
            state.read_on(max_bytes, over)?;
        }
        Ok(state.from(from, max_bytes))
    }

    /// The last report of progress, as far as somebody watched.
    pub fn progress(&self) -> Option<TaskProgress> {
        self.lock().progress
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn read_on(&mut self, max_bytes: usize, over: bool) -> io::Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let mut new = reader.read(max_bytes)?;
        if new.is_empty() && over {
            new = reader.finish()?;
        }
        for entry in &new {
            if let Entry::Progress(_, progress) = entry {
                self.progress = Some(*progress);
            }
        }
        self.bytes += new.iter().map(Entry::bytes).sum::<usize>();
        self.entries.extend(new);
        while self.bytes > MAX_BYTES
            && let Some(old) = self.entries.pop_front()
        {
            self.bytes -= old.bytes();
            let next = self.reader.as_ref().map_or(0, Reader::next);
            self.first = self.entries.front().map_or(next, Entry::sequence);
        }
        Ok(())
    }

    fn from(&self, from: u64, max_bytes: usize) -> Answer {
        let begin = self.entries.partition_point(|entry| entry.sequence() < from);
        let mut bytes = 0;
        let mut taken: Vec<Entry> = Vec::new();
        for entry in self.entries.range(begin..) {
            bytes += entry.bytes();
            // What belongs to the same output stays together: a batch ends between two numbers.
            let is_new = taken.last().is_none_or(|last| last.sequence() != entry.sequence());
            if bytes > max_bytes && is_new && !taken.is_empty() {
                return Answer::Entries(taken, entry.sequence());
            }
            taken.push(entry.clone());
        }
        let next = self.reader.as_ref().map_or(from, Reader::next);
        Answer::Entries(taken, next.max(from))
    }
}
