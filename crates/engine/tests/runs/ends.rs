//! How runs end, and that nothing of them is left.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use webscripts_domain::run::Outcome;
use webscripts_engine::runs::{Runner, StartError};

use crate::stage::{Finished, LONG, Lifeline, Order, SHORT, Stage, end, finish, printed, shell};

async fn run(order: Order) -> Finished {
    Stage::new().run(order).await
}

#[tokio::test]
async fn the_exit_status_is_reported() {
    assert_eq!(run(shell("exit 0")).await, Finished::new("", "", Outcome::Exited(0)));
    assert_eq!(run(shell("exit 255")).await, Finished::new("", "", Outcome::Exited(255)));
}

#[tokio::test]
async fn the_signal_that_ended_a_script_is_reported() {
    assert_eq!(run(shell("kill -SEGV $$")).await, Finished::new("", "", Outcome::Signalled(11)));
    assert_eq!(run(shell("kill -KILL $$")).await, Finished::new("", "", Outcome::Signalled(9)));
}

#[tokio::test]
async fn what_a_run_used_is_reported() {
    let stage = Stage::new();
    let script = shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; (exit 0)");
    let end = end(&stage.start(script).await).await;

    assert!(end.usage.cpu > Duration::from_millis(10), "{end:?}");
    assert!(end.usage.cpu < end.took * 4);
    assert!((100 << 10..64 << 20).contains(&end.usage.peak_memory), "{end:?}");
}

#[tokio::test]
async fn a_script_may_close_its_outputs_and_go_on() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\" >&- 2>&-; echo still here >&9; exit 3");

    let finished = run(script.word(&lifeline.path)).await;

    assert_eq!(finished, Finished::new("", "", Outcome::Exited(3)));
    assert_eq!(lifeline.all_are_gone(), "still here\n");
}

#[tokio::test]
async fn the_time_limit_ends_a_run() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; sleep 1000 & sleep 1000").word(&lifeline.path);
    let stage = Stage::new();
    let handle = stage.start(script.timeout(SHORT)).await;

    let end = end(&handle).await;

    assert_eq!(end.outcome, Outcome::TimedOut);
    assert!(end.took >= SHORT);
    // It may have ended before it opened the pipe; then there is nothing to wait for.
    drop(lifeline);
}

#[tokio::test]
async fn a_script_is_asked_to_end_before_it_is_forced() {
    let script = shell(concat!(
        "exec 2>/dev/null; trap 'echo bye; exit 0' TERM\n",
        "echo ready; while :; do sleep 0.01; done"
    ));
    let stage = Stage::new();
    let handle = stage.start(script).await;
    printed(&handle, "ready\n").await;

    handle.stop();

    assert_eq!(finish(&handle).await, Finished::new("ready\nbye\n", "", Outcome::Cancelled));
}

#[tokio::test]
async fn a_script_that_does_not_listen_is_killed() {
    let mut lifeline = Lifeline::new();
    let script = shell("trap '' TERM; exec 9>\"$1\"; echo ready >&9; while :; do sleep 1000; done");
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path).grace(SHORT)).await;
    lifeline.line().await;

    handle.stop();

    assert_eq!(finish(&handle).await, Finished::new("", "", Outcome::Cancelled));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn a_stopped_script_is_ended_without_waiting() {
    let stage = Stage::new();
    let script = shell("(kill -STOP $$; echo ready; sleep 1000) & wait; echo never");
    let handle = stage.start(script).await;
    printed(&handle, "ready\n").await;

    handle.stop();

    assert_eq!(finish(&handle).await, Finished::new("ready\n", "", Outcome::Cancelled));
}

#[tokio::test]
async fn descendants_end_with_their_run() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; (sleep 1000 & sleep 1000) & echo ready; sleep 1000");
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path)).await;
    printed(&handle, "ready\n").await;

    handle.stop();

    assert_eq!(finish(&handle).await, Finished::new("ready\n", "", Outcome::Cancelled));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn descendants_that_do_not_listen_are_killed_although_the_script_has_ended() {
    let lifeline = Lifeline::new();
    let script = shell(
        "exec 9>\"$1\"; (trap '' TERM; echo ready; while :; do sleep 1000; done) 2>&9 & wait",
    );
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path).grace(SHORT)).await;
    printed(&handle, "ready\n").await;

    handle.stop();

    assert_eq!(finish(&handle).await.outcome, Outcome::Cancelled);
    lifeline.all_are_gone();
}

