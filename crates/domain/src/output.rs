//! What scripts print: bytes that become text.

use std::borrow::Cow;

/// Decodes the whole output of a stream as the reference does: UTF-8, else Windows-1252, else
/// Latin-1 (scripts.md §8). Line ends stay as they are.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(decode_cp1252(bytes).unwrap_or_else(|| decode_latin1(bytes))),
    }
}

/// `None` if a byte has no meaning in Windows-1252: 81, 8D, 8F, 90, 9D.
fn decode_cp1252(bytes: &[u8]) -> Option<String> {
    bytes.iter().map(|&byte| cp1252(byte)).collect()
}

fn decode_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The character of a byte in Windows-1252.
pub(crate) fn cp1252(byte: u8) -> Option<char> {
    const FROM_80: [Option<char>; 32] = [
        Some('€'),
        None,
        Some('‚'),
        Some('ƒ'),
        Some('„'),
        Some('…'),
        Some('†'),
        Some('‡'),
        Some('ˆ'),
        Some('‰'),
        Some('Š'),
        Some('‹'),
        Some('Œ'),
        None,
        Some('Ž'),
        None,
        None,
        Some('‘'),
        Some('’'),
        Some('“'),
        Some('”'),
        Some('•'),
        Some('–'),
        Some('—'),
        Some('˜'),
        Some('™'),
        Some('š'),
        Some('›'),
        Some('œ'),
        None,
        Some('ž'),
        Some('Ÿ'),
    ];
    match byte {
        0x80..=0x9f => FROM_80.get(usize::from(byte - 0x80)).copied().flatten(),
        other => Some(char::from(other)),
    }
}

/// The five replacements of Python's `html.escape`, which the reference applies to user attributes
/// before scripts see them (security.md §8).
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_kept_as_it_is() {
        assert_eq!(decode("café € 😀\r\n".as_bytes()), "café € 😀\r\n");
        assert_eq!(decode(b"a\0b"), "a\0b");
    }

    #[test]
    fn other_bytes_are_windows_1252_if_they_can_be() {
        assert_eq!(decode(b"caf\xe9 \x80"), "café €");
    }

    #[test]
    fn and_latin_1_otherwise() {
        assert_eq!(decode(b"x\x81\x80"), "x\u{81}\u{80}");
    }
}
