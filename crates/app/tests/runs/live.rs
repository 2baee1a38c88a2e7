//! Output line by line, as existing clients fetch it (scripts.md §8).

use webscripts_app::live_output::{FetchError, Piece};
use webscripts_domain::environment::RequestContext;
use webscripts_domain::run::{Outcome, RunId, Stream};

use crate::stage::{Stage, ada, eve, words};

async fn start(stage: &Stage) -> (String, RunId) {
    let context = RequestContext::default();
    let started = stage.app.start_live(&ada(), "live.py", &words(&[]), &context).await;
    (started.unwrap().0, stage.runner.next_start().await)
}

fn line(text: &str) -> Piece {
    Piece { stdout: text.as_bytes().to_vec(), stderr: Vec::new(), end: None }
}

#[tokio::test]
async fn lines_come_one_by_one_and_the_rest_with_the_end() {
    let stage = Stage::new().await;
    let (key, id) = start(&stage).await;
    let fetch = async || stage.app.fetch_live(&ada(), &key).await.map(|(piece, _)| piece);
    stage.runner.print(id, Stream::Stdout, b"one\ntwo\nthr");
    stage.runner.print(id, Stream::Stderr, b"oops");

    assert_eq!(fetch().await.unwrap(), line("one\n"));
    assert_eq!(fetch().await.unwrap(), line("two\n"));
    let print = async { stage.runner.print(id, Stream::Stdout, b"ee\nrest") };
    let (third, ()) = tokio::join!(fetch(), print);
    assert_eq!(third.unwrap(), line("three\n"));
    stage.runner.end(id, Outcome::Exited(3));
    stage.over(&ada(), id).await;
    let end = fetch().await.unwrap();

    assert_eq!((end.stdout.as_slice(), end.stderr.as_slice()), (&b"rest"[..], &b"oops"[..]));
    assert_eq!(end.end.unwrap().outcome, Outcome::Exited(3));
    assert!(matches!(fetch().await, Err(FetchError::Unknown)));
}

#[tokio::test]
async fn a_quiet_script_gives_an_empty_line_after_a_while() {
    let stage = Stage::new().await;
    let (key, id) = start(&stage).await;
    stage.runner.print(id, Stream::Stdout, b"no line");
    tokio::time::pause();

    let (piece, _) = stage.app.fetch_live(&ada(), &key).await.unwrap();

    assert_eq!(piece, line(""));
}

#[tokio::test]
async fn a_key_is_its_owners() {
    let stage = Stage::new().await;
    let (key, id) = start(&stage).await;

    assert!(matches!(stage.app.fetch_live(&eve(), &key).await, Err(FetchError::Foreign)));
    assert!(matches!(stage.app.stop_live(&eve(), &key).await, Err(FetchError::Foreign)));
    stage.app.stop_live(&ada(), &key).await.unwrap();

    assert!(stage.runner.wishes(id).stop);
}
