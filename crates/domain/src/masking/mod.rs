//! Takes secrets out of output while it is printed.
//!
//! A secret is sought as it is, and as programs print it in base64, hexadecimal, percent encoding
//! and JSON. Every byte that belongs to one is taken out, also where two overlap; each run of such
//! bytes is replaced by [`MASK`]. How the output is divided into pieces makes no difference.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::{Zeroize, Zeroizing};

use crate::invocation::SecretBytes;

mod forms;

pub use forms::{LINE_BYTES, MAX_FORM_BYTES, MAX_SECRET_BYTES, SHORT_BYTES};

/// What stands in place of secrets.
pub const MASK: &str = "••••••";

/// Masks one stream of output. A clone begins another stream.
///
/// What may be the beginning of a secret is held back until more is known; nothing else is.
pub struct Masker {
    /// `None`: there is nothing to seek.
    finder: Option<Arc<Finder>>,
    held: Zeroizing<Vec<u8>>,
    /// How many of the held bytes are known to belong to a secret.
    covered: usize,
    /// Whether the byte before the held ones was taken out.
    is_behind_mask: bool,
}

/// What is sought.
struct Finder {
    automaton: AhoCorasick,
    /// The same, sorted.
    forms: Vec<Vec<u8>>,
    /// The bytes with which they begin.
    beginnings: [bool; 256],
    longest: usize,
}

impl Masker {
    /// Masks these secrets. Memory is bounded, see [`MAX_SECRET_BYTES`] and [`MAX_FORM_BYTES`].
    pub fn new(secrets: &[SecretBytes]) -> Self {
        let finder = Finder::new(forms::of(secrets)).map(Arc::new);
        Self { finder, held: Zeroizing::default(), covered: 0, is_behind_mask: false }
    }

    /// Takes what was printed, gives what may be shown.
    pub fn push<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(finder) = self.finder.clone() else { return Cow::Borrowed(bytes) };
        if self.held.is_empty() {
            let settled = finder.unfinished(bytes);
            return self.mask(&finder, bytes, settled);
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let settled = finder.unfinished(&all);
        Cow::Owned(self.mask(&finder, &all, settled).into_owned())
    }

    /// What was held back, when the stream has ended.
    pub fn finish(mut self) -> Vec<u8> {
        let Some(finder) = self.finder.clone() else { return Vec::new() };
        let all = std::mem::take(&mut self.held);
        self.mask(&finder, &all, all.len()).into_owned()
    }

    /// Gives what comes before `settled` and holds the rest. No secret that begins before it is
    /// still incomplete.
    fn mask<'a>(&mut self, finder: &Finder, bytes: &'a [u8], settled: usize) -> Cow<'a, [u8]> {
        if settled == 0 {
            self.held.extend_from_slice(bytes);
            return Cow::Borrowed(&[]);
        }
        let mut secret = finder.find(bytes, self.covered);
        secret.retain(|span| span.start < settled);
        let (shown, rest) = bytes.split_at_checked(settled).unwrap_or((bytes, &[]));
        let text = self.replace(shown, &secret);
        let end = secret.last().map_or(0, |span| span.end);
        self.is_behind_mask = end >= settled;
        self.covered = end.saturating_sub(settled);
        self.held.extend_from_slice(rest);
        text
    }

    fn replace<'a>(&self, bytes: &'a [u8], secret: &[Range<usize>]) -> Cow<'a, [u8]> {
        if secret.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut text = Vec::with_capacity(bytes.len());
        let mut position = 0;
        for span in secret {
            text.extend_from_slice(bytes.get(position..span.start).unwrap_or_default());
            if span.start > 0 || !self.is_behind_mask {
                text.extend_from_slice(MASK.as_bytes());
            }
            position = span.end;
        }
        text.extend_from_slice(bytes.get(position..).unwrap_or_default());
        Cow::Owned(text)
    }
}

impl Finder {
    /// `None` if there is nothing to seek. `forms`: sorted.
    fn new(forms: Vec<Vec<u8>>) -> Option<Self> {
        let longest = forms.iter().map(Vec::len).max()?;
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // Its size is a small multiple of what is sought; the faster kind may be much larger.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&forms)
            // Only more than 2^31 bytes are refused, and `forms` are bounded.
            .ok()?;
        let mut beginnings = [false; 256];
        for form in &forms {
            if let Some(place) =
                form.first().and_then(|byte| beginnings.get_mut(usize::from(*byte)))
            {
                *place = true;
            }
        }
        Some(Self { automaton, forms, beginnings, longest })
    }

    /// The parts that belong to secrets, in order and apart from one another. So many bytes at the
    /// beginning are known to.
    fn find(&self, bytes: &[u8], covered: usize) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        if covered > 0 {
            spans.push(0..covered);
        }
        for found in self.automaton.find_overlapping_iter(bytes) {
            let mut span = found.range();
            while let Some(last) = spans.pop_if(|last| last.end >= span.start) {
                span = span.start.min(last.start)..span.end.max(last.end);
            }
            spans.push(span);
        }
        spans
    }

    /// Where the first secret begins that may be continued by what follows.
    fn unfinished(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let tail = bytes.get(first..).unwrap_or_default();
        let begins = |(position, byte): &(usize, &u8)| {
            self.beginnings.get(usize::from(**byte)) == Some(&true)
                && self.is_beginning(tail.get(*position..).unwrap_or_default())
        };
        let found = tail.iter().enumerate().find(begins);
        found.map_or(bytes.len(), |(position, _)| first.saturating_add(position))
    }

    /// Whether something that is sought begins with this and goes on.
    fn is_beginning(&self, bytes: &[u8]) -> bool {
        let next = self.forms.partition_point(|form| form.as_slice() <= bytes);
        self.forms.get(next).is_some_and(|form| form.starts_with(bytes))
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        self.forms.zeroize();
    }
}

impl Clone for Masker {
    fn clone(&self) -> Self {
        let finder = self.finder.clone();
        Self { finder, held: Zeroizing::default(), covered: 0, is_behind_mask: false }
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Masker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
