//! Stopping runs and talking to them.

use webscripts_app::runs::RunAccessError;
use webscripts_app::runs::control::ControlError;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{Outcome, RunState};

use crate::stage::{Stage, ada, eve, root};

#[tokio::test]
async fn the_owner_and_administrators_stop_a_run_and_nobody_else_knows_of_it() {
    let stage = Stage::new().await;
    let id = stage.start_x(&ada(), "w").await.record.id;
    stage.runner.next_start().await;

    let foreign = stage.app.stop_run(&eve(), id).await.unwrap_err();
    assert!(matches!(foreign, ControlError::Access(RunAccessError::NotFound)));
    assert!(!stage.runner.wishes(id).stop);
    let view = stage.app.stop_run(&root(), id).await.unwrap();
    assert_eq!(view.record.state, RunState::Running, "it gets time to end");
    stage.runner.stopped(id).await;
    stage.app.kill_run(&ada(), id).await.unwrap();
    assert!(stage.runner.wishes(id).kill);
    stage.runner.end(id, Outcome::Cancelled);

    let record = stage.over(&ada(), id).await.record;
    assert_eq!(record.state, RunState::Stopped);
    assert_eq!(record.reason.as_deref(), Some("stopped by root"));
    let again = stage.app.stop_run(&ada(), id).await.unwrap();
    assert_eq!(again.record.reason.as_deref(), Some("stopped by root"));
}

#[tokio::test]
async fn who_may_only_look_does_not_stop() {
    let stage = Stage::with(|_, catalogue| {
        let mut shared = webscripts_domain::testkit::script("shared.py").build();
        shared.runs.view.users = vec![eve().identity.id];
        catalogue.add(shared);
    })
    .await;
    let id = stage.start_plain(&ada(), "shared.py").await.record.id;

    let view = stage.app.run(&eve(), id).await.unwrap();

    assert!(!view.can.stop && !view.can.delete);
    let refused = stage.app.stop_run(&eve(), id).await.unwrap_err();
    assert!(matches!(refused, ControlError::NotAllowed));
}

#[tokio::test]
async fn only_runs_that_keep_their_input_open_take_some() {
    let stage = Stage::new().await;
    let plain = stage.start_x(&ada(), "w").await.record.id;
    let talk = stage.start_plain(&ada(), "talk.py").await;
    assert!(talk.can.input);
    let talk = talk.record.id;

    let refused = stage.app.write_input(&ada(), plain, b"x").await.unwrap_err();
    assert!(matches!(refused, ControlError::NoInput));
    let too_long = stage.app.write_input(&ada(), talk, &vec![0; 65_537]).await.unwrap_err();
    assert!(matches!(too_long, ControlError::TooLong));
    let closed = stage.app.close_input(&ada(), talk).await.unwrap();

    assert!(!closed.can.input && stage.runner.wishes(talk).close_stdin);
    let refused = stage.app.write_input(&ada(), talk, b"x").await.unwrap_err();
    assert!(matches!(refused, ControlError::NoInput));
}

#[tokio::test]
async fn only_terminals_have_a_size() {
    let stage = Stage::new().await;
    let plain = stage.start_x(&ada(), "w").await.record.id;
    let terminal = stage.start_plain(&ada(), "term.py").await.record.id;
    let size = TerminalSize { columns: 100, rows: 30 };

    stage.app.resize_run(&ada(), terminal, size).await.unwrap();

    assert_eq!(stage.runner.wishes(terminal).size, Some(size));
    let refused = stage.app.resize_run(&ada(), plain, size).await.unwrap_err();
    assert!(matches!(refused, ControlError::NoTerminal));
    let none = TerminalSize { columns: 0, rows: 30 };
    assert!(stage.app.resize_run(&ada(), terminal, none).await.is_err());
}
