//! Where a password comes from: a file, standard input, or a terminal that does not show it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use webscripts_domain::password::MAX_BYTES;

/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// Reads the first line of a file, without its end; `-` is standard input.
///
/// Warns when other accounts may read the file.
///
/// # Errors
///
/// When it cannot be read, its first line is empty, no UTF-8 or longer than a password may be.
pub fn from_file(path: &Path) -> anyhow::Result<SecretString> {
    if path == Path::new("-") {
        return first_line(&mut io::stdin().lock()).context("standard input holds no password");
    }
    let named = || format!("the password file `{}` cannot be used", path.display());
    let file = File::open(path).with_context(named)?;
    let status = file.metadata().with_context(named)?;
    if status.is_file() && status.mode() & 0o077 != 0 {
        warn_of_readers(path, status.mode() & 0o7777);
    }
    first_line(&mut BufReader::new(file)).with_context(named)
}

#[expect(clippy::print_stderr, reason = "a warning for the person at the terminal")]
fn warn_of_readers(path: &Path, mode: u32) {
    let name = path.display();
    eprintln!(
        "webscripts: warning: other accounts may read `{name}` (mode {mode:04o}): use `chmod 600`"
    );
}

/// Asks twice on the terminal, without showing what is typed.
///
/// # Errors
///
/// When there is no terminal, nothing was typed, or not the same twice.
pub fn from_terminal(name: &str) -> anyhow::Result<SecretString> {
    if !io::stdin().is_terminal() {
        bail!(
            "a password is asked for on a terminal only: use `--password-file FILE` (`-` is \
             standard input) or `--generate`"
        );
    }
    let first = ask(&format!("New password of `{name}`: "))?;
    let second = ask("Again: ")?;
    if first.expose_secret() != second.expose_secret() {
        bail!("the two passwords are different; nothing was changed");
    }
    Ok(first)
}

fn ask(question: &str) -> anyhow::Result<SecretString> {
    const UNUSABLE: &str = "the terminal cannot be used";
    let mut out = io::stderr();
    let line = {
        // Before the question: what is typed after it must neither be shown nor lost.
        let _hidden = Hidden::start().context(UNUSABLE)?;
        write!(out, "{question}").and_then(|()| out.flush()).context(UNUSABLE)?;
        read_until_any(&mut io::stdin().lock(), &[b'\n', INTERRUPT]).context(UNUSABLE)?
    };
    writeln!(out).context(UNUSABLE)?;
    if line.contains(&INTERRUPT) {
        bail!("interrupted; nothing was changed");
    }
    first_line(&mut line.as_slice()).context("no password was typed")
}

/// A terminal that does not show what is typed, until dropped.
///
/// Ctrl-C ends the line instead of the program, which would leave the terminal silent.
struct Hidden(Termios);

impl Hidden {
    fn start() -> rustix::io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ISIG;
        silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing else can be done when the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}

fn first_line(input: &mut impl BufRead) -> anyhow::Result<SecretString> {
    let bytes = read_until_any(input, b"\n").context("it cannot be read")?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        bail!("the first line is empty");
    }
    let text = std::str::from_utf8(line).context("the first line is no UTF-8 text")?;
    Ok(SecretString::from(text))
}

/// Reads up to one of these bytes, the byte included, or a little more than a password may be.
fn read_until_any(input: &mut impl BufRead, ends: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    const MOST: usize = MAX_BYTES + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST));
    loop {
        let available = input.fill_buf()?;
        let end = available.iter().position(|byte| ends.contains(byte));
        let count = end.map_or(available.len(), |at| at + 1).min(MOST - bytes.len());
        bytes.extend(available.iter().take(count));
        input.consume(count);
        if end.is_some() || count == 0 {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let line = first_line(&mut &*bytes).map_err(|error| error.to_string())?;
        Ok(line.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_without_its_end_is_the_password() {
        assert_eq!(read(b"a b \nsecond").unwrap(), "a b ");
        assert_eq!(read(b"caf\xc3\xa9\r\n").unwrap(), "caf\u{e9}");
        assert_eq!(read(b"no end").unwrap(), "no end");
    }

    #[test]
    fn a_line_that_is_no_password_is_named() {
        assert_eq!(read(b"\nsecond").unwrap_err(), "the first line is empty");
        assert_eq!(read(b"").unwrap_err(), "the first line is empty");
        assert_eq!(read(b"caf\xe9\n").unwrap_err(), "the first line is no UTF-8 text");
    }

    #[test]
    fn a_line_that_is_too_long_stays_too_long() {
        let line = vec![b'x'; MAX_BYTES * 2];

        assert!(read(&line).unwrap().len() > MAX_BYTES);
    }
}
