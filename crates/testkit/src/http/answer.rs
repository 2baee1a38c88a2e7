//! Reading an answer.

use std::io::{self, Read};

use anyhow::{Context, Result};
use serde_json::Value;

/// Largest head of an answer that is read.
const MAX_HEAD: usize = 256 * 1024;

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// Status code.
    pub status: u16,
    /// Words after the code.
    pub reason: String,
    /// Headers in order; bytes beyond ASCII as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The body, without transfer coding.
    pub body: Vec<u8>,
}

/// Why no answer could be read.
#[derive(Debug)]
pub enum ReadError {
    /// The patience ran out before the first byte.
    Silent,
    /// The connection ended, or what came is no answer; with what came.
    Broken(Vec<u8>, io::Error),
}

impl Answer {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All headers of this name.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The body as text; wrong bytes are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, the order of keys kept.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("no JSON in: {} {}", self.status, self.text()))
    }

    /// Reads the answer to a request of this method. Interim answers (1xx) are skipped; bytes of
    /// later answers stay in `buffer`.
    ///
    /// # Errors
    ///
    /// When nothing comes, or something that is no answer.
    pub fn read(
        stream: &mut impl Read,
        buffer: &mut Vec<u8>,
        method: &str,
    ) -> Result<Self, ReadError> {
        loop {
            let mut answer = Self::read_head(stream, buffer)?;
            if (100..200).contains(&answer.status) {
                continue;
            }
            let has_body = method != "HEAD" && !matches!(answer.status, 204 | 304);
            if has_body {
                answer.body = answer
                    .read_body(stream, buffer)
                    .map_err(|error| ReadError::Broken(std::mem::take(buffer), error))?;
            }
            return Ok(answer);
        }
    }

    fn read_head(stream: &mut impl Read, buffer: &mut Vec<u8>) -> Result<Self, ReadError> {
        let end = loop {
            if let Some(at) = find(buffer, b"\r\n\r\n") {
                break at;
            }
            if buffer.len() > MAX_HEAD {
                return Err(broken(buffer, "the head of the answer has no end"));
            }
            match fill(stream, buffer) {
                Ok(()) => {}
                Err(error) if buffer.is_empty() && is_timeout(&error) => {
                    return Err(ReadError::Silent);
                }
                Err(error) => return Err(ReadError::Broken(std::mem::take(buffer), error)),
            }
        };
        let head: Vec<u8> = buffer.drain(..end + 4).collect();
        Self::parse_head(&head).ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP answer");
            ReadError::Broken(head.clone(), error)
        })
    }

    fn parse_head(head: &[u8]) -> Option<Self> {
        let text: String = head.iter().copied().map(char::from).collect();
        let mut lines = text.split("\r\n");
        let mut status_line = lines.next()?.splitn(3, ' ');
        let version = status_line.next().filter(|version| version.starts_with("HTTP/1."))?;
        let status = status_line.next()?.parse().ok()?;
        let reason = status_line.next().unwrap_or_default();
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(':').map(|(n, v)| (n.to_owned(), v.trim().to_owned())))
            .collect::<Option<_>>()?;
        Some(Self {
            version: version.to_owned(),
            status,
            reason: reason.to_owned(),
            headers,
            body: Vec::new(),
        })
    }

    fn read_body(&self, stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        let is_chunked = self
            .header("Transfer-Encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        if is_chunked {
            return read_chunks(stream, buffer);
        }
        let Some(length) = self.header("Content-Length") else {
            stream.read_to_end(buffer)?;
            return Ok(std::mem::take(buffer));
        };
        let length: usize = length.parse().map_err(io::Error::other)?;
        while buffer.len() < length {
            fill(stream, buffer)?;
        }
        Ok(buffer.drain(..length).collect())
    }
}

fn read_chunks(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream, buffer)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(io::Error::other)?;
        if length == 0 {
            while !read_line(stream, buffer)?.is_empty() {}
            return Ok(body);
        }
        while buffer.len() < length + 2 {
            fill(stream, buffer)?;
        }
        body.extend(buffer.drain(..length));
        buffer.drain(..2);
    }
}

fn read_line(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(end) = find(buffer, b"\r\n") {
            let line: Vec<u8> = buffer.drain(..end + 2).take(end).collect();
            return String::from_utf8(line).map_err(io::Error::other);
        }
        fill(stream, buffer)?;
    }
}

fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 16 * 1024];
    let count = stream.read(&mut chunk)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.extend(chunk.iter().take(count));
    Ok(())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn broken(buffer: &mut Vec<u8>, why: &str) -> ReadError {
    ReadError::Broken(std::mem::take(buffer), io::Error::other(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str, method: &str) -> (Answer, String) {
        let mut buffer = Vec::new();
        let answer = Answer::read(&mut bytes.as_bytes(), &mut buffer, method).unwrap();
        (answer, String::from_utf8(buffer).unwrap())
    }

    #[test]
    fn the_length_ends_the_body_and_the_rest_is_kept() {
        let (answer, rest) =
            read("HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 2\r\n\r\nhiHTTP", "GET");

        assert_eq!((answer.status, answer.reason.as_str()), (404, "Not Found"));
        assert_eq!(answer.header("a"), Some("b"));
        assert_eq!(answer.text(), "hi");
        assert_eq!(rest, "HTTP");
    }

    #[test]
    fn chunks_are_joined() {
        let (answer, rest) = read(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
            "GET",
        );

        assert_eq!((answer.text().as_str(), rest.as_str()), ("abc", ""));
    }

    #[test]
    fn interim_answers_are_skipped() {
        let (answer, _) =
            read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end", "POST");

        assert_eq!((answer.status, answer.text().as_str()), (200, "to the end"));
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let (answer, rest) = read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD");

        assert_eq!((answer.body.len(), rest.as_str()), (0, ""));
    }

    #[test]
    fn other_bytes_are_no_answer() {
        let mut buffer = Vec::new();
        let error = Answer::read(&mut &b"hello\r\n\r\n"[..], &mut buffer, "GET").unwrap_err();

        assert!(matches!(error, ReadError::Broken(bytes, _) if bytes == b"hello\r\n\r\n"));
    }
}
