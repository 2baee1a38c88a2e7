//! What a server could reach at best: the same HTTP library, the same way to start a program, and
//! nothing else. No accounts, no checks, no routing, no log.
//!
//! | Request | Answer |
//! |---|---|
//! | `POST /run` | starts `tiny`, reads both its pipes, waits, answers its output |
//! | `POST /flood` | the same with `flood` |
//! | `GET /hello` | a small fixed body |
//! | `GET /static16k` | 16 KiB from memory |
//!
//! It prints one line with its address when it listens and ends when its standard input does, so
//! that it never outlives what started it.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections served at the same time; further ones wait.
const MOST_CONNECTIONS: usize = 1024;
/// Bytes of a request body.
const LARGEST_BODY: usize = 64 * 1024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let service = Arc::new(Service::beside_this_program()?);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen")?;
    writeln!(std::io::stdout(), "Limit listens on http://{}/", listener.local_addr()?)?;
    std::thread::spawn(end_with_standard_input);
    serve(listener, service).await
}

fn end_with_standard_input() {
    // An error ends the input as well.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

async fn serve(listener: TcpListener, service: Arc<Service>) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let (stream, _) = listener.accept().await.context("cannot accept a connection")?;
        stream.set_nodelay(true)?;
        let service = Arc::clone(&service);
        connections.spawn(async move {
            let answer = service_fn(|request| {
                let service = Arc::clone(&service);
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            });
            // A client that goes away is no concern of the limit.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

struct Service {
    tiny: PathBuf,
    flood: PathBuf,
    hello: Bytes,
    asset: Bytes,
}

impl Service {
    fn beside_this_program() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let directory = program.parent().context("this program has no directory")?;
        Ok(Self {
            tiny: directory.join("tiny"),
            flood: directory.join("flood"),
            hello: Bytes::from_static(b"hello\n"),
            asset: Bytes::from(vec![b'x'; 16 * 1024]),
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if Limited::new(body, LARGEST_BODY).collect().await.is_err() {
            return status(StatusCode::BAD_REQUEST);
        }
        match (&head.method, head.uri.path()) {
            (&Method::POST, "/run") => run(&self.tiny).await,
            (&Method::POST, "/flood") => run(&self.flood).await,
            (&Method::GET, "/hello") => Response::new(Full::new(self.hello.clone())),
            (&Method::GET, "/static16k") => Response::new(Full::new(self.asset.clone())),
            _ => status(StatusCode::NOT_FOUND),
        }
    }
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}

/// Spawn, pipe, wait. An absolute path and no work between fork and exec let the standard library
/// take `posix_spawn`, its fastest way; `output` reads both pipes at the same time.
async fn run(program: &Path) -> Response<Full<Bytes>> {
    #[expect(clippy::disallowed_methods, reason = "the limit is what the engine is compared with")]
    let mut command = tokio::process::Command::new(program);
    command.stdin(Stdio::null()).kill_on_drop(true);
    match command.output().await {
        Ok(output) if output.status.success() => {
            Response::new(Full::new(Bytes::from(output.stdout)))
        }
        _ => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
