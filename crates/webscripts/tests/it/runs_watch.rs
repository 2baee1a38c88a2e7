//! A client of the event stream of a run that reads event by event.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use webscripts_testkit::{Request, Server};

use crate::runs_stage::LONG;

/// An event as a browser sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<u64>,
    pub data: Value,
}

/// An open stream.
pub struct Watcher {
    reader: BufReader<TcpStream>,
    pub status: u16,
    pub head: Vec<String>,
    text: String,
    ended: bool,
}

impl Watcher {
    /// Opens the stream at `path`.
    pub fn open(server: &Server, token: &str, path: &str) -> Self {
        Self::send(server, &Request::get(path).api_token(token))
    }

    /// Opens the stream that answers this request.
    pub fn send(server: &Server, request: &Request) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(&request.bytes(&server.host())).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let status = line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut head = Vec::new();
        loop {
            let line = line();
            if line.is_empty() {
                break;
            }
            head.push(line.to_ascii_lowercase());
        }
        Self { reader, status, head, text: String::new(), ended: false }
    }

    /// The next event; `None`: the stream has ended.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
                continue;
            }
            if self.ended || !self.read_chunk() {
                return None;
            }
        }
    }

    /// Reads until an event fits.
    #[track_caller]
    pub fn until(&mut self, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().expect("the stream ended too early");
            if fits(&event) {
                return event;
            }
        }
    }

    /// Everything up to the end of the stream.
    pub fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// False at the end of the body, or of the connection.
    fn read_chunk(&mut self) -> bool {
        let mut line = String::new();
        if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
            self.ended = true;
            return false;
        }
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut bytes = vec![0; length + 2];
        self.reader.read_exact(&mut bytes).unwrap();
        self.ended = length == 0;
        self.text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        length > 0
    }
}

/// Comments and `retry` are no events.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let values: Vec<_> = block.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert!(values.len() <= 1, "one line each: {block}");
        values.first().map(|value| (*value).to_owned())
    };
    let data = field("data: ")?;
    Some(Event {
        name: field("event: ")?,
        id: field("id: ").map(|id| id.parse().unwrap()),
        data: serde_json::from_str(&data).unwrap(),
    })
}

/// The numbers and texts of output events, checked for gaps within the stream they came from.
#[track_caller]
pub fn texts(events: &[Event]) -> Vec<(u64, String)> {
    let mut output = Vec::new();
    for event in events.iter().filter(|event| event.name == "output") {
        let sequence = event.data["sequence"].as_u64().unwrap();
        assert_eq!(event.id, Some(sequence));
        output.push((sequence, event.data["text"].as_str().unwrap().to_owned()));
    }
    assert!(output.is_sorted_by(|(first, _), (second, _)| first < second), "{output:?}");
    output
}
