//! What a server and a supervisor say to each other: one value per packet of a `SEQPACKET` socket.
//!
//! A supervisor may be older than the server it talks to, because it outlives servers. So variants
//! and fields are only ever added at the end, and [`VERSION`] is raised when that is not enough.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::handle::WholeOutput;
use super::outcome::Ended;
use super::start_error::Refusal;

/// Version of the language.
pub(super) const VERSION: u32 = 1;
/// Longest packet.
pub(super) const LONGEST_PACKET: usize = 64 * 1024;
/// Longest packet of a supervisor: paths and the reason of a refusal.
pub(super) const LONGEST_REPORT: usize = 16 * 1024;
/// Longest order that fits into a packet; others travel in a file.
pub(super) const LONGEST_INLINE_ORDER: usize = 32 * 1024;
/// Most bytes of input in a packet.
pub(super) const LONGEST_INPUT: usize = 16 * 1024;
/// Most bytes of input that may be on their way to a script.
pub(super) const INPUT_IN_FLIGHT: u64 = 64 * 1024;
/// Longest order at all: 16 MiB of input, 2 MiB of words and environment, and the paths of scripts.
pub(super) const LONGEST_ORDER: u64 = 64 << 20;

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command<'a> {
    /// Start this run.
    Start(#[serde(serialize_with = "in_one_piece")] &'a [u8]),
    /// Start the run that is described in the file that comes with this.
    StartFromFile,
    /// Write this to standard input.
    Input(#[serde(serialize_with = "in_one_piece")] &'a [u8]),
    /// End standard input.
    CloseInput,
    /// Columns and rows of the terminal.
    Resize(u16, u16),
    /// Ask the run to end, then force it.
    Stop,
    /// Force the run to end.
    Kill,
}

/// What a supervisor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The script runs; this is the number of its process.
    Started(u32),
    /// The run did not start.
    Refused(Refusal),
    /// How far it is.
    State(State),
    /// Nothing of the run is left.
    Over(State, Ended),
    /// The first word to a restarted server.
    Hello(Hello),
    /// Nothing of the run is left, and this is all it printed.
    OverWithOutput(State, Ended, WholeOutput),
}

/// Bytes as they are; without this they would be looked at one by one.
fn in_one_piece<S: serde::Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Pieces of output.
    pub(super) chunks: u64,
    /// Bytes of standard output.
    pub(super) stdout: u64,
    /// Bytes of standard error.
    pub(super) stderr: u64,
    /// Bytes of commands' input that were written or will never be.
    pub(super) input_taken: u64,
    /// Whether input is accepted.
    pub(super) input_open: bool,
}

/// Who a supervisor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// [`VERSION`].
    pub(super) version: u32,
    /// The run it keeps.
    pub(super) run: [u8; 16],
    /// The proof.
    pub(super) token: [u8; 32],
    /// The number of the process of the script.
    pub(super) pid: u32,
    /// How far the run is.
    pub(super) state: State,
}

/// What was received.
#[derive(Debug)]
pub(super) enum Received<'a> {
    /// A packet, and the file that came with it.
    Packet(&'a [u8], Option<OwnedFd>),
    /// The other side is gone.
    Closed,
}

/// Sends a packet without waiting.
pub(super) fn send(socket: impl AsFd, packet: &impl Serialize) -> io::Result<()> {
    let packet = postcard::to_stdvec(packet).map_err(io::Error::other)?;
    send_packet(socket, &packet)
}

fn send_packet(socket: impl AsFd, packet: &[u8]) -> io::Result<()> {
    rustix::net::send(socket, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// An order, ready to be sent.
#[derive(Debug)]
pub(super) struct Packed {
    packet: zeroize::Zeroizing<Vec<u8>>,
    file: Option<OwnedFd>,
}

impl Packed {
    /// Puts an order into a packet, or into a file that nobody can change any more.
    pub(super) fn new(order: &[u8]) -> io::Result<Self> {
        let encode = |command: &Command<'_>| {
            postcard::to_stdvec(command).map(zeroize::Zeroizing::new).map_err(io::Error::other)
        };
        if order.len() <= LONGEST_INLINE_ORDER {
            return Ok(Self { packet: encode(&Command::Start(order))?, file: None });
        }
        let file = sealed_file("order", order)?;
        Ok(Self { packet: encode(&Command::StartFromFile)?, file: Some(file) })
    }

    /// Sends it without waiting.
    pub(super) fn send(&self, socket: impl AsFd) -> io::Result<()> {
        let Some(file) = &self.file else { return send_packet(socket, &self.packet) };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&files));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(socket, &[IoSlice::new(&self.packet)], &mut control, flags)?;
        Ok(())
    }
}

/// A file without a name that holds this and stays as it is.
pub(super) fn sealed_file(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut rest = content;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals)?;
    Ok(file)
}

/// Takes the next packet without waiting; `EAGAIN` when there is none. `room`: for the
/// longest packet of the other side.
pub(super) fn receive(socket: impl AsFd, room: &mut [u8]) -> io::Result<Received<'_>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(room)], &mut control, flags)?;
    let file = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::Error::other("a packet is longer than any may be"));
    }
    if received.bytes == 0 {
        return Ok(Received::Closed);
    }
    Ok(Received::Packet(room.get(..received.bytes).unwrap_or_default(), file))
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        let flags = SocketFlags::CLOEXEC;
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
    }

    #[test]
    fn packets_arrive_one_by_one() {
        let (server, supervisor) = pair();
        send(&server, &Command::Input(b"abc")).unwrap();
        send(&server, &Command::Resize(80, 24)).unwrap();
        drop(server);
        let mut room = vec![0; LONGEST_PACKET];

        for expected in [Command::Input(b"abc"), Command::Resize(80, 24)] {
            let received = receive(&supervisor, &mut room).unwrap();
            let Received::Packet(packet, None) = received else { panic!("{received:?}") };
            assert_eq!(postcard::from_bytes::<Command<'_>>(packet).unwrap(), expected);
        }
        assert!(matches!(receive(&supervisor, &mut room), Ok(Received::Closed)));
    }

    #[test]
    fn a_large_order_comes_as_a_file() {
        let (server, supervisor) = pair();
        let order = vec![b'x'; 3 << 20];
        Packed::new(&order).unwrap().send(&server).unwrap();
        let mut room = vec![0; LONGEST_PACKET];

        let received = receive(&supervisor, &mut room).unwrap();

        let Received::Packet(packet, Some(file)) = received else { panic!("{received:?}") };
        assert_eq!(postcard::from_bytes::<Command<'_>>(packet).unwrap(), Command::StartFromFile);
        let mut content = Vec::new();
        io::Read::read_to_end(&mut std::fs::File::from(file), &mut content).unwrap();
        assert!(content == order);
    }

    #[test]
    fn a_full_socket_is_reported_at_once() {
        let (server, _supervisor) = pair();
        let full = std::iter::repeat_with(|| send(&server, &Command::Input(&[0; 1024])))
            .find_map(Result::err)
            .unwrap();

        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }
}
