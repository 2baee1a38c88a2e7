//! The forms in which a secret may be printed.
//!
//! Besides the bytes themselves: base64 in both alphabets, wherever in the encoded data the secret
//! stands, and in lines of 64 or 76 characters if it stands at their beginning; hexadecimal; percent
//! encoding as programs for the web do it; strings of JSON. A secret of several lines is sought as a
//! whole and line by line, since terminals change the ends of lines. Long ones are sought in parts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::invocation::SecretBytes;

/// Shorter secrets are sought as they are and in no other form: those of others would be found
/// everywhere.
pub const SHORT_BYTES: usize = 4;
/// Lines of a secret are sought on their own from this length on.
pub const LINE_BYTES: usize = 8;
/// Of a longer secret, only the beginning is sought.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;
/// So many bytes are sought at most, all forms of all secrets together. Short secrets come first,
/// and of each the plain form, base64, hexadecimal, percent encoding, JSON.
pub const MAX_FORM_BYTES: usize = 512 * 1024;

/// A longer secret is sought in parts of this length.
const PART_BYTES: usize = 1023;
/// Parts overlap, so that in base64 no character between two remains. Three bytes are four
/// characters, so all parts stand alike.
const PART_STEP: usize = PART_BYTES - 3;
/// What a line of encoded data holds: 64 characters (PEM), 76 characters (MIME, `base64`).
const WRAPPED_BYTES: [usize; 2] = [48, 57];

/// Characters besides letters and digits that are not percent-encoded, and whether a space becomes
/// a plus sign: RFC 3986 and Python, Python for paths, Python for forms, forms of pages,
/// `encodeURIComponent`, `encodeURI`.
const PERCENT: [(&[u8], bool); 6] = [
    (b"-._~", false),
    (b"-._~/", false),
    (b"-._~", true),
    (b"-._*", true),
    (b"-._~!'()*", false),
    (b"-._~!'()*;,/?:@&=+$#", false),
];

/// What is sought, sorted.
pub(super) fn of(secrets: &[SecretBytes]) -> Vec<Vec<u8>> {
    let mut values: BTreeSet<(usize, &[u8])> = BTreeSet::new();
    for secret in secrets {
        let secret = secret.expose();
        let secret = secret.get(..MAX_SECRET_BYTES).unwrap_or(secret);
        let whole = without_line_end(secret);
        let lines = whole.split(|&byte| byte == b'\n').map(without_line_end);
        values.extend(lines.filter(|line| line.len() >= LINE_BYTES).map(|line| (line.len(), line)));
        // A secret of nothing but line ends is none.
        values.extend((!whole.is_empty()).then_some((whole.len(), whole)));
    }
    let mut forms = Forms::default();
    for (_, value) in values {
        // Others are as long or longer.
        if forms.is_full {
            break;
        }
        forms.add_all(value);
    }
    forms.sought.into_iter().collect()
}

#[derive(Default)]
struct Forms {
    sought: BTreeSet<Vec<u8>>,
    bytes: usize,
    /// Whether something was left out.
    is_full: bool,
}

impl Forms {
    fn add_all(&mut self, value: &[u8]) {
        let kinds: &[fn(&mut Self, &[u8])] = if value.len() < SHORT_BYTES {
            &[Self::add_plain]
        } else {
            &[Self::add_plain, Self::add_base64, Self::add_hex, Self::add_percent, Self::add_json]
        };
        for add in kinds {
            for part in parts(value) {
                add(self, part);
            }
        }
        self.add_wrapped_base64(value);
    }

    fn add(&mut self, form: Vec<u8>) {
        let bytes = self.bytes.saturating_add(form.len());
        if bytes > MAX_FORM_BYTES {
            self.is_full = true;
        } else if !form.is_empty() && self.sought.insert(form) {
            self.bytes = bytes;
        }
    }

    fn add_plain(&mut self, part: &[u8]) {
        self.add(part.to_vec());
    }

