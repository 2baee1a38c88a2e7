//! Lists, output, repetition, deletion, retention.

use webscripts_app::runs::RunAccessError;
use webscripts_app::runs::history::{AgainError, DeleteError, RunQuery};
use webscripts_domain::clock::SignedDuration;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{Outcome, RunId, RunState, StartedVia, Stream};

use crate::stage::{Stage, ada, eve, root, words};

pub fn everything() -> RunQuery {
    RunQuery { limit: 50, ..RunQuery::default() }
}

async fn finished(stage: &Stage, who: &Caller, output: &[u8]) -> RunId {
    let id = stage.start_x(who, "w").await.record.id;
    while stage.runner.next_start().await != id {}
    stage.runner.print(id, Stream::Stdout, output);
    stage.runner.end(id, Outcome::Exited(0));
    stage.over(who, id).await;
    id
}

async fn listed(stage: &Stage, who: &Caller, query: &RunQuery) -> Vec<RunId> {
    let page = stage.app.list_runs(who, query).await.unwrap();
    page.runs.iter().map(|view| view.record.id).collect()
}

#[tokio::test]
async fn everybody_lists_their_own_runs_and_administrators_all() {
    let stage = Stage::new().await;
    let of_ada = finished(&stage, &ada(), b"x").await;
    stage.clock.advance(SignedDuration::from_secs(1));
    let of_eve = finished(&stage, &eve(), b"x").await;

    assert_eq!(listed(&stage, &ada(), &everything()).await, [of_ada]);
    assert_eq!(listed(&stage, &eve(), &everything()).await, [of_eve]);
    assert_eq!(listed(&stage, &root(), &everything()).await, [of_eve, of_ada]);
    assert!(listed(&stage, &root(), &RunQuery { mine: true, ..everything() }).await.is_empty());
    let by_user = RunQuery { user: Some("ada".to_owned()), ..everything() };
    assert_eq!(listed(&stage, &root(), &by_user).await, [of_ada]);
}

#[tokio::test]
async fn foreign_runs_are_not_found_whatever_is_asked() {
    let stage = Stage::new().await;
    let id = finished(&stage, &ada(), b"x").await;
    let (app, eve) = (&stage.app, eve());

    let not_found = |result: Result<(), RunAccessError>| {
        assert!(matches!(result, Err(RunAccessError::NotFound)), "{result:?}");
    };
    not_found(app.run(&eve, id).await.map(drop));
    not_found(app.read_output(&eve, id, Stream::Stdout, 0, 10).await.map(drop));
    not_found(app.collect_output(&eve, id).await.map(drop));
    not_found(app.result_files(&eve, id).await.map(drop));
    not_found(app.open_result_file(&eve, id, "x").await.map(drop));
    not_found(app.screen(&eve, id).await.map(drop));
    not_found(app.wait_for_run(&eve, id).await.map(drop));
    not_found(app.run(&eve, RunId::from_bytes([9; 16])).await.map(drop));
    let deleted = app.delete_run(&eve, id).await;
    assert!(matches!(deleted, Err(DeleteError::Access(RunAccessError::NotFound))));
}

#[tokio::test]
async fn output_is_read_by_offset() {
    let stage = Stage::new().await;
    let id = finished(&stage, &ada(), b"0123456789").await;

    let piece = stage.app.read_output(&ada(), id, Stream::Stdout, 3, 4).await.unwrap();

    assert_eq!((piece.offset, piece.bytes.as_slice()), (3, &b"3456"[..]));
    assert_eq!((piece.kept_until, piece.total, piece.over), (10, 10, true));
}

#[tokio::test]
async fn a_run_is_repeated_with_the_same_arguments() {
    let stage = Stage::new().await;
    let id = finished(&stage, &ada(), b"x").await;
    let context = RequestContext::default();

    let again = stage.app.run_again(&ada(), id, &context).await.unwrap().view.record;

    assert_eq!(again.via, StartedVia::Again(id));
    let words: Vec<_> = stage.runner.invocation(again.id).arguments().to_vec();
    assert_eq!(format!("{words:?}"), r#"[Plain("w")]"#);
}

#[tokio::test]
async fn a_run_with_a_secret_is_not_repeated() {
    let stage = Stage::new().await;
    let request = words(&[("pin", "1234")]);
    let id = stage.order(&ada(), "x.py", &request, None).await.unwrap().view.record.id;

    let refused = stage.app.run_again(&ada(), id, &RequestContext::default()).await.unwrap_err();

    assert!(matches!(refused, AgainError::NotRecorded(_)), "{refused}");
}

#[tokio::test]
async fn a_run_that_is_over_is_deleted_with_its_output() {
    let stage = Stage::new().await;
    let running = stage.start_x(&ada(), "w").await.record.id;
    let id = finished(&stage, &ada(), b"x").await;

    let refused = stage.app.delete_run(&ada(), running).await.unwrap_err();
    assert!(matches!(refused, DeleteError::NotOver));
    stage.app.delete_run(&ada(), id).await.unwrap();

    assert!(stage.app.run(&ada(), id).await.is_err());
    assert!(!place(&stage, id).exists());
}

fn place(stage: &Stage, id: RunId) -> std::path::PathBuf {
    let runs = stage.app.configuration().surroundings().runs;
    webscripts_domain::invocation::place_of(&runs, id)
}

#[tokio::test]
async fn old_runs_are_removed() {
    let stage = Stage::new().await;
    let id = finished(&stage, &ada(), b"x").await;
    stage.clock.advance(SignedDuration::from_hours(24 * 29));
    assert_eq!(stage.app.remove_old_runs().await.unwrap(), (0, 0));

    stage.clock.advance(SignedDuration::from_hours(48));

    assert_eq!(stage.app.remove_old_runs().await.unwrap(), (1, 0));
    assert!(stage.app.run(&ada(), id).await.is_err());
    assert!(!place(&stage, id).exists());
}

#[tokio::test]
async fn the_oldest_output_makes_room() {
    let stage = Stage::with(|settings, _| settings.runs.keep_bytes = 15).await;
    let old = finished(&stage, &ada(), b"0123456789").await;
    stage.clock.advance(SignedDuration::from_secs(1));
    let new = finished(&stage, &ada(), b"0123456789").await;

    assert_eq!(stage.app.remove_old_runs().await.unwrap(), (0, 1));

    let record = stage.app.run(&ada(), old).await.unwrap().record;
    assert_eq!((record.output_expired, record.state), (true, RunState::Succeeded));
    assert!(!stage.app.run(&ada(), new).await.unwrap().record.output_expired);
    assert_eq!(stage.app.collect_output(&ada(), new).await.unwrap().stdout, b"0123456789");
}
