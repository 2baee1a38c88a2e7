//! The queue as those who wait see it.

use webscripts_app::run_script::RunError;
use webscripts_app::runs::follow::{Follow, RunEvent};
use webscripts_domain::run::{Outcome, RunState};
use webscripts_store::accounts::Change;

use crate::stage::{Stage, ada, eve, words};

async fn one_at_a_time() -> Stage {
    Stage::with(|settings, _| settings.runs.max_runs = 1).await
}

#[tokio::test]
async fn a_run_waits_for_its_turn() {
    let stage = one_at_a_time().await;
    let first = stage.start_x(&ada(), "1").await;
    assert_eq!(stage.runner.next_start().await, first.record.id);

    let second = stage.start_x(&ada(), "2").await;
    let third = stage.start_x(&eve(), "3").await;

    assert_eq!((second.record.state, second.queue_position), (RunState::Queued, Some(0)));
    assert_eq!((third.record.state, third.queue_position), (RunState::Queued, Some(1)));
    assert!(stage.runner.is_quiet().await);
    stage.runner.end(first.record.id, Outcome::Exited(0));
    assert_eq!(stage.runner.next_start().await, second.record.id);
    let third = stage.app.run(&eve(), third.record.id).await.unwrap();
    assert_eq!(third.queue_position, Some(0));
}

#[tokio::test]
async fn watchers_are_told_when_a_run_moves_up_and_starts() {
    let stage = one_at_a_time().await;
    let first = stage.start_x(&ada(), "1").await.record.id;
    let second = stage.start_x(&ada(), "2").await.record.id;
    let third = stage.start_x(&ada(), "3").await.record.id;
    let mut follower = stage.app.follow(&ada(), third, Follow::default()).await.unwrap();
    let mut next = async || match follower.next().await.unwrap().remove(0) {
        RunEvent::State(view) => (view.record.state, view.queue_position),
        other => panic!("{other:?}"),
    };
    assert_eq!(next().await, (RunState::Queued, Some(1)));

    stage.runner.end(first, Outcome::Exited(0));
    assert_eq!(next().await, (RunState::Queued, Some(0)));
    while stage.runner.next_start().await != second {}
    stage.runner.end(second, Outcome::Exited(0));

    assert_eq!(next().await, (RunState::Running, None));
}

#[tokio::test]
async fn a_waiting_run_can_be_stopped() {
    let stage = one_at_a_time().await;
    let first = stage.start_x(&ada(), "1").await.record.id;
    let second = stage.start_x(&ada(), "2").await.record.id;

    let stopped = stage.app.stop_run(&ada(), second).await.unwrap();

    assert_eq!(stopped.record.state, RunState::Stopped);
    assert_eq!(stopped.record.reason.as_deref(), Some("stopped by ada"));
    stage.runner.end(first, Outcome::Exited(0));
    let third = stage.start_x(&ada(), "3").await.record.id;
    assert_eq!(stage.runner.next_start().await, first);
    assert_eq!(stage.runner.next_start().await, third);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let stage = Stage::with(|settings, _| {
        settings.runs.max_runs = 1;
        settings.runs.queue_length = 1;
    })
    .await;
    stage.start_x(&ada(), "1").await;
    stage.start_x(&ada(), "2").await;

    let refused = stage.order(&eve(), "x.py", &words(&[]), None).await;

    assert!(matches!(refused, Err(RunError::NoPlace(_))));
}

#[tokio::test]
async fn a_user_who_was_disabled_while_waiting_runs_nothing() {
    let stage = one_at_a_time().await;
    let first = stage.start_x(&eve(), "1").await.record.id;
    let second = stage.start_x(&ada(), "2").await.record.id;
    let disabled = stage.stores.accounts.set_disabled(ada().identity.id, true, &[]).await.unwrap();
    assert_eq!(disabled, Change::Done);

    stage.runner.end(first, Outcome::Exited(0));

    let record = stage.over(&ada(), second).await.record;
    assert_eq!(record.state, RunState::Failed);
    let reason = "the account was disabled or deleted while the run waited";
    assert_eq!(record.reason.as_deref(), Some(reason));
}