    /// With zero, one or two bytes before it, modulo three. Characters that also depend on what is
    /// before or behind are left out, but for the last if nothing is behind.
    fn add_base64(&mut self, part: &[u8]) {
        for unknown in [&[][..], &[0], &[0, 0]] {
            let bytes = [unknown, part].concat();
            let first = (unknown.len() * 8).div_ceil(6);
            let complete = bytes.len() * 8 / 6;
            for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                for end in [complete, encoded.len()] {
                    let form = encoded.get(first..end).unwrap_or_default();
                    self.add(form.as_bytes().to_vec());
                }
            }
        }
    }

    fn add_wrapped_base64(&mut self, value: &[u8]) {
        for line_bytes in WRAPPED_BYTES.into_iter().filter(|bytes| value.len() > *bytes) {
            for line in value.chunks(line_bytes).filter(|line| line.len() >= LINE_BYTES) {
                self.add(STANDARD_NO_PAD.encode(line).into_bytes());
            }
        }
    }

    fn add_hex(&mut self, part: &[u8]) {
        self.add(hex::encode(part).into_bytes());
        self.add(hex::encode_upper(part).into_bytes());
    }

    fn add_percent(&mut self, part: &[u8]) {
        for digits in [Digits::Upper, Digits::Lower] {
            for (kept, space_is_plus) in PERCENT {
                self.add(percent(part, digits, |byte| match byte {
                    b' ' if space_is_plus => Some(b'+'),
                    _ => (byte.is_ascii_alphanumeric() || kept.contains(&byte)).then_some(byte),
                }));
            }
            self.add(percent(part, digits, |_| None));
        }
    }

    fn add_json(&mut self, part: &[u8]) {
        // A character that is divided here is whole in the next part.
        let texts = part.utf8_chunks().map(|chunk| chunk.valid());
        for text in texts.filter(|text| text.len() >= part.len().min(LINE_BYTES)) {
            for non_ascii in [None, Some(Digits::Lower), Some(Digits::Upper)] {
                for escapes_slash in [false, true] {
                    for escapes_markup in [false, true] {
                        let style = Json { non_ascii, escapes_slash, escapes_markup };
                        self.add(style.encode(text).into_bytes());
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    Lower,
    Upper,
}

fn percent(part: &[u8], digits: Digits, keep: impl Fn(u8) -> Option<u8>) -> Vec<u8> {
    let mut form = Vec::with_capacity(part.len().saturating_mul(3));
    for &byte in part {
        match keep(byte) {
            Some(kept) => form.push(kept),
            None if digits == Digits::Upper => form.extend(format!("%{byte:02X}").into_bytes()),
            None => form.extend(format!("%{byte:02x}").into_bytes()),
        }
    }
    form
}

/// A way to write strings in JSON.
#[derive(Clone, Copy)]
struct Json {
    /// Whether and how characters outside ASCII are escaped.
    non_ascii: Option<Digits>,
    /// `\/`
    escapes_slash: bool,
    /// `<`, `>` and `&`, so that the text can stand in a page.
    escapes_markup: bool,
}

impl Json {
    fn encode(self, text: &str) -> String {
        let mut form = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '"' => form.push_str("\\\""),
                '\\' => form.push_str("\\\\"),
                '/' if self.escapes_slash => form.push_str("\\/"),
                '\u{8}' => form.push_str("\\b"),
                '\u{c}' => form.push_str("\\f"),
                '\n' => form.push_str("\\n"),
                '\r' => form.push_str("\\r"),
                '\t' => form.push_str("\\t"),
                '<' | '>' | '&' if self.escapes_markup => self.escape(&mut form, character),
                '\0'..='\u{1f}' => self.escape(&mut form, character),
                '\u{80}'.. if self.non_ascii.is_some() => self.escape(&mut form, character),
                plain => form.push(plain),
            }
        }
        form
    }

    fn escape(self, form: &mut String, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let written = match self.non_ascii {
                Some(Digits::Upper) => write!(form, "\\u{unit:04X}"),
                _ => write!(form, "\\u{unit:04x}"),
            };
            debug_assert!(written.is_ok(), "a string takes everything");
        }
    }
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let is_line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let end = bytes.iter().rposition(|byte| !is_line_end(byte)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// The last part is as long as the others, so that it is not found everywhere.
fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = value.len().saturating_sub(PART_BYTES);
    let starts = (0..last).step_by(PART_STEP).chain(std::iter::once(last));
    starts.filter_map(|start| value.get(start..value.len().min(start + PART_BYTES)))
}
