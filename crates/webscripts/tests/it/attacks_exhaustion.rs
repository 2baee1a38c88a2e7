//! Clients that take everything or never end, and requests with two meanings: row 53 over HTTP/1.1.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use webscripts_testkit::{Account, Answer, Connection, Outcome, Request, Server};

use crate::stage::{Probes as _, error_text, instance, started};

fn server() -> Server {
    instance()
        .probe("probe.sh", &json!({"args": {"word": {"input": true}}}))
        .file("static/html/large.html", "x".repeat(8 << 20), 0o444)
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

/// Keeps asking for pages as another user until `done`; every answer must come.
fn bystander(server: &Server, token: &str, done: &AtomicBool) -> usize {
    let mut answered = 0;
    loop {
        let page = Request::get("/web/").api_token(token);
        assert_eq!(server.send(&page).unwrap().status, 200);
        answered += 1;
        if done.load(Ordering::Relaxed) {
            return answered;
        }
    }
}

fn connect(server: &Server, last: u8) -> Connection {
    Connection::open(server.address(), Some(Ipv4Addr::new(127, 0, 2, last))).unwrap()
}

/// Sends the beginning of something and then waits for the server to end it.
fn wait_for_the_end(server: &Server, beginning: &[u8]) -> Outcome {
    let mut connection = connect(server, 1);
    connection.send(beginning).unwrap();
    connection.read("GET").unwrap()
}

/// All kinds of slowness at once, so that the test takes as long as the longest limit.
#[test]
fn attack_53_slow_clients_are_ended_and_others_are_answered_meanwhile() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let host = server.host();
    let beginnings = [
        String::new(),
        "G".to_owned(),
        "GET / HTTP/1.1".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: "),
        "\r\n".to_owned(),
    ];
    let done = AtomicBool::new(false);

    let answered = thread::scope(|scope| {
        let bystander = scope.spawn(|| bystander(&server, &token, &done));
        let silent: Vec<_> = beginnings
            .iter()
            .map(|beginning| scope.spawn(|| wait_for_the_end(&server, beginning.as_bytes())))
            .collect();
        let idle = scope.spawn(|| {
            let mut connection = connect(&server, 2);
            let request = Request::get("/health/live").bytes(&host);
            assert!(matches!(connection.exchange(&request, "GET").unwrap(), Outcome::Answered(_)));
            connection.read("GET").unwrap()
        });
        let dribble = scope.spawn(|| {
            let mut connection = connect(&server, 3).patience(Duration::from_millis(200)).unwrap();
            connection.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n").as_bytes()).unwrap();
            // Each silent read is a pause; what is sent afterwards never ends the head.
            while connection.send(b"X: y\r\n").is_ok() {
                if let Outcome::Closed(_) | Outcome::Answered(_) = connection.read("GET").unwrap() {
                    return;
                }
            }
        });
        for (client, beginning) in silent.into_iter().zip(&beginnings) {
            let outcome = client.join().unwrap();
            let is_ended = match &outcome {
                Outcome::Closed(bytes) => bytes.is_empty(),
                Outcome::Answered(answer) => matches!(answer.status, 400 | 408),
                Outcome::Silent => false,
            };
            assert!(is_ended, "{beginning:?}: {outcome:?}");
        }
        assert_eq!(idle.join().unwrap(), Outcome::Closed(Vec::new()));
        dribble.join().unwrap();
        done.store(true, Ordering::Relaxed);
        bystander.join().unwrap()
    });
    assert!(answered > 1, "{answered}");
}

#[test]
fn attack_53_slow_bodies_and_slow_readers_hold_up_nobody() {
    const SLOW: u8 = 200;
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let host = server.host();
    let before = server.peak_memory_bytes().unwrap();
    let body = b"{\"arguments\": {\"word\": {\"value\": \"".to_vec();
    let run = Request::post("/api/scripts/probe.sh").api_token(&token).same_origin();
    let run = run.header("Content-Type", "application/json").body(body).bytes(&host);
    let run =
        String::from_utf8(run).unwrap().replace("Content-Length: 34", "Content-Length: 4000000");
    assert!(run.contains("4000000"), "{run}");
    let sign_in = run.replace("/api/scripts/probe.sh", "/auth/");
    let download = Request::get("/static/large.html").bytes(&host);

    let held: Vec<Connection> = (1..=SLOW)
        .map(|number| {
            let mut connection = connect(&server, number);
            let bytes = match number % 3 {
                0 => run.as_bytes(),
                1 => sign_in.as_bytes(),
                _ => &download,
            };
            connection.send(bytes).unwrap();
            connection
        })
        .collect();
    let done = AtomicBool::new(true);
    for _ in 0..20 {
        assert_eq!(bystander(&server, &token, &done), 1);
    }
    let grown = server.peak_memory_bytes().unwrap() - before;
    assert!(grown < 128 << 20, "{} MiB more", grown >> 20);
    assert_eq!(started(&server), 0);
    drop(held);
    server.sign_in("ada").unwrap();
}

