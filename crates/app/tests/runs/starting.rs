//! Starting runs: what is recorded, keys, limits.

use std::time::Duration;

use webscripts_app::run_script::RunError;
use webscripts_domain::catalogue::RateLimit;
use webscripts_domain::clock::SignedDuration;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::run::{Outcome, RecordedValue, RunState, Stream};

use crate::stage::{Stage, ada, eve, words};

#[tokio::test]
async fn a_run_is_recorded_from_its_start_to_its_end() {
    let stage = Stage::new().await;

    let view = stage.start_x(&ada(), "hello").await;
    let id = stage.runner.next_start().await;

    assert_eq!((view.record.id, view.record.state), (id, RunState::Running));
    assert!(view.can.stop && !view.can.delete && view.can.again && !view.can.input);
    assert_eq!(stage.stores.runs.find(id).await.unwrap().unwrap(), view.record);
    stage.runner.print(id, Stream::Stdout, b"1234");
    stage.runner.end(id, Outcome::Exited(3));
    let view = stage.over(&ada(), id).await;
    assert_eq!((view.record.state, view.record.reason), (RunState::Failed, None));
    assert_eq!((view.printed.stdout, view.record.end.unwrap().outcome), (4, Outcome::Exited(3)));
    assert!(!view.can.stop && view.can.delete);
}

#[tokio::test]
async fn a_script_that_cannot_be_executed_is_a_failed_run() {
    let stage = Stage::new().await;
    *stage.runner.is_broken.lock().unwrap() = true;

    let error = stage.order(&ada(), "x.py", &words(&[]), None).await.unwrap_err();

    assert!(matches!(error, RunError::Start(_)), "{error}");
    let page = stage.app.list_runs(&ada(), &crate::history::everything()).await.unwrap();
    let record = &page.runs[0].record;
    assert_eq!(record.state, RunState::Failed);
    assert_eq!(record.reason.as_deref(), Some("the program does not exist"));
}

#[tokio::test]
async fn secrets_are_recorded_as_markers() {
    let stage = Stage::new().await;

    let request = words(&[("word", "w"), ("pin", "1234")]);
    let view = stage.order(&ada(), "x.py", &request, None).await.unwrap().view;

    assert_eq!(view.record.arguments[1].value, RecordedValue::Secret);
    assert!(!view.can.again, "the value is not known any more");
}

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let stage = Stage::new().await;
    let request = words(&[("word", "w")]);
    let first = stage.order(&ada(), "x.py", &request, Some("k1")).await.unwrap();

    let again = stage.order(&ada(), "x.py", &request, Some("k1")).await.unwrap();
    let other = stage.order(&ada(), "x.py", &words(&[("word", "v")]), Some("k1")).await;
    let foreign = stage.order(&eve(), "x.py", &request, Some("k1")).await.unwrap();
    let invalid = stage.order(&ada(), "x.py", &request, Some("a b")).await;

    assert!(!first.repeated && again.repeated && !foreign.repeated);
    assert_eq!(first.view.record.id, again.view.record.id);
    assert_ne!(first.view.record.id, foreign.view.record.id, "keys are everybody's own");
    assert!(matches!(other, Err(RunError::KeyReused)));
    assert!(matches!(invalid, Err(RunError::InvalidKey)));
}

#[tokio::test]
async fn requests_that_differ_in_a_secret_are_different_also_after_a_restart() {
    let stage = Stage::new().await;
    let request = |pin: &str| words(&[("word", "w"), ("pin", pin)]);
    let first = stage.order(&ada(), "x.py", &request("1234"), Some("k1")).await.unwrap();

    let other = stage.order(&ada(), "x.py", &request("1235"), Some("k1")).await;
    let again = stage.again();
    let same = again.order(&ada(), "x.py", &request("1234"), Some("k1")).await.unwrap();
    let other_again = again.order(&ada(), "x.py", &request("1235"), Some("k1")).await;

    assert!(matches!(other, Err(RunError::KeyReused)));
    assert_eq!((same.repeated, same.view.record.id), (true, first.view.record.id));
    assert!(matches!(other_again, Err(RunError::KeyReused)));
}

#[tokio::test]
async fn requests_that_differ_behind_what_is_recorded_are_different() {
    let stage = Stage::new().await;
    let long = "l".repeat(100_000);
    let request = |end: &str| words(&[("word", &format!("{long}{end}"))]);
    stage.order(&ada(), "x.py", &request("a"), Some("k1")).await.unwrap();

    let same = stage.order(&ada(), "x.py", &request("a"), Some("k1")).await.unwrap();
    let other = stage.order(&ada(), "x.py", &request("b"), Some("k1")).await;

    assert!(same.repeated);
    assert!(matches!(other, Err(RunError::KeyReused)));
}

#[tokio::test]
async fn who_starts_too_many_runs_has_to_wait() {
    let limit = RateLimit { runs: 1, per: Duration::from_mins(1) };
    let stage = Stage::with(|settings, _| settings.runs.rate_limit = Some(limit)).await;
    stage.start_x(&ada(), "1").await;

    let refused = stage.order(&ada(), "x.py", &words(&[]), None).await;

    assert!(matches!(refused, Err(RunError::RateLimited(wait)) if wait.as_secs() == 60));
    stage.start_x(&eve(), "2").await;
    stage.clock.advance(SignedDuration::from_secs(60));
    stage.start_x(&ada(), "3").await;
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_waits_for_it() {
    let stage = Stage::new().await;
    let (ada, context) = (ada(), RequestContext::default());
    let request = words(&[("word", "w")]);
    let call = stage.app.run_script(&ada, "x.py", &request, &context);
    let id = tokio::select! {
        _ = call => panic!("it has not ended"),
        id = stage.runner.next_start() => id,
    };

    stage.runner.end(id, Outcome::Exited(0));

    assert_eq!(stage.over(&ada, id).await.record.state, RunState::Succeeded);
}

#[tokio::test]
async fn existing_clients_get_the_whole_output() {
    let stage = Stage::new().await;
    let (ada, context) = (ada(), RequestContext::default());
    let request = words(&[]);
    let prints = async {
        let id = stage.runner.next_start().await;
        stage.runner.print(id, Stream::Stdout, b"out");
        stage.runner.print(id, Stream::Stderr, b"err");
        stage.runner.end(id, Outcome::Exited(0));
    };

    let (ended, ()) = tokio::join!(stage.app.run_script(&ada, "x.py", &request, &context), prints);

    let collected = stage.app.collect_ended(&ended.unwrap()).await.unwrap();
    assert_eq!((collected.stdout, collected.stderr), (b"out".to_vec(), b"err".to_vec()));
}

#[tokio::test]
async fn a_run_whose_keeper_vanishes_is_lost() {
    let stage = Stage::new().await;
    let id = stage.start_x(&ada(), "w").await.record.id;
    stage.runner.next_start().await;

    stage.runner.lose(id);

    assert_eq!(stage.over(&ada(), id).await.record.state, RunState::Lost);
}
