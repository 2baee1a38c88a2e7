//! One connection.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::answer::{Answer, ReadError};

/// Longest wait for the next byte of an answer. Far above what a working server needs.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a connection is watched for bytes that must not come.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answered(Answer),
    /// Nothing, within the patience.
    Silent,
    /// The connection ended without a complete answer; with what came.
    Closed(Vec<u8>),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects, from `source` if given.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn open(server: SocketAddrV4, source: Option<Ipv4Addr>) -> Result<Self> {
        let socket =
            socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        if let Some(source) = source {
            bind(&socket, &SocketAddrV4::new(source, 0))
                .with_context(|| format!("cannot send from {source}"))?;
        }
        connect(&socket, &server).with_context(|| format!("nobody listens on {server}"))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Waits at most this long for each next byte instead of a minute.
    ///
    /// # Errors
    ///
    /// When the wait is zero.
    pub fn patience(self, patience: Duration) -> Result<Self> {
        self.stream.set_read_timeout(Some(patience))?;
        Ok(self)
    }

    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// When the server has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Ends our side: the server reads the end, we can still read.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn close_sending(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Reads the next answer, to a request of this method.
    ///
    /// # Errors
    ///
    /// Never because of what the server does: that is the outcome.
    pub fn read(&mut self, method: &str) -> Result<Outcome> {
        match Answer::read(&mut self.stream, &mut self.buffer, method) {
            Ok(mut answer) => {
                if method == "HEAD" {
                    answer.body = self.unexpected_bytes();
                }
                Ok(Outcome::Answered(answer))
            }
            Err(ReadError::Silent) => Ok(Outcome::Silent),
            Err(ReadError::Broken(bytes, _)) => Ok(Outcome::Closed(bytes)),
        }
    }

    /// Sends a request and reads its answer. A server may answer before it has read everything, so
    /// both happen at the same time and an error of the sending side alone is no error.
    ///
    /// # Errors
    ///
    /// When the connection cannot be shared between two threads.
    pub fn exchange(&mut self, request: &[u8], method: &str) -> Result<Outcome> {
        let mut sending = self.stream.try_clone()?;
        thread::scope(|scope| {
            scope.spawn(move || drop(sending.write_all(request)));
            self.read(method)
        })
    }

    /// As [`exchange`](Self::exchange), with our side closed after sending.
    ///
    /// # Errors
    ///
    /// When the connection cannot be shared between two threads.
    pub fn exchange_and_close_sending(&mut self, request: &[u8], method: &str) -> Result<Outcome> {
        let mut sending = self.stream.try_clone()?;
        thread::scope(|scope| {
            scope.spawn(move || {
                let sent = sending.write_all(request);
                drop(sent.and_then(|()| sending.shutdown(Shutdown::Write)));
            });
            self.read(method)
        })
    }

    /// What comes after an answer that must be the last. Our side is closed, so that the server ends
    /// the connection instead of waiting for another request.
    fn unexpected_bytes(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.buffer);
        let watched = self.stream.set_read_timeout(Some(AFTERWARDS)).is_ok();
        if watched && self.close_sending().is_ok() {
            // A timeout is the end as well; the bytes read before it are kept.
            drop(self.stream.read_to_end(&mut bytes));
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server for one connection that reads until `until` bytes have come and writes `answer`.
    fn serve(until: usize, answer: &'static [u8]) -> (SocketAddrV4, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let std::net::SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an IPv4 address was asked for")
        };
        let thread = thread::spawn(move || {
            let (mut stream, peer) = listener.accept().unwrap();
            let mut bytes = peer.ip().to_string().into_bytes();
            let mut chunk = [0; 1024];
            while bytes.len() < until {
                match stream.read(&mut chunk).unwrap() {
                    0 => break,
                    count => bytes.extend(&chunk[..count]),
                }
            }
            stream.write_all(answer).unwrap();
            bytes
        });
        (address, thread)
    }

    #[test]
    fn a_request_comes_from_the_given_address() {
        let (address, server) = serve(10, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let mut connection = Connection::open(address, Some(Ipv4Addr::new(127, 0, 0, 9))).unwrap();

        let outcome = connection.exchange(b"hello", "GET").unwrap();

        assert!(matches!(outcome, Outcome::Answered(answer) if answer.status == 200));
        assert_eq!(server.join().unwrap(), b"127.0.0.9hello");
    }

    #[test]
    fn a_closed_side_is_seen_by_the_server_and_the_answer_still_read() {
        let (address, server) = serve(usize::MAX, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let mut connection = Connection::open(address, None).unwrap();

        let outcome = connection.exchange_and_close_sending(b"GET /", "GET").unwrap();

        assert!(matches!(outcome, Outcome::Answered(answer) if answer.status == 400));
        assert_eq!(server.join().unwrap(), b"127.0.0.1GET /");
    }

    #[test]
    fn silence_is_an_outcome() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let std::net::SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an IPv4 address was asked for")
        };
        let connection = Connection::open(address, None).unwrap();

        let mut connection = connection.patience(Duration::from_millis(50)).unwrap();

        assert_eq!(connection.exchange(b"x", "GET").unwrap(), Outcome::Silent);
    }

    #[test]
    fn a_body_after_head_is_noticed() {
        let (address, server) = serve(10, b"HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nbody");
        let mut connection = Connection::open(address, None).unwrap();

        let outcome = connection.exchange(b"HEAD", "HEAD").unwrap();

        assert!(matches!(outcome, Outcome::Answered(answer) if answer.body == b"body"));
        server.join().unwrap();
    }
}
