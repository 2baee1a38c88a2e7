//! An order on its way to a supervisor: the length of its head (u32, little endian), the head, and
//! the bytes for standard input, which are not copied on the other side.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use webscripts_domain::invocation::{
    Invocation, Limits, ScriptFile, SecretBytes, TerminalSize, Word,
};
use webscripts_domain::sandbox::{Protected, Sandbox};
use zeroize::Zeroizing;

/// Bytes of the length before the head.
const LENGTH_BYTES: usize = 4;

/// Everything of an order but its standard input, borrowed from the order or the message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order<'a> {
    /// Which run it is.
    pub(super) run: [u8; 16],
    /// What the supervisor shows to a restarted server.
    pub(super) token: [u8; 32],
    /// The socket of a restarted server.
    #[serde(borrow)]
    rendezvous: &'a [u8],
    #[serde(borrow)]
    program: &'a [u8],
    #[serde(borrow)]
    pub(super) words: Vec<OrderedWord<'a>>,
    #[serde(borrow)]
    pub(super) environment: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    directory: &'a [u8],
    #[serde(borrow)]
    place: &'a [u8],
    pub(super) limits: Limits,
    pub(super) keep_stdin_open: bool,
    pub(super) terminal: Option<TerminalSize>,
    pub(super) sandbox: Cow<'a, Sandbox>,
    /// `None`: as in the last order for the same supervisor.
    pub(super) protected: Option<Cow<'a, Protected>>,
    pub(super) sandbox_required: bool,
    pub(super) script: Option<Cow<'a, ScriptFile>>,
    #[serde(borrow)]
    pub(super) secrets: Vec<&'a [u8]>,
}

/// A word of the command line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum OrderedWord<'a> {
    /// As it is.
    Plain(&'a [u8]),
    /// The name of a file that holds this.
    SecretFile(&'a [u8]),
}

impl<'a> Order<'a> {
    /// What an order says. `knows_protected`: the supervisor had the same in its last order.
    pub(super) fn new(
        what: &'a Invocation,
        token: [u8; 32],
        rendezvous: &'a Path,
        knows_protected: bool,
    ) -> Self {
        let word = |word: &'a Word| match word {
            Word::Plain(word) => OrderedWord::Plain(word.as_bytes()),
            Word::SecretFile(secret) => OrderedWord::SecretFile(secret.expose()),
        };
        let pair = |(name, value): &'a (String, String)| (name.as_str(), value.as_str());
        Self {
            run: what.run().bytes(),
            token,
            rendezvous: rendezvous.as_os_str().as_bytes(),
            program: what.program().as_os_str().as_bytes(),
            words: what.arguments().iter().map(word).collect(),
            environment: what.environment().iter().map(pair).collect(),
            directory: what.directory().as_os_str().as_bytes(),
            place: what.place().as_os_str().as_bytes(),
            limits: what.limits(),
            keep_stdin_open: what.keeps_stdin_open(),
            terminal: what.terminal(),
            sandbox: Cow::Borrowed(what.sandbox()),
            protected: (!knows_protected).then(|| Cow::Borrowed(&**what.protected())),
            sandbox_required: what.is_sandbox_required(),
            script: what.script().map(Cow::Borrowed),
            secrets: what.secrets().iter().map(SecretBytes::expose).collect(),
        }
    }

    /// The program: an absolute path, or a name to look up.
    pub(super) fn program(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.program))
    }

    /// The working directory.
    pub(super) fn directory(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.directory))
    }

    /// The directory of the run.
    pub(super) fn place(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.place))
    }

    /// The socket of a restarted server.
    pub(super) fn rendezvous(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.rendezvous))
    }

    /// The whole message, with standard input. It may hold secrets, so it is wiped when dropped.
    pub(super) fn encode(&self, stdin: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotAnOrder> {
        let secrets = self.secrets.iter().map(|secret| secret.len()).sum::<usize>();
        let room = LENGTH_BYTES + 4096 + secrets + stdin.len();
        let mut message = Vec::with_capacity(room);
        message.extend([0; LENGTH_BYTES]);
        let mut message = Zeroizing::new(postcard::to_extend(self, message)?);
        let head = message.len() - LENGTH_BYTES;
        let head = u32::try_from(head).map_err(|_| NotAnOrder::Length)?;
        if let Some(length) = message.get_mut(..LENGTH_BYTES) {
            length.copy_from_slice(&head.to_le_bytes());
        }
        message.extend_from_slice(stdin);
        Ok(message)
    }

    /// How long the length and the head are, from the first bytes of a message.
    pub(super) fn length(start: &[u8]) -> Option<u64> {
        let (length, _) = start.split_first_chunk()?;
        Some(u64::from(u32::from_le_bytes(*length)) + LENGTH_BYTES as u64)
    }

    /// Reads a message; the second part is standard input.
    pub(super) fn decode(message: &'a [u8]) -> Result<(Self, &'a [u8]), NotAnOrder> {
        let (length, rest) = message.split_first_chunk().ok_or(NotAnOrder::Length)?;
        let head = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| NotAnOrder::Length)?;
        let (head, stdin) = rest.split_at_checked(head).ok_or(NotAnOrder::Length)?;
        Ok((postcard::from_bytes(head)?, stdin))
    }
}

/// A message is no order, or an order cannot become a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnOrder {
    /// It is too long, or shorter than it says.
    #[error("the length of an order is wrong")]
    Length,
    /// Its head cannot be written or read.
    #[error("an order cannot be written or read")]
    Head(#[from] postcard::Error),
}

#[cfg(test)]
mod tests {
    use webscripts_domain::run::RunId;
    use webscripts_domain::testkit;

    use super::*;

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let surroundings = testkit::surroundings(Path::new("/work"), Path::new("/runs"));
        let words = ["printf", "a b", ""].map(str::to_owned).to_vec();
        let environment = vec![("A".to_owned(), "é\n".to_owned())];
        let run = RunId::from_bytes([3; 16]);
        let what = Invocation::documentation(run, words, environment, &surroundings).unwrap();

        let sent = Order::new(&what, [7; 32], Path::new("/runs/rendezvous"), false);
        let message = sent.encode(b"input").unwrap();
        let (received, stdin) = Order::decode(&message).unwrap();

        assert_eq!(format!("{received:?}"), format!("{sent:?}"));
        assert_eq!(stdin, b"input");
        assert_eq!(received.place(), what.place());
    }

    #[test]
    fn what_is_cut_off_is_no_order() {
        assert!(matches!(Order::decode(b"\x01\0"), Err(NotAnOrder::Length)));
        assert!(matches!(Order::decode(b"\xff\xff\xff\xff"), Err(NotAnOrder::Length)));
        assert!(matches!(Order::decode(b"\x01\0\0\0\x01"), Err(NotAnOrder::Head(_))));
    }
}
