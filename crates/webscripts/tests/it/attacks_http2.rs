//! Clients that abuse HTTP/2: row 53 over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use h2::Reason;
use h2::client::SendRequest;
use http::Request;
use hyper::body::Bytes;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use webscripts_testkit::{InstanceBuilder, Server};

use crate::stage::{instance, numbers};

/// Far above what a working server needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with a certificate of its own, and connections to it.
struct Encrypted {
    server: Server,
    certificate: CertificateDer<'static>,
}

impl Encrypted {
    fn start() -> Self {
        Self::serve(instance())
    }

    fn serve(instance: InstanceBuilder) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let server = instance
            .file("config/tls/certificate.pem", made.cert.pem(), 0o444)
            .file("config/tls/key.pem", made.signing_key.serialize_pem(), 0o400)
            .setting("tls_certificate", "config/tls/certificate.pem")
            .setting("tls_key", "config/tls/key.pem")
            .start()
            .unwrap();
        Self { server, certificate: made.cert.der().clone() }
    }

    async fn connect(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(SocketAddr::V4(self.server.address())).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        stream
    }

    /// A connection that is driven until it ends; it then says why.
    async fn http2(&self) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let stream = self.connect(b"h2").await;
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the task ends with its connection")]
        let driver = tokio::spawn(connection);
        (requests, driver)
    }

    /// Another user asks for a page on a connection of their own.
    async fn assert_others_are_answered(&self) {
        let (requests, driver) = self.http2().await;
        let mut requests = requests.ready().await.unwrap();
        let (answer, _) = requests.send_request(get("/health/live"), true).unwrap();
        let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        // The server need not wait for this connection when it stops.
        driver.abort();
        assert!(driver.await.unwrap_err().is_cancelled());
    }
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

#[tokio::test]
async fn attack_53_requests_that_are_reset_at_once_end_the_connection() {
    let encrypted = Encrypted::start();
    let (requests, driver) = encrypted.http2().await;
    let mut sent = 0_u32;
    let mut ready = requests.ready().await;

    while let Ok(mut requests) = ready {
        let Ok((_answer, mut stream)) = requests.send_request(get("/web/auth/"), true) else {
            break;
        };
        stream.send_reset(Reason::CANCEL);
        sent += 1;
        if sent.is_multiple_of(100) {
            tokio::task::yield_now().await;
        }
        assert!(sent < 1_000_000, "the server never ends the connection");
        ready = requests.ready().await;
    }
    let end = tokio::time::timeout(PATIENCE, driver).await.unwrap().unwrap();
    let reason = end.unwrap_err().reason();
    assert!(matches!(reason, Some(Reason::ENHANCE_YOUR_CALM) | None), "{reason:?} after {sent}");
    encrypted.assert_others_are_answered().await;
}

/// The head of an HTTP/2 frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

/// Sends `frames` over and over until the server ends the connection; at most this many bytes.
async fn flood(encrypted: &Encrypted, first: &[u8], frames: &[u8], most: usize) -> usize {
    let stream = encrypted.connect(b"h2").await;
    let (mut reading, mut writing) = tokio::io::split(stream);
    let ended = async {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(1..) = reading.read(&mut chunk).await {}
    };
    let sending = async {
        let mut sent = 0;
        if writing.write_all(first).await.is_err() {
            return sent;
        }
        while sent < most && writing.write_all(frames).await.is_ok() {
            sent += frames.len();
        }
        // A server that still reads is ended by its own limits on time.
        sent
    };
    tokio::time::timeout(PATIENCE, async {
        tokio::pin!(ended, sending);
        tokio::select! {
            () = &mut ended => 0,
            sent = &mut sending => {
                ended.await;
                sent
            }
        }
    })
    .await
    .expect("the server ends the connection")
}

