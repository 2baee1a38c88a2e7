//! From bytes to text (configuration.md §4 and §5).

use std::borrow::Cow;

use webscripts_domain::output;

use super::Syntax;

/// The text of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text, without byte order mark.
    pub text: Cow<'a, str>,
    /// The line of the first byte that is not UTF-8, when the encoding had to be guessed.
    pub guessed_at: Option<u32>,
}

/// Decodes a file: UTF-8, and for JSON also Windows-1252, then Latin-1.
///
/// # Errors
///
/// The line of the first byte that is not UTF-8 in an INI file.
pub fn decode(bytes: &[u8], syntax: Syntax) -> Result<Decoded<'_>, u32> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match str::from_utf8(bytes) {
        Ok(text) => return Ok(Decoded { text: Cow::Borrowed(text), guessed_at: None }),
        Err(error) => error,
    };
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let lines = before.split(|byte| *byte == b'\n').count();
    let line = u32::try_from(lines).unwrap_or(u32::MAX);
    if syntax == Syntax::Ini {
        return Err(line);
    }
    Ok(Decoded { text: output::decode(bytes), guessed_at: Some(line) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let decoded = decode(b"\xef\xbb\xbf{}", Syntax::Json);

        assert_eq!(decoded, Ok(Decoded { text: "{}".into(), guessed_at: None }));
    }

    #[test]
    fn json_that_is_not_utf_8_is_read_as_windows_1252_then_latin_1() {
        let decoded = decode(b"{\n\"a\": \"caf\xe9 \x80\"}", Syntax::Json).unwrap();
        assert_eq!((decoded.text.as_ref(), decoded.guessed_at), ("{\n\"a\": \"café €\"}", Some(2)));

        let decoded = decode(b"\xe9\x81", Syntax::Json).unwrap();
        assert_eq!(decoded.text, "é\u{81}");
    }

    #[test]
    fn ini_that_is_not_utf_8_names_the_line() {
        assert_eq!(decode(b"[a]\nb = c\nd = \xe9\n", Syntax::Ini), Err(3));
    }
}
