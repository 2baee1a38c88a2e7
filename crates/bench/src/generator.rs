//! Repeats one request over many connections and counts the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::plan::Plan;
use crate::report::{Report, Tally};

/// How long one answer may take.
const LONGEST_ANSWER: Duration = Duration::from_mins(3);
/// Errors after which a connection gives up: a measurement with errors is worthless anyway.
const MOST_ERRORS: u64 = 20;
/// Bytes at the beginning of an answer in which the expected text is searched.
const SEARCHED_BYTES: usize = 64 * 1024;

/// Runs `plan` on the current runtime.
///
/// All connections are open before the first request. Answers that end while counting are counted;
/// the answers awaited at the end are read, but no longer counted.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    plan.check()?;
    let shared = Arc::new(Shared {
        request: plan.request()?,
        left: AtomicU64::new(plan.requests),
        all_open: Barrier::new(plan.connections),
        plan: plan.clone(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections {
        workers.spawn(work(Arc::clone(&shared)));
    }
    let mut total = Tally::default();
    let mut counted_for = Duration::ZERO;
    while let Some(worker) = workers.join_next().await {
        let (tally, worked_for) = worker.context("a connection of the load generator failed")?;
        total.add(tally);
        counted_for = counted_for.max(worked_for);
    }
    Ok(total.into_report(counted_for))
}

struct Shared {
    plan: Plan,
    request: Request<Full<Bytes>>,
    /// Requests that may still be counted.
    left: AtomicU64,
    all_open: Barrier,
}

impl Shared {
    /// Takes one of the requests that are left.
    fn take(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

/// Uses one connection until the plan ends; answers with what was counted and for how long.
async fn work(shared: Arc<Shared>) -> (Tally, Duration) {
    let plan = &shared.plan;
    let mut tally = Tally::default();
    let mut connection = open(plan, &mut tally).await;
    shared.all_open.wait().await;

    let counting = Instant::now() + Duration::from_millis(plan.warm_up_ms);
    let end = counting + Duration::from_millis(plan.duration_ms);
    while tally.failures() < MOST_ERRORS {
        let begun = Instant::now();
        if begun >= end {
            return (tally, end - counting);
        }
        if begun >= counting && !shared.take() {
            break;
        }
        match answer(&shared, &mut connection, &mut tally).await {
            Ok(body_bytes) => {
                tally.answers += 1;
                let now = Instant::now();
                if begun >= counting && now <= end {
                    tally.count(now - begun, body_bytes);
                }
            }
            Err(error) => {
                tally.fail(format!("{error:#}"), 1);
                connection = None;
            }
        }
    }
    (tally, Instant::now().saturating_duration_since(counting))
}

async fn open(plan: &Plan, tally: &mut Tally) -> Option<Connection> {
    match Connection::open(plan.address).await {
        Ok(connection) => {
            tally.connections += 1;
            Some(connection)
        }
        Err(error) => {
            tally.fail(format!("{error:#}"), 1);
            None
        }
    }
}

/// One request and its whole answer; the number of bytes in its body.
async fn answer(
    shared: &Shared,
    connection: &mut Option<Connection>,
    tally: &mut Tally,
) -> anyhow::Result<u64> {
    if connection.as_ref().is_none_or(Connection::is_closed) {
        *connection = open(&shared.plan, tally).await;
    }
    let connection = connection.as_mut().context("there is no connection")?;
    let exchange = async {
        let response = connection.send(shared.request.clone()).await?;
        let status = response.status();
        anyhow::ensure!(status == StatusCode::OK, "status {}", status.as_u16());
        read(&shared.plan, response.into_body()).await
    };
    timeout(LONGEST_ANSWER, exchange).await.context("the answer took too long")?
}

/// Reads the body to its end and checks it; only its beginning is kept, and only to be searched.
async fn read(plan: &Plan, mut body: Incoming) -> anyhow::Result<u64> {
    let mut length = 0_u64;
    let mut beginning = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.context("the body ended too early")?.into_data() else { continue };
        length += data.len() as u64;
        if !plan.expect.is_empty() && beginning.len() < SEARCHED_BYTES {
            beginning.extend_from_slice(&data);
        }
    }
    anyhow::ensure!(
        contains(&beginning, plan.expect.as_bytes()),
        "the expected text is not in the answer"
    );
    anyhow::ensure!(length >= plan.least_bytes, "the body has fewer bytes than expected");
    Ok(length)
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;

    use http::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers every request alike; it ends with the set of tasks.
    async fn server(status: u16, body: &'static str) -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(move |_| async move {
                    let body = Full::new(Bytes::from_static(body.as_bytes()));
                    let mut response = Response::new(body);
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, Infallible>(response)
                });
                connections
                    .spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (address, tasks)
    }

    fn plan(address: SocketAddr) -> Plan {
        Plan {
            address,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: String::new(),
            connections: 3,
            warm_up_ms: 0,
            duration_ms: 600_000,
            requests: 50,
            expect: String::new(),
            least_bytes: 0,
        }
    }

    #[tokio::test]
    async fn exactly_the_planned_requests_are_counted() {
        let (address, _server) = server(200, "hello").await;

        let report = run(&Plan { expect: "ell".to_owned(), ..plan(address) }).await.unwrap();

        assert_eq!((report.requests, report.body_bytes, report.connections), (50, 250, 3));
        assert!(report.errors.is_empty(), "{:?}", report.errors);
    }

    #[tokio::test]
    async fn another_status_is_an_error() {
        let (address, _server) = server(403, "no").await;

        let report = run(&Plan { requests: 5, ..plan(address) }).await.unwrap();

        assert_eq!(report.requests, 0);
        assert_eq!(report.errors.into_iter().collect::<Vec<_>>(), [("status 403".to_owned(), 5)]);
    }

    #[tokio::test]
    async fn an_answer_without_the_expected_text_is_an_error() {
        let (address, _server) = server(200, "hello").await;

        let report =
            run(&Plan { requests: 1, expect: "bye".to_owned(), ..plan(address) }).await.unwrap();

        assert_eq!(report.requests, 0);
        assert!(report.errors.contains_key("the expected text is not in the answer"));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_short_is_an_error() {
        let (address, _server) = server(200, "hello").await;

        let report = run(&Plan { requests: 1, least_bytes: 6, ..plan(address) }).await.unwrap();

        assert_eq!(report.requests, 0);
        assert!(report.errors.contains_key("the body has fewer bytes than expected"));
    }

    #[tokio::test]
    async fn a_plan_stays_on_the_loopback_interface() {
        let error = run(&plan(([192, 0, 2, 1], 80).into())).await.unwrap_err();

        assert_eq!(error.to_string(), "192.0.2.1:80 is not a loopback address");
    }
}