/// As many as the limit of descriptors allows this test and the server.
fn idle_count() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: usize = line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX);
    soft.saturating_sub(300).min(10_000)
}

#[test]
fn attack_53_thousands_of_idle_sockets_lock_nobody_out() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let before = server.peak_memory_bytes().unwrap();
    let count = idle_count();
    assert!(count >= 500, "the limit of descriptors leaves {count}");
    let open = |number: usize| {
        let last = u8::try_from(number % 200 + 1).unwrap();
        let mut connection = connect(&server, last);
        if number.is_multiple_of(2) {
            // The server may have given the place to somebody else already.
            drop(connection.send(b"GET /health/live HTTP/1.1\r\n"));
        }
        connection
    };

    let longest = thread::scope(|scope| {
        let attacker = scope.spawn(|| (0..count).map(open).collect::<Vec<_>>());
        let mut longest = Duration::ZERO;
        let mut left = 20;
        while left > 0 {
            // While the attack goes on and some times afterwards, when all of its sockets are open.
            left -= usize::from(attacker.is_finished());
            let began = Instant::now();
            assert_eq!(bystander(&server, &token, &AtomicBool::new(true)), 1);
            longest = longest.max(began.elapsed());
        }
        drop(attacker.join().unwrap());
        longest
    });
    // Far more than an answer takes, and less than waiting until idle sockets are ended by time.
    assert!(longest < Duration::from_secs(10), "somebody waited {longest:?}");
    let grown = server.peak_memory_bytes().unwrap() - before;
    assert!(grown < 256 << 20, "{} MiB more for {count} sockets", grown >> 20);
}

#[test]
fn attack_53_huge_heads_are_refused() {
    let server = server();
    let long = "x".repeat(200_000);
    let many = (0..200).map(|number| format!("X-{number}: y\r\n")).collect::<Vec<_>>().concat();
    let head = |line: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");

    for (what, request) in [
        ("a long value", head(&format!("X: {long}"))),
        ("a long name", head(&format!("{long}: y"))),
        ("many lines", head(&many)),
        ("many cookies", head(&format!("Cookie: {}", "a=b; ".repeat(40_000)))),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a long method", format!("{long} / HTTP/1.1\r\nHost: x\r\n\r\n")),
    ] {
        let mut connection = connect(&server, 1);
        match connection.exchange(request.as_bytes(), "GET").unwrap() {
            Outcome::Answered(answer) => {
                assert!(matches!(answer.status, 400 | 414 | 431), "{what}: {}", answer.status);
            }
            Outcome::Closed(bytes) => assert_eq!(bytes, b"", "{what}"),
            Outcome::Silent => panic!("{what}: no answer"),
        }
    }
    assert_eq!(server.send(&Request::get("/health/live")).unwrap().status, 200);
}