#[tokio::test]
async fn descendants_get_time_to_save_their_work_although_the_script_has_ended() {
    let lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "(trap 'sleep 0.1; echo saved >&9; exit' TERM\n",
        " echo ready >&3; while :; do sleep 0.01; done) 3>&1 >&9 2>&9 &\n",
        "wait"
    ));
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path)).await;
    printed(&handle, "ready\n").await;

    handle.stop();

    assert_eq!(finish(&handle).await.outcome, Outcome::Cancelled);
    assert!(lifeline.all_are_gone().contains("saved"));
}

#[tokio::test]
async fn descendants_that_keep_the_outputs_open_are_ended_after_a_while() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; sleep 1000 & echo out; exit 5").word(&lifeline.path);

    let finished = run(script.grace(SHORT)).await;

    assert_eq!(finished, Finished::new("out\n", "", Outcome::Exited(5)));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn descendants_that_write_until_they_end_belong_to_the_run() {
    let script = shell("(sleep 0.1; echo late) & echo early");

    assert_eq!(run(script).await, Finished::new("early\nlate\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_descendant_without_the_outputs_ends_with_the_script() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; sleep 1000 >&9 2>&9 & exit 0").word(&lifeline.path);

    assert_eq!(run(script).await, Finished::new("", "", Outcome::Exited(0)));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn a_run_whose_handle_is_dropped_goes_on() {
    let lifeline = Lifeline::new();
    let stage = Stage::new();
    let question = stage.files().join("question");
    crate::stage::named_pipe(&question);
    let script = shell("exec 9>\"$1\" 8<>\"$2\"; echo; read line <&8; echo \"$line\" >&9");
    let handle = stage.start(script.word(&lifeline.path).word(&question)).await;
    printed(&handle, "\n").await;

    drop(handle);
    crate::stage::tell(&question, "alive\n").await;

    assert_eq!(lifeline.until_all_are_gone().await, "alive\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_runs_at_a_time_do_not_mix() {
    let stage = Arc::new(Stage::new());
    let mut runs = JoinSet::new();
    for number in 0..50 {
        let stage = Arc::clone(&stage);
        runs.spawn(async move {
            let script = shell("echo $1; head -c 100000 /dev/zero | tr '\\0' x >&2; exit $1");
            let finished = stage.run(script.word(number.to_string())).await;
            let stdout = format!("{number}\n");
            assert_eq!(
                finished,
                Finished::new(&stdout, &"x".repeat(100_000), Outcome::Exited(number))
            );
        });
    }
    runs.join_all().await;
}

#[tokio::test]
async fn a_shutdown_ends_every_run_and_starts_no_other() {
    let lifeline = Lifeline::new();
    let stage = Stage::new();
    let mut handles = Vec::new();
    for _ in 0..5 {
        let script = shell("exec 9>\"$1\"; echo ready; sleep 1000").word(&lifeline.path);
        let handle = stage.start(script).await;
        printed(&handle, "ready\n").await;
        handles.push(handle);
    }

    stage.runner.shutdown(LONG).await;

    assert_eq!(lifeline.all_are_gone(), "");
    for handle in handles {
        assert_eq!(finish(&handle).await, Finished::new("ready\n", "", Outcome::Cancelled));
    }
    let refused = stage.runner.start(shell("exit 0").build(&stage)).await.unwrap_err();
    assert!(matches!(refused, StartError::Failed { .. }));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_scripts() {
    let lifeline = Lifeline::new();
    let stage = Stage::new();
    let script = shell("trap '' TERM; exec 9>\"$1\"; echo ready; cat /dev/zero");
    let script = script.word(&lifeline.path).output_bytes(1 << 20);
    let handle = stage.start(script).await;
    printed(&handle, "ready\n").await;

    stage.runner.shutdown(Duration::ZERO).await;

    assert_eq!(lifeline.all_are_gone(), "");
    assert_eq!(end(&handle).await.outcome, Outcome::Cancelled);
}