#[tokio::test]
async fn attack_53_a_head_that_never_ends_is_cut() {
    const MOST: usize = 64 << 20;
    let encrypted = Encrypted::start();
    let before = encrypted.server.peak_memory_bytes().unwrap();
    // Literal fields without indexing (RFC 7541 §6.2.2): name `x`, value of 120 bytes.
    let mut field = vec![0x00, 0x01, b'x', 0x78];
    field.extend([b'y'; 120]);
    let block = field.repeat(100);
    let mut first = PREFACE.to_vec();
    first.extend(frame(SETTINGS, 0, 0, &[]));
    first.extend(frame(HEADERS, 0, 1, &block));

    let sent = flood(&encrypted, &first, &frame(CONTINUATION, 0, 1, &block), MOST).await;

    assert!(sent < MOST, "the server read {sent} bytes of one head");
    let empty = flood(&encrypted, &first, &frame(CONTINUATION, 0, 1, &[]).repeat(1000), MOST).await;
    assert!(empty < MOST, "the server read {empty} bytes of empty frames");
    let grown = encrypted.server.peak_memory_bytes().unwrap() - before;
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
    encrypted.assert_others_are_answered().await;
}

#[tokio::test]
async fn attack_53_settings_and_pings_without_end_hold_up_nobody() {
    let encrypted = Encrypted::start();
    let before = encrypted.server.peak_memory_bytes().unwrap();
    let mut first = PREFACE.to_vec();
    first.extend(frame(SETTINGS, 0, 0, &[]));
    let mut stream = encrypted.connect(b"h2").await;
    stream.write_all(&first).await.unwrap();

    // Nothing is read back: what the server has to say must not pile up.
    let frames = [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[0; 8])].concat().repeat(500);
    let flooding = async {
        while stream.write_all(&frames).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = flooding => {}
        () = async {
            for _ in 0..20 {
                encrypted.assert_others_are_answered().await;
            }
        } => {}
    }
    let grown = encrypted.server.peak_memory_bytes().unwrap() - before;
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}

/// The body of an answer, read to its end.
async fn text_of(mut body: h2::RecvStream) -> String {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend(data);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_stream_of_events_that_nobody_reads_holds_up_no_other_one_of_its_connection() {
    let script = "#!/bin/sh\nseq 1 300000\n";
    let encrypted = Encrypted::serve(
        instance().script("seq.sh", script, &serde_json::json!({})).setting("active_auth", false),
    );
    let stream = encrypted.connect(b"h2").await;
    // As browsers do: the connection has room for several streams that are not read.
    let mut client = h2::client::Builder::new();
    client.initial_connection_window_size(16 << 20);
    let (requests, connection) = client.handshake::<_, Bytes>(stream).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the task ends with its connection")]
    let driver = tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let start = Request::post("https://localhost/api/runs/")
        .header("Origin", "https://localhost")
        .header("Content-Type", "application/json")
        .body(())
        .unwrap();
    let (answer, mut body) = requests.send_request(start, false).unwrap();
    body.send_data(Bytes::from_static(b"{\"script\": \"seq.sh\"}"), true).unwrap();
    let answer = text_of(answer.await.unwrap().into_body()).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).expect(&answer);
    let path = format!("/api/runs/{}/events", answer["run"]["id"].as_str().unwrap());

    let mut unread = Vec::new();
    for _ in 0..20 {
        let (answer, _) = requests.send_request(get(&path), true).unwrap();
        unread.push(answer.await.unwrap());
    }
    let (answer, _) = requests.send_request(get(&path), true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    let events = tokio::time::timeout(PATIENCE, text_of(answer.into_body())).await.unwrap();

    let data = events.lines().filter_map(|line| line.strip_prefix("data: "));
    let output: String = data
        .map(|data| serde_json::from_str::<serde_json::Value>(data).unwrap())
        .filter_map(|data| data["text"].as_str().map(str::to_owned))
        .collect();
    assert!(output == numbers(300_000), "{} bytes", output.len());
    drop(unread);
    driver.abort();
}