/// Requests that two programs in a row could split at different places; the second half of each
/// asks for `/smuggled`.
fn ambiguous(host: &str) -> Vec<(&'static str, String)> {
    let smuggled = format!("GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let length = smuggled.len();
    let post = |lines: &str, body: &str| {
        format!(
            "POST /auth/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{lines}\r\n{body}{smuggled}"
        )
    };
    vec![
        (
            "both lengths, chunked first",
            post(
                &format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
                "0\r\n\r\n",
            ),
        ),
        (
            "both lengths, chunked last",
            post(
                &format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
                "0\r\n\r\n",
            ),
        ),
        ("two lengths", post(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), "")),
        ("a list of lengths", post(&format!("Content-Length: 0, {length}\r\n"), "")),
        ("a signed length", post(&format!("Content-Length: +{length}\r\n"), "")),
        ("a negative length", post("Content-Length: -1\r\n", "")),
        ("a hexadecimal length", post("Content-Length: 0x10\r\n", "")),
        ("an empty length", post("Content-Length:\r\n", "")),
        ("a huge length", post("Content-Length: 99999999999999999999\r\n", "")),
        ("a blank before the colon", post("Content-Length : 0\r\n", "")),
        ("a blank before the coding", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        ("a folded line", post("Content-Length:\r\n 0\r\n", "")),
        ("a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
        ("another coding", post("Transfer-Encoding: gzip\r\n", "")),
        ("chunked is not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        ("a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        ("a control character", post("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n")),
        ("a NUL in a value", post("X: a\0b\r\nContent-Length: 0\r\n", "")),
        ("a bare carriage return", post("X: a\rContent-Length: 0\r\n", "")),
        ("a chunk with a signed size", post("Transfer-Encoding: chunked\r\n", "+0\r\n\r\n")),
        ("a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n")),
        ("a chunk size too large", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n")),
        ("a chunk without its end", post("Transfer-Encoding: chunked\r\n", "1\r\naX0\r\n\r\n")),
        ("chunks end with bare line feeds", post("Transfer-Encoding: chunked\r\n", "1\na\n0\n\n")),
        ("no name", format!("GET / HTTP/1.1\r\nHost: {host}\r\n: x\r\n\r\n{smuggled}")),
        (
            "a line without a colon",
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nX\r\n\r\n{smuggled}"),
        ),
        ("two hosts", format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil\r\n\r\n")),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("a blank in front", format!(" GET / HTTP/1.1\r\nHost: {host}\r\n\r\n{smuggled}")),
        (
            "a blank before the first line",
            format!("GET / HTTP/1.1\r\n X: y\r\nHost: {host}\r\n\r\n"),
        ),
        ("another version", format!("GET / HTTP/1.2\r\nHost: {host}\r\n\r\n")),
        ("three words", format!("GET / / HTTP/1.1\r\nHost: {host}\r\n\r\n{smuggled}")),
    ]
}

/// Every answer on one connection, until the server closes it.
fn answers(server: &Server, request: &str) -> Vec<Answer> {
    let mut connection = connect(server, 1);
    let mut found = Vec::new();
    let mut outcome = connection.exchange_and_close_sending(request.as_bytes(), "POST").unwrap();
    while let Outcome::Answered(answer) = outcome {
        found.push(answer);
        outcome = connection.read("POST").unwrap();
    }
    assert!(!matches!(outcome, Outcome::Silent), "the connection stays open");
    found
}

#[test]
fn attack_53_a_request_with_two_meanings_is_refused_and_ends_the_connection() {
    let server = server();
    let mut wrong = Vec::new();

    for (what, request) in ambiguous(&server.host()) {
        let statuses: Vec<u16> = answers(&server, &request).iter().map(|a| a.status).collect();
        if !matches!(statuses[..], [400 | 505] | []) {
            wrong.push(format!("{what}: {statuses:?}"));
        }
    }
    let log = server.stop().unwrap().log;
    assert_eq!(wrong, [""; 0]);
    assert!(!log.contains("/smuggled"), "{log}");
}

/// Chunk extensions are part of the protocol (RFC 9112 §7.1.1); they are read over and bounded.
#[test]
fn attack_53_chunk_extensions_are_read_over_and_bounded() {
    let server = server();
    let host = server.host();
    let post = |chunks: &str| {
        format!(
            "POST /auth/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        )
    };
    let body = "{\"arguments\": {}}";
    let small = post(&format!("{:x};a=b\r\n{body}\r\n0;c\r\n\r\n", body.len()));
    let answers_small = answers(&server, &small);
    assert_eq!(
        answers_small.iter().map(|a| a.status).collect::<Vec<_>>(),
        [400],
        "read, but empty"
    );
    assert_eq!(answers_small[0].text(), error_text(400));

    let endless = post(&format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(100_000)));
    let statuses: Vec<u16> = answers(&server, &endless).iter().map(|a| a.status).collect();
    assert!(matches!(statuses[..], [400] | []), "{statuses:?}");
    let trailers = "X: y\r\n".repeat(20_000);
    let trailers = post(&format!("1\r\na\r\n0\r\n{trailers}\r\n"));
    let statuses: Vec<u16> = answers(&server, &trailers).iter().map(|a| a.status).collect();
    assert!(matches!(statuses[..], [400] | []), "{statuses:?}");
}

#[test]
fn attack_53_bytes_that_are_no_http_are_refused() {
    let server = server();

    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-x\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        &[0xff; 4096],
    ] {
        let mut connection = connect(&server, 1);
        match connection.exchange_and_close_sending(bytes, "GET").unwrap() {
            Outcome::Answered(answer) => {
                assert!(matches!(answer.status, 400 | 505), "{bytes:?}: {}", answer.status);
            }
            Outcome::Closed(rest) => assert_eq!(rest, b"", "{bytes:?}"),
            Outcome::Silent => panic!("no answer to {bytes:?}"),
        }
    }
    assert_eq!(server.send(&Request::get("/health/live")).unwrap().status, 200);
}
