//! Links in the output of programs: `OSC 8 ; parameters ; address`.

use std::sync::Arc;

use anstyle_parse::{Parser, Perform};

/// Longest sequence of a link, in bytes, and its parts at most: the parser cuts longer ones, and half
/// an address leads elsewhere.
const LONGEST: usize = 1000;
const MOST_PARTS: usize = 15;

/// Tells to which address the text of one stream leads, character by character.
#[derive(Debug, Default)]
pub struct Links {
    parser: Parser,
    found: Found,
}

impl Links {
    /// Takes the next character.
    pub fn push(&mut self, character: char) {
        self.found.inside |= character == '\u{1b}';
        if !self.found.inside {
            return;
        }
        let mut bytes = [0; 4];
        for byte in character.encode_utf8(&mut bytes).bytes() {
            self.parser.advance(&mut self.found, byte);
        }
    }

    /// The address of the text that comes next; `None`: it is no link.
    pub fn address(&self) -> Option<&Arc<str>> {
        self.found.address.as_ref()
    }
}

#[derive(Debug, Default)]
struct Found {
    address: Option<Arc<str>>,
    /// Whether a sequence has begun and not ended: other text is not looked at.
    inside: bool,
}

impl Perform for Found {
    fn print(&mut self, _: char) {
        self.inside = false;
    }

    fn unhook(&mut self) {
        self.inside = false;
    }

    fn csi_dispatch(&mut self, _: &anstyle_parse::Params, _: &[u8], _: bool, _: u8) {
        self.inside = false;
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.inside = false;
    }

    fn osc_dispatch(&mut self, parameters: &[&[u8]], _: bool) {
        self.inside = false;
        let [b"8", _, address @ ..] = parameters else { return };
        let length: usize = parameters.iter().map(|part| part.len() + 1).sum();
        if length > LONGEST || parameters.len() > MOST_PARTS {
            self.address = None;
            return;
        }
        // An address may hold semicolons, at which the parser has split it.
        self.address = address_of(&address.join(&b';'));
    }
}

/// Only pages of the web: whatever else an address could do is not for the output of a script.
fn address_of(bytes: &[u8]) -> Option<Arc<str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_web && is_plain).then(|| Arc::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_after(text: &str) -> Option<String> {
        let mut links = Links::default();
        text.chars().for_each(|character| links.push(character));
        links.address().map(ToString::to_string)
    }

    #[test]
    fn a_link_lasts_until_the_next_one_or_its_end() {
        let begun = "\x1b]8;;https://example.org/a;b\x1b\\";
        let address = Some("https://example.org/a;b".to_owned());

        assert_eq!(address_after(begun), address);
        assert_eq!(address_after(&format!("{begun}text\x1b[1m")), address);
        assert_eq!(address_after(&format!("{begun}text\x1b]8;;\x1b\\")), None);
        assert_eq!(
            address_after(&format!("{begun}\x1b]8;id=1;http://x/\x07")),
            Some("http://x/".to_owned())
        );
    }

    #[test]
    fn other_addresses_than_those_of_the_web_are_no_links() {
        for address in ["javascript:alert(1)", "file:///etc/passwd", "//x", "https://ä/"] {
            assert_eq!(address_after(&format!("\x1b]8;;{address}\x07")), None, "{address}");
        }
    }

    #[test]
    fn an_address_that_may_have_been_cut_is_no_link() {
        for address in ["x".repeat(LONGEST), "x".repeat(100_000), ";".repeat(MOST_PARTS)] {
            let sequence = format!("\x1b]8;;https://{address}\x07");
            assert_eq!(address_after(&sequence), None, "{}", address.len());
        }
    }
}
