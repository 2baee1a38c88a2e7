//! The server ends and starts again.

use std::time::Duration;

use webscripts_app::runs::recover::Recovery;
use webscripts_domain::environment::RequestContext;
use webscripts_domain::invocation::place_of;
use webscripts_domain::run::{Outcome, Printed, RunEnd, RunId, RunState, Stream, Usage};
use webscripts_engine::runs::Recovered;

use crate::stage::{Stage, ada, eve, words};

fn place(stage: &Stage, id: RunId) -> std::path::PathBuf {
    place_of(&stage.app.configuration().surroundings().runs, id)
}

#[tokio::test]
async fn running_runs_are_attached_or_ended_or_lost() {
    let before = Stage::new().await;
    let [goes_on, ended, lost] = [
        before.start_x(&ada(), "1").await.record.id,
        before.start_x(&ada(), "2").await.record.id,
        before.start_x(&ada(), "3").await.record.id,
    ];
    let after = before.again();
    let end = RunEnd {
        outcome: Outcome::Exited(3),
        took: Duration::ZERO,
        usage: Usage::default(),
        printed: Printed::default(),
    };
    let handle = after.runner.adopt(goes_on, &place(&after, goes_on));
    after.runner.found.lock().unwrap().insert(goes_on, Recovered::Attached(handle));
    after.runner.found.lock().unwrap().insert(ended, Recovered::Ended(end));

    let recovery = after.app.recover_runs().await.unwrap();

    let expected = Recovery { attached: 1, ended: 1, lost: 1, ..Recovery::default() };
    assert_eq!(recovery, expected);
    let state = async |id| after.app.run(&ada(), id).await.unwrap().record.state;
    assert_eq!(state(goes_on).await, RunState::Running);
    assert_eq!((state(ended).await, state(lost).await), (RunState::Failed, RunState::Lost));
    after.runner.print(goes_on, Stream::Stdout, b"still here");
    after.runner.end(goes_on, Outcome::Exited(0));
    let view = after.over(&ada(), goes_on).await;
    assert_eq!((view.record.state, view.printed.stdout), (RunState::Succeeded, 10));
}

#[tokio::test]
async fn waiting_runs_start_again_with_the_rights_of_now_unless_they_need_a_secret() {
    let before = Stage::with(|settings, _| settings.runs.max_runs = 1).await;
    let first = before.start_x(&ada(), "1").await.record.id;
    let waits = before.start_x(&ada(), "2").await.record.id;
    let secret = words(&[("pin", "1234")]);
    let secret = before.order(&ada(), "x.py", &secret, None).await.unwrap().view.record.id;
    let of_eve = before.start_x(&eve(), "3").await.record.id;
    before.stores.accounts.set_disabled(eve().identity.id, true, &[]).await.unwrap();
    let after = before.again();

    let recovery = after.app.recover_runs().await.unwrap();

    let expected = Recovery { lost: 1, queued: 1, dropped: 2, ..Recovery::default() };
    assert_eq!(recovery, expected);
    assert_eq!(after.runner.next_start().await, waits);
    let arguments = after.runner.invocation(waits).arguments().to_vec();
    assert_eq!(format!("{arguments:?}"), r#"[Plain("2")]"#);
    let record = async |id| after.stores.runs.find(id).await.unwrap().unwrap();
    assert_eq!(record(first).await.state, RunState::Lost);
    let without_secret = record(secret).await;
    assert_eq!(without_secret.state, RunState::Lost);
    assert!(without_secret.reason.unwrap().contains("secrets"));
    let refused = record(of_eve).await;
    assert_eq!(refused.state, RunState::Failed);
    assert_eq!(refused.reason.as_deref(), Some("the account is disabled or deleted"));
}

#[tokio::test]
async fn nothing_starts_before_the_runs_of_before_were_found() {
    let stage = Stage::unopened(|_, _| {}).await;

    let view = stage.start_x(&ada(), "w").await;

    assert_eq!(view.record.state, RunState::Queued);
    assert!(stage.runner.is_quiet().await);
}

#[tokio::test]
async fn a_stopping_server_lets_runs_finish_then_stops_them_and_keeps_what_waits() {
    let stage = Stage::with(|settings, _| {
        settings.runs.max_runs = 1;
        settings.runs.shutdown_wait = Duration::ZERO;
    })
    .await;
    let running = stage.start_x(&ada(), "1").await.record.id;
    let waits = stage.start_x(&ada(), "2").await.record.id;
    let (ada, context, request) = (ada(), RequestContext::default(), words(&[("word", "3")]));
    let call = stage.app.run_script(&ada, "x.py", &request, &context);
    let ends = async {
        while stage.stores.runs.counts().await.unwrap().queued < 2 {
            tokio::task::yield_now().await;
        }
        stage.app.end_runs().await;
    };
    let obeys = async {
        stage.runner.stopped(running).await;
        stage.runner.end(running, Outcome::Cancelled);
    };

    let (answer, (), ()) = tokio::join!(call, ends, obeys);

    let record = async |id| stage.stores.runs.find(id).await.unwrap().unwrap();
    let stopped = record(running).await;
    assert_eq!(stopped.state, RunState::Stopped);
    assert_eq!(stopped.reason.as_deref(), Some("the server was stopped"));
    assert_eq!(record(waits).await.state, RunState::Queued);
    let awaited = answer.unwrap();
    assert_eq!(awaited.end.outcome, Outcome::Cancelled);
    assert_eq!(record(awaited.run).await.state, RunState::Stopped);
}
