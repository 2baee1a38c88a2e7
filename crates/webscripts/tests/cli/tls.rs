//! TLS: HTTP/2 and HTTP/1.1, and what a client that speaks no TLS gets.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore, StreamOwned};
use serde_json::json;
use tokio_rustls::TlsConnector;
use webscripts_testkit::{Account, Answer, Connection, Outcome, Request, Server};

use crate::program::describe;

/// A server with a certificate of its own for `localhost`, and what a client trusts.
fn start() -> (Server, RootCertStore) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let server = describe()
        .file("config/tls/chain.pem", cert.pem(), 0o400)
        .file("config/tls/key.pem", signing_key.serialize_pem(), 0o400)
        .setting("tls_certificate", "config/tls/chain.pem")
        .setting("tls_key", "config/tls/key.pem")
        .account(Account::user("alice"))
        .start()
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (server, roots)
}

fn client(roots: RootCertStore, protocols: &[&str]) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// A connection that speaks HTTP/1.1.
struct Http1(StreamOwned<ClientConnection, TcpStream>);

impl Http1 {
    fn open(server: &Server, config: Arc<ClientConfig>) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(StreamOwned::new(ClientConnection::new(config, localhost()).unwrap(), stream))
    }

    fn send(&mut self, request: &Request, host: &str) -> Answer {
        self.0.write_all(&request.bytes(host)).unwrap();
        Answer::read(&mut self.0, &mut Vec::new(), request.method()).unwrap()
    }
}

#[test]
fn a_client_signs_in_over_http_1_and_keeps_its_connection() {
    let (server, roots) = start();
    let host = format!("localhost:{}", server.address().port());
    let mut connection = Http1::open(&server, client(roots, &["http/1.1"]));
    let sign_in = json!({"arguments": {
        "--username": {"value": "alice", "input": false},
        "--password": {"value": "a long password of alice", "input": false},
    }});
    let origin = format!("https://{host}");
    let request = Request::post("/auth/").header("Origin", &origin).json(&sign_in);

    let signed_in = connection.send(&request, &host);
    let token = signed_in.header("Set-Cookie").unwrap();
    let session = connection.send(&Request::get("/api/session").api_token(token), &host);

    assert!(token.starts_with("SessionID=2:") && token.contains("Secure"), "{signed_in:?}");
    assert_eq!(session.status, 200);
    assert_eq!(connection.0.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn keys_are_exchanged_so_that_recorded_traffic_stays_secret() {
    let (server, roots) = start();
    let mut connection = Http1::open(&server, client(roots, &["http/1.1"]));

    connection.send(&Request::get("/health/live"), "localhost");

    let group = connection.0.conn.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
}

#[test]
fn http_2_answers_many_requests_at_once_on_one_connection() {
    let (server, roots) = start();
    let config = client(roots, &["h2", "http/1.1"]);
    let address = server.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    let statuses = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let stream = TlsConnector::from(config).connect(localhost(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let requests = async {
            let mut client = client.ready().await.unwrap();
            let mut answers = Vec::new();
            for _ in 0..20 {
                let uri = format!("https://localhost:{}/health/live", address.port());
                let request = http::Request::get(uri).body(()).unwrap();
                answers.push(client.send_request(request, true).unwrap().0);
                client = client.ready().await.unwrap();
            }
            let mut statuses = Vec::new();
            for answer in answers {
                statuses.push(answer.await.unwrap().status().as_u16());
            }
            statuses
        };
        tokio::select! {
            statuses = requests => statuses,
            ended = connection => panic!("the connection ended: {ended:?}"),
        }
    });

    assert_eq!(statuses, [200; 20]);
}

#[test]
fn a_client_without_tls_gets_no_answer_and_disturbs_nobody() {
    let (server, roots) = start();
    let request = Request::get("/health/live");
    let mut plain = Connection::open(server.address(), None).unwrap();

    let outcome = plain.exchange(&request.bytes(&server.host()), "GET").unwrap();

    let Outcome::Closed(bytes) = outcome else { panic!("{outcome:?}") };
    assert!(!bytes.starts_with(b"HTTP/"), "{bytes:?}");
    let mut connection = Http1::open(&server, client(roots, &["http/1.1"]));
    assert_eq!(connection.send(&request, "localhost").status, 200);
}
