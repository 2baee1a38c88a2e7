//! The rule of [`output::decode`](crate::output::decode) for output that is not held in memory:
//! one pass over the stream finds its encoding, a second one reads it, piece by piece.

use crate::output::cp1252;

/// How a stream is to be read (scripts.md §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8: the whole stream is valid.
    Utf8,
    /// Windows-1252: every byte of the stream has a meaning in it.
    Windows1252,
    /// Latin-1: everything else.
    Latin1,
}

/// Finds the encoding of a stream.
#[derive(Debug)]
pub struct EncodingFinder {
    utf8: Utf8,
    is_utf8: bool,
    is_windows: bool,
}

impl Default for EncodingFinder {
    fn default() -> Self {
        Self { utf8: Utf8::default(), is_utf8: true, is_windows: true }
    }
}

impl EncodingFinder {
    /// Looks at the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.utf8.is_between_characters() && bytes.is_ascii() {
            self.utf8.after_gap &= bytes.is_empty();
            return;
        }
        if self.is_windows {
            self.is_windows = !bytes.iter().any(|byte| cp1252(*byte).is_none());
        }
        if self.is_utf8 {
            self.is_utf8 = self.utf8.push(bytes, |_| ()).is_ok();
        }
    }

    /// Bytes are missing here: a character that is split by the gap is no mistake.
    pub fn gap(&mut self) {
        self.utf8.gap();
    }

    /// The encoding of everything seen.
    pub fn finish(self) -> Encoding {
        if self.is_utf8 && self.utf8.is_between_characters() {
            Encoding::Utf8
        } else if self.is_windows {
            Encoding::Windows1252
        } else {
            Encoding::Latin1
        }
    }
}

/// Reads a stream whose encoding is known.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    utf8: Utf8,
}

impl Decoder {
    /// Reads in this encoding.
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, utf8: Utf8::default() }
    }

    /// Hands the text of the next bytes to `sink`, in parts. A character that is not complete waits
    /// for its rest.
    ///
    /// # Errors
    ///
    /// When the stream is not what it was when its encoding was found.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&str)) -> Result<(), WrongEncoding> {
        if self.encoding == Encoding::Utf8 {
            return self.utf8.push(bytes, sink);
        }
        let is_windows = self.encoding == Encoding::Windows1252;
        let read = |byte: &u8| {
            let character = if is_windows { cp1252(*byte) } else { None };
            character.unwrap_or(char::from(*byte))
        };
        for part in bytes.chunks(4096) {
            sink(&part.iter().map(read).collect::<String>());
        }
        Ok(())
    }

    /// Bytes are missing here; what the gap leaves of a character is left out.
    pub fn gap(&mut self) {
        self.utf8.gap();
    }
}

/// The stream is not what it was when its encoding was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the output is not UTF-8 any more")]
pub struct WrongEncoding;

/// UTF-8 whose characters may be split over several pieces.
#[derive(Debug, Default)]
struct Utf8 {
    begun: [u8; 4],
    length: usize,
    after_gap: bool,
}

impl Utf8 {
    fn is_between_characters(&self) -> bool {
        self.length == 0
    }

    fn gap(&mut self) {
        self.length = 0;
        self.after_gap = true;
    }

    fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&str)) -> Result<(), WrongEncoding> {
        let mut rest = bytes;
        if self.after_gap {
            let is_rest = |byte: &u8| (0x80..0xc0).contains(byte);
            let split = rest.iter().take(3).take_while(|byte| is_rest(byte)).count();
            rest = rest.get(split..).unwrap_or_default();
            self.after_gap = bytes.is_empty();
        }
        while self.length > 0 {
            let Some((byte, others)) = rest.split_first() else { return Ok(()) };
            rest = others;
            *self.begun.get_mut(self.length).ok_or(WrongEncoding)? = *byte;
            self.length += 1;
            match std::str::from_utf8(self.begun.get(..self.length).unwrap_or_default()) {
                Ok(character) => {
                    sink(character);
                    self.length = 0;
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(WrongEncoding),
            }
        }
        match std::str::from_utf8(rest) {
            Ok(text) => sink(text),
            Err(error) if error.error_len().is_none() => {
                let (text, begun) = rest.split_at_checked(error.valid_up_to()).unwrap_or_default();
                sink(std::str::from_utf8(text).map_err(|_| WrongEncoding)?);
                self.begun.get_mut(..begun.len()).ok_or(WrongEncoding)?.copy_from_slice(begun);
                self.length = begun.len();
            }
            Err(_) => return Err(WrongEncoding),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoding and the text of pieces; `None` between two is a gap.
    fn read(pieces: &[Option<&[u8]>]) -> (Encoding, String) {
        let mut finder = EncodingFinder::default();
        for piece in pieces {
            match piece {
                Some(bytes) => finder.push(bytes),
                None => finder.gap(),
            }
        }
        let encoding = finder.finish();
        let (mut decoder, mut text) = (Decoder::new(encoding), String::new());
        for piece in pieces {
            match piece {
                Some(bytes) => decoder.push(bytes, |part| text.push_str(part)).unwrap(),
                None => decoder.gap(),
            }
        }
        (encoding, text)
    }

    #[test]
    fn a_stream_in_one_piece_is_read_as_output_is() {
        let cases: [(&[u8], Encoding); 6] = [
            (b"", Encoding::Utf8),
            (b"plain\r\n", Encoding::Utf8),
            ("caf\u{e9} \u{20ac} \u{1f600}".as_bytes(), Encoding::Utf8),
            (b"caf\xe9 \x80", Encoding::Windows1252),
            (b"\xe2\x82", Encoding::Windows1252),
            (b"x\x81\x80", Encoding::Latin1),
        ];
        for (bytes, encoding) in cases {
            assert_eq!(read(&[Some(bytes)]), (encoding, crate::output::decode(bytes).into_owned()));
        }
    }

    #[test]
    fn a_gap_may_split_characters() {
        let euro = "\u{20ac}".as_bytes();
        let (head, tail) = (&euro[..2], &euro[1..]);

        let split = read(&[Some(b"a"), Some(head), None, Some(tail), Some(b"b")]);
        assert_eq!(split, (Encoding::Utf8, "ab".to_owned()));
        assert_eq!(read(&[Some(b"a"), None, Some(b"b\x80")]).0, Encoding::Windows1252);
    }

    #[test]
    fn a_stream_that_changed_is_noticed() {
        let mut decoder = Decoder::new(Encoding::Utf8);
        assert_eq!(decoder.push(b"a\xff", |_| ()), Err(WrongEncoding));
    }

    proptest::proptest! {
        #[test]
        fn pieces_are_read_as_the_whole_is(
            text in "\\PC{0,40}",
            rubbish in proptest::collection::vec(proptest::num::u8::ANY, 0..3),
            size in 1_usize..7,
        ) {
            let bytes = [text.as_bytes(), &rubbish].concat();
            let pieces: Vec<_> = bytes.chunks(size).map(Some).collect();

            let whole = crate::output::decode(&bytes).into_owned();
            proptest::prop_assert_eq!(read(&pieces).1, whole);
        }
    }
}
