//! The accept loop: limits and timeouts on everything a connection can do slowly.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt as _};
use webscripts_config::settings::ListenSettings;
use webscripts_web::Connection;

use crate::crowd::{Crowd, Member};

/// How long a client may take to send the head of a request, and to be silent between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may not read what is sent to it.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest head of a request (http-api.md §1).
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most header lines of a request.
const MAX_HEADERS: usize = 100;
/// Requests at the same time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// The HTTP side of the program: answers every request, and fails never.
pub trait HttpService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<S> HttpService for S where
    S: Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static
{
}

/// Refuses plain HTTP on an address that others can reach, unless the administrator insists.
///
/// # Errors
///
/// When the address is not a loopback one, there is no TLS and no override.
pub fn refuse_public_without_tls(settings: &ListenSettings) -> anyhow::Result<()> {
    let encrypted = settings.tls_certificate.is_some();
    if settings.interface.is_loopback() || encrypted {
        return Ok(());
    }
    if settings.allow_public_without_tls {
        tracing::warn!(
            target: "webscripts::server",
            interface = %settings.interface,
            "plain HTTP on a public address: passwords and sessions can be read on the way \
             (`allow_public_without_tls`)"
        );
        return Ok(());
    }
    bail!(
        "`interface` {} can be reached by others, and there is no TLS: set `tls_certificate` and \
         `tls_key`, or listen on 127.0.0.1 behind a proxy; `allow_public_without_tls` overrides this",
        settings.interface
    )
}

/// Opens the listening socket.
///
/// # Errors
///
/// When the address is in use or not ours.
pub fn bind(settings: &ListenSettings) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(settings.interface, settings.port);
    let socket = if address.is_ipv4() {
        tokio::net::TcpSocket::new_v4()
    } else {
        tokio::net::TcpSocket::new_v6()
    }
    .context("no socket can be made")?;
    socket.set_reuseaddr(true).context("the socket cannot be set up")?;
    socket.bind(address).and_then(|()| socket.listen(BACKLOG)).with_context(|| {
        format!(
            "the server cannot listen on {address}; `--interface` and `--port` name another place"
        )
    })
}

/// Accepts connections until `stop`, then lets open requests end for at most `patience`.
pub async fn accept<S>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: S,
    settings: &ListenSettings,
    stop: CancellationToken,
    patience: Duration,
) where
    S: HttpService,
{
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(settings.max_connections.max(1)));
    let crowd = Arc::new(Crowd::default());
    let abort = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = next(&listener, &places, &crowd) => accepted,
        };
        let Some((stream, connection, place)) = accepted else { continue };
        let member = crowd.join();
        let service = keeping_place(service.clone(), member.clone());
        let served = serve(stream, connection, tls.clone(), service, stop.clone());
        let abort = abort.clone();
        connections.spawn(async move {
            let _place = place;
            tokio::select! {
                () = abort.cancelled() => {}
                () = member.told_to_leave() => {}
                () = served => {}
            }
            member.part();
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "open connections are cut");
        abort.cancel();
        connections.wait().await;
    }
}

/// The next connection and its place. When all are taken, an idle connection makes room.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    crowd: &Crowd,
) -> Option<(TcpStream, Connection, OwnedSemaphorePermit)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let local = stream.local_addr().ok()?;
            // Without it a short answer waits for the acknowledgement of the one before.
            stream.set_nodelay(true).ok()?;
            if places.available_permits() == 0 {
                crowd.let_one_go();
            }
            let place = Arc::clone(places).acquire_owned().await.ok()?;
            Some((stream, Connection { peer, local, secure: false }, place))
        }
        Err(error) => {
            // Out of descriptors: another connection has to end first. Other errors concern one.
            tracing::warn!(%error, "a connection could not be accepted");
            crowd.let_one_go();
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn serve<S>(
    stream: TcpStream,
    connection: Connection,
    tls: Option<TlsAcceptor>,
    service: S,
    stop: CancellationToken,
) where
    S: HttpService,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = Box::pin(stream);
    let Some(tls) = tls else {
        return serve_http1(stream, connection, service, stop).await;
    };
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
    let Ok(Ok(stream)) = handshake.await else { return };
    let connection = Connection { secure: true, ..connection };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http2(stream, connection, service, stop).await;
    } else {
        serve_http1(stream, connection, service, stop).await;
    }
}

async fn serve_http1<I, S>(stream: I, connection: Connection, service: S, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), with_connection(service, connection));
    tokio::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    note(result, connection);
}

async fn serve_http2<I, S>(stream: I, connection: Connection, service: S, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService,
{
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(64 * 1024)
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), with_connection(service, connection));
    tokio::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    note(result, connection);
}

/// A client that goes away in the middle is no event of ours; it is noted for whoever looks.
fn note(result: Result<(), hyper::Error>, connection: Connection) {
    if let Err(error) = result {
        tracing::debug!(target: "webscripts::access", peer = %connection.peer, %error, "a connection ended early");
    }
}

/// Keeps the place of a connection while it has requests.
fn keeping_place<S>(service: S, member: Member) -> impl HttpService
where
    S: HttpService,
{
    tower::service_fn(move |request| {
        let busy = member.begin_request();
        let answer = service.clone().oneshot(request);
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    })
}

/// Puts the connection into the extensions of every request.
fn with_connection<S>(
    service: S,
    connection: Connection,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future: Send + 'static,
>
where
    S: HttpService,
{
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection);
        service.clone().oneshot(request)
    })
}
