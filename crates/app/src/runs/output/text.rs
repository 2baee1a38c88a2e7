//! Bytes of a stream become text, piece by piece, wherever the pieces are cut.

use std::borrow::Cow;

use webscripts_domain::output::decode;

/// Most bytes of a character of UTF-8 before its last one.
pub const LOOK_BACK: usize = 3;

/// The text of one stream. A character whose bytes come in two pieces is part of the later one; what
/// is held back depends on the last three bytes alone, so that reading can begin anywhere.
#[derive(Debug, Default)]
pub struct StreamText {
    held: Vec<u8>,
    /// Offset of the next byte.
    at: u64,
}

impl StreamText {
    /// Reading begins at `at`; `before`: the bytes that stand there before it, at most
    /// [`LOOK_BACK`] of them matter.
    pub fn resume(before: &[u8], at: u64) -> Self {
        let held = before.get(before.len() - unfinished(before)..).unwrap_or_default();
        Self { held: held.to_vec(), at }
    }

    /// Offset and text of the next piece. Empty: it is the beginning of a character.
    pub fn push(&mut self, offset: u64, bytes: &[u8]) -> (u64, String) {
        let mut bytes = bytes;
        let mut offset = offset;
        if offset != self.at {
            // Behind a gap the rest of a character has lost its beginning.
            self.held.clear();
            let rest = bytes.iter().take(LOOK_BACK).take_while(|byte| is_continuation(**byte));
            let rest = rest.count();
            bytes = bytes.get(rest..).unwrap_or_default();
            offset += rest as u64;
        }
        self.at = offset + bytes.len() as u64;
        let whole: Cow<'_, [u8]> = if self.held.is_empty() {
            bytes.into()
        } else {
            [self.held.as_slice(), bytes].concat().into()
        };
        let begin = offset - self.held.len() as u64;
        let (text, held) = whole.split_at(whole.len() - unfinished(&whole));
        let text = decode(text).into_owned();
        self.held = held.to_vec();
        (begin, text)
    }

    /// Offset and text of what is held back when nothing follows.
    pub fn finish(&mut self) -> Option<(u64, String)> {
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| (self.at - held.len() as u64, decode(&held).into_owned()))
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// How many bytes at the end are the beginning of a character: 0 to 3.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = bytes.get(bytes.len().saturating_sub(LOOK_BACK)..).unwrap_or_default();
    (0..tail.len())
        .filter_map(|at| tail.get(at..))
        .find(|end| match std::str::from_utf8(end) {
            Ok(_) => false,
            Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
        })
        .map_or(0, <[u8]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_wherever_it_is_cut() {
        let bytes = "aé€😀\n".as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut text = StreamText::default();
                let mut all = String::new();
                for (from, to) in [(0, first), (first, second), (second, bytes.len())] {
                    let (at, piece) = text.push(from as u64, &bytes[from..to]);
                    assert_eq!(at, all.len() as u64);
                    all += &piece;
                }
                assert_eq!((all.as_bytes(), text.finish()), (bytes, None));
            }
        }
    }

    #[test]
    fn reading_may_begin_between_the_bytes_of_a_character() {
        let bytes = "aé€😀b".as_bytes();
        for from in 0..bytes.len() {
            let mut text =
                StreamText::resume(&bytes[from.saturating_sub(LOOK_BACK)..from], from as u64);
            let (at, piece) = text.push(from as u64, &bytes[from..]);

            let at = usize::try_from(at).unwrap();
            assert_eq!(piece.as_bytes(), &bytes[at..], "from {from}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_windows_1252() {
        let mut text = StreamText::default();

        assert_eq!(text.push(0, b"caf\xe9 ok"), (0, "café ok".to_owned()));
        assert_eq!(text.push(7, b"caf\xe9"), (7, "caf".to_owned()));
        assert_eq!(text.finish(), Some((10, "é".to_owned())));
    }

    #[test]
    fn behind_a_gap_the_rest_of_a_character_is_left_out() {
        let mut text = StreamText::default();
        assert_eq!(text.push(0, b"a\xf0\x9f"), (0, "a".to_owned()));

        assert_eq!(text.push(100, b"\x98\x80ok"), (102, "ok".to_owned()));
    }
}
