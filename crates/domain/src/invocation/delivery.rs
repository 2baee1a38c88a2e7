//! How checked values reach a script: which become words, which go to standard input, which are
//! files. `secrets_via` decides for secrets, and what may be shown of them.

use std::ffi::OsString;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{SecretBytes, Word};
use crate::access::Grant;
use crate::arguments::{ArgvWord, CheckedArguments, HIDDEN, Input};
use crate::catalogue::{Script, SecretsVia};

/// Shortest line of a secret of several lines that is masked by itself, in bytes.
const LEAST_LINE_BYTES: usize = 8;
/// Once there are so many texts to be masked, lines are not added any more.
const MAX_MASKED: usize = 1024;

/// Checked values on their way.
pub(super) struct Delivery {
    /// Words behind the script.
    pub(super) words: Vec<Word>,
    /// How words that hold secrets may be shown: place among the words and text.
    pub(super) shown: Vec<(usize, String)>,
    /// Standard input.
    pub(super) stdin: Zeroizing<Vec<u8>>,
    /// What must not appear in output.
    pub(super) secrets: Vec<SecretBytes>,
}

impl Delivery {
    pub(super) fn new(checked: &CheckedArguments<'_>) -> Self {
        let script = checked.authorized().script();
        let mut delivery = Self {
            words: Vec::with_capacity(checked.words().len()),
            shown: Vec::new(),
            stdin: Zeroizing::default(),
            secrets: Vec::new(),
        };
        let mut lines = Zeroizing::new(String::new());
        for word in checked.words() {
            delivery.push(word, script.runs.secrets_via, &mut lines);
        }
        delivery.stdin = encode_stdin(script, lines, checked.inputs());
        // What the authentication script prints is for the server alone, which has to read it.
        if checked.authorized().grant() != Grant::SignIn {
            delivery.secrets = to_be_masked(checked, script);
        }
        delivery
    }

    fn push(&mut self, word: &ArgvWord, via: SecretsVia, lines: &mut String) {
        match (word, via) {
            (ArgvWord::Plain(text), _) => self.push_plain(text),
            (ArgvWord::SecretName(_), SecretsVia::Stdin) => {}
            (ArgvWord::SecretName(name), SecretsVia::Argv | SecretsVia::Descriptor) => {
                self.push_plain(name);
            }
            (ArgvWord::Secret(value) | ArgvWord::Joined { value, .. }, SecretsVia::Stdin) => {
                lines.push_str(value.expose_secret());
                lines.push('\n');
            }
            (ArgvWord::Secret(value), SecretsVia::Argv) => {
                self.push_shown(Word::Plain(value.expose_secret().into()), HIDDEN.to_owned());
            }
            (ArgvWord::Joined { name, value }, SecretsVia::Argv) => {
                let text = format!("{name}={}", value.expose_secret());
                self.push_shown(Word::Plain(OsString::from(text)), word.shown());
            }
            (ArgvWord::Secret(value), SecretsVia::Descriptor) => self.push_file(value),
            (ArgvWord::Joined { name, value }, SecretsVia::Descriptor) => {
                self.push_plain(name);
                self.push_file(value);
            }
        }
    }

    fn push_plain(&mut self, text: &str) {
        self.words.push(Word::Plain(OsString::from(text)));
    }

    fn push_file(&mut self, value: &secrecy::SecretString) {
        let secret = SecretBytes::new(value.expose_secret().as_bytes().to_vec());
        self.push_shown(Word::SecretFile(secret), "/dev/fd/N".to_owned());
    }

    fn push_shown(&mut self, word: Word, shown: String) {
        self.shown.push((self.words.len(), shown));
        self.words.push(word);
    }
}

/// Lines of secrets, then the inputs: joined with line feeds, with a final one for live scripts.
///
/// Latin-1 if every character fits, as the reference does, else UTF-8 (scripts.md §6 `Do`). Scripts
/// that read secrets here are written for this server: theirs is always UTF-8.
fn encode_stdin(
    script: &Script,
    mut text: Zeroizing<String>,
    inputs: &[Input],
) -> Zeroizing<Vec<u8>> {
    for (index, input) in inputs.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(input.expose());
    }
    if script.real_time && !inputs.is_empty() {
        text.push('\n');
    }
    let bytes = if is_stdin_utf8(script) { None } else { as_latin_1(&text) };
    bytes.unwrap_or_else(|| Zeroizing::new(text.as_bytes().to_vec()))
}

fn is_stdin_utf8(script: &Script) -> bool {
    script.runs.secrets_via == SecretsVia::Stdin
}

fn as_latin_1(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = text.chars().map(|character| u8::try_from(u32::from(character)).ok());
    bytes.collect::<Option<_>>().map(Zeroizing::new)
}

/// Every secret once, without the line ends around it, which would hide it from the search; then
/// long lines of secrets of several lines, as far as there is room.
fn to_be_masked(checked: &CheckedArguments<'_>, script: &Script) -> Vec<SecretBytes> {
    let whole = || checked.secrets().map(|secret| secret.trim_matches(['\r', '\n']));
    let mut all: Vec<SecretBytes> = Vec::new();
    for secret in whole() {
        add(&mut all, secret.as_bytes());
        if let Some(latin) = as_latin_1(secret).filter(|_| !is_stdin_utf8(script)) {
            add(&mut all, &latin);
        }
    }
    for line in whole().filter(|secret| secret.contains('\n')).flat_map(str::lines) {
        if line.len() >= LEAST_LINE_BYTES && all.len() < MAX_MASKED {
            add(&mut all, line.as_bytes());
        }
    }
    all
}

fn add(all: &mut Vec<SecretBytes>, bytes: &[u8]) {
    if !bytes.is_empty() && !all.iter().any(|known| known.expose() == bytes) {
        all.push(SecretBytes::new(bytes.to_vec()));
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::testkit::script;

    fn stdin(script: &Script, lines: &str, inputs: &[&str]) -> Vec<u8> {
        let inputs: Vec<Input> = inputs.iter().map(|text| Input::Plain((*text).into())).collect();
        encode_stdin(script, Zeroizing::new(lines.to_owned()), &inputs).to_vec()
    }

    #[test]
    fn standard_input_is_latin_1_when_it_can_be() {
        let plain = script("x").build();
        let live = script("x").real_time().build();

        assert_eq!(stdin(&plain, "", &["caf\u{e9}", "x"]), b"caf\xe9\nx");
        assert_eq!(stdin(&live, "", &["caf\u{e9}", "x"]), b"caf\xe9\nx\n");
        assert_eq!(stdin(&plain, "", &["\u{20ac}"]), "\u{20ac}".as_bytes());
        assert_eq!(stdin(&live, "", &[]), b"");
    }

    #[test]
    fn standard_input_with_secrets_is_utf_8_and_they_come_first() {
        let script = script("x").runs(|rules| rules.secrets_via = SecretsVia::Stdin).build();

        assert_eq!(stdin(&script, "s\u{e9}cret\n", &["a", "b"]), "s\u{e9}cret\na\nb".as_bytes());
        assert_eq!(stdin(&script, "one\ntwo\n", &[]), b"one\ntwo\n");
    }
}
