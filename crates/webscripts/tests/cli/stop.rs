//! How the server stops: cleanly, and with everything it started.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::json;
use webscripts_testkit::{Account, Connection, Request, Server, Stopped};

use crate::program::describe;

/// Holds the pipe open, and so does the process it starts, until both have ended.
const HOLD: &str = "#!/bin/sh\nexec 3>pipe\necho started >&3\nsleep 1000 &\nwait\n";

/// Ends a server in the middle of a run; returns when everything the run started has ended.
fn end_during_a_run(signal: Signal) -> Stopped {
    let described = describe()
        .setting("session_max_time", 600)
        .script("hold.sh", HOLD, &json!({}))
        .account(Account::user("alice"));
    let pipe = described.directory().join("pipe");
    let server = described.start().unwrap();
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let token = server.sign_in("alice").unwrap();
    let request = Request::post("/api/scripts/hold.sh").api_token(&token).run(&json!({}));
    let bytes = request.bytes(&server.host());
    let mut connection = Connection::open(server.address(), None).unwrap();

    thread::scope(|scope| {
        scope.spawn(move || connection.exchange(&bytes, "POST").unwrap());
        let mut pipe = BufReader::new(File::open(&pipe).unwrap());
        let mut line = String::new();
        pipe.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        let stopped = server.end_with(signal).unwrap();
        let mut rest = Vec::new();
        pipe.read_to_end(&mut rest).unwrap();
        stopped
    })
}

/// The last thing a server says.
fn assert_clean(stopped: &Stopped) {
    assert!(stopped.is_clean(), "{:?}\n{}", stopped.status, stopped.log);
    let last = stopped.log.lines().last().unwrap_or_default();
    assert!(last.ends_with("the server has stopped"), "{}", stopped.log);
}

#[test]
fn sigterm_ends_the_server_cleanly_with_the_scripts_that_run() {
    assert_clean(&end_during_a_run(Signal::TERM));
}

#[test]
fn ctrl_c_ends_the_server_cleanly_with_the_scripts_that_run() {
    assert_clean(&end_during_a_run(Signal::INT));
}

#[test]
fn a_server_with_idle_connections_stops_at_once_and_can_start_again() {
    let server = describe().account(Account::user("alice")).start().unwrap();
    let token = server.sign_in("alice").unwrap();
    let mut idle = Connection::open(server.address(), None).unwrap();
    let request = Request::get("/health/live");
    idle.exchange(&request.bytes(&server.host()), "GET").unwrap();

    let stopped = server.stop().unwrap();

    assert_clean(&stopped);
    let server: Server = stopped.instance.serve().unwrap();
    let answer = server.send(&Request::get("/api/session").api_token(&token)).unwrap();
    assert_eq!(answer.status, 200, "the session survives the restart: {answer:?}");
}
