//! How runs end, and that nothing of them is left.

use std::time::Duration;

use tokio::task::JoinSet;
use webscripts_domain::run::Outcome;
use webscripts_engine::{LocalRunner, Runner, StartError};

use crate::order::{
    Finished, LONG, Lifeline, SHORT, finish, finish_in_time, first_output, named_pipe, pass, run,
    shell, tell,
};

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
async fn a_script_may_close_its_outputs_and_go_on() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\" >&- 2>&-; echo still here >&9; exit 3");

    let finished = run(script.word(&lifeline.path)).await;

    assert_eq!(finished, Finished::new("", "", Outcome::Exited(3)));
    assert_eq!(lifeline.until_all_are_gone().await, "still here\n");
}

#[tokio::test]
async fn at_the_time_limit_a_script_is_asked_to_end() {
    let runner = LocalRunner::with_grace(LONG);
    let script = shell(concat!(
        "exec 2>/dev/null; trap 'echo bye; exit 0' TERM\n",
        "echo ready; while :; do sleep 0.01; done"
    ));
    let mut handle = runner.start(script.timeout(LONG).build()).await.unwrap();
    assert_eq!(first_output(&mut handle).await, b"ready\n");

    pass(LONG).await;

    let (finished, end) = finish_in_time(handle).await;
    assert_eq!(finished, Finished::new("bye\n", "", Outcome::TimedOut));
    assert!(end.took >= LONG);
}

#[tokio::test]
async fn a_script_that_does_not_listen_is_killed() {
    let mut lifeline = Lifeline::new();
    let runner = LocalRunner::with_grace(SHORT);
    let script = shell("trap '' TERM; exec 9>\"$1\"; echo ready >&9; while :; do sleep 1000; done");
    let order = script.word(&lifeline.path).timeout(LONG);
    let handle = runner.start(order.build()).await.unwrap();
    lifeline.line().await;

    pass(LONG).await;

    assert_eq!(finish(handle).await, Finished::new("", "", Outcome::TimedOut));
    lifeline.until_all_are_gone().await;
}

#[tokio::test]
async fn a_stopped_script_is_ended_without_waiting() {
    let runner = LocalRunner::with_grace(LONG);
    let script = shell("echo ready; kill -STOP $$; echo never").timeout(LONG);
    let mut handle = runner.start(script.build()).await.unwrap();
    first_output(&mut handle).await;

    pass(LONG).await;

    assert_eq!(finish(handle).await, Finished::new("", "", Outcome::TimedOut));
}

#[tokio::test]
async fn descendants_end_with_their_run() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; (sleep 1000 & sleep 1000) & echo ready; sleep 1000");
    let runner = LocalRunner::with_grace(LONG);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    handle.cancel.cancel();

    assert_eq!(finish(handle).await, Finished::new("", "", Outcome::Cancelled));
    lifeline.until_all_are_gone().await;
}

#[tokio::test]
async fn descendants_that_do_not_listen_are_killed_although_the_script_has_ended() {
    let lifeline = Lifeline::new();
    let script = shell(
        "exec 9>\"$1\"; (trap '' TERM; while :; do sleep 1000; done) >&9 2>&9 & echo ready; wait",
    );
    let runner = LocalRunner::with_grace(SHORT);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    handle.cancel.cancel();

    assert_eq!(finish(handle).await.outcome, Outcome::Cancelled);
    lifeline.until_all_are_gone().await;
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
    let runner = LocalRunner::with_grace(LONG);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    handle.cancel.cancel();

    assert_eq!(finish(handle).await.outcome, Outcome::Cancelled);
    assert!(lifeline.until_all_are_gone().await.contains("saved"));
}

#[tokio::test]
async fn descendants_that_keep_the_outputs_open_are_ended_after_a_while() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; sleep 1000 & echo out; exit 5").word(&lifeline.path);
    let runner = LocalRunner::with_grace(SHORT);
    let handle = runner.start(script.build()).await.unwrap();

    assert_eq!(finish(handle).await, Finished::new("out\n", "", Outcome::Exited(5)));
    lifeline.until_all_are_gone().await;
}

#[tokio::test]
async fn descendants_that_write_until_they_end_belong_to_the_run() {
    let script = shell("(sleep 0.1; echo late) & echo early");
    let runner = LocalRunner::with_grace(LONG);
    let handle = runner.start(script.build()).await.unwrap();

    assert_eq!(finish(handle).await, Finished::new("early\nlate\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_descendant_without_the_outputs_outlives_a_script_that_ended_by_itself() {
    let lifeline = Lifeline::new();
    let question = lifeline.path.with_extension("question");
    named_pipe(&question);
    let script = shell("exec 9>\"$1\"; (read line <\"$2\"; echo \"$line\" >&9) >&9 2>&9 & exit 0");

    let finished = run(script.word(&lifeline.path).word(&question)).await;

    assert_eq!(finished, Finished::new("", "", Outcome::Exited(0)));
    tell(&question, "alive\n").await;
    assert_eq!(lifeline.until_all_are_gone().await, "alive\n");
}

#[tokio::test]
async fn a_process_that_left_the_group_does_not_keep_the_run_open() {
    let lifeline = Lifeline::new();
    let question = lifeline.path.with_extension("question");
    named_pipe(&question);
    // `setsid` needs a process that is no leader.
    let script =
        shell("exec 9>\"$1\"; (setsid sh -c 'echo out; read line <\"$1\"' sh \"$2\") & wait");
    let runner = LocalRunner::with_grace(SHORT);
    let order = script.word(&lifeline.path).word(&question);
    let mut handle = runner.start(order.build()).await.unwrap();
    first_output(&mut handle).await;

    handle.cancel.cancel();

    assert_eq!(finish(handle).await, Finished::new("", "", Outcome::Cancelled));
    tell(&question, "end\n").await;
    lifeline.until_all_are_gone().await;
}

#[tokio::test]
async fn a_run_whose_handle_is_dropped_ends() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; sleep 1000 & echo ready; sleep 1000");
    let runner = LocalRunner::with_grace(LONG);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    drop(handle);

    lifeline.until_all_are_gone().await;
}

#[tokio::test]
async fn a_run_that_nobody_reads_can_still_end_by_itself() {
    let lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"; trap 'head -c 5000000 /dev/zero; echo complete >&9; exit' TERM\n",
        "echo ready; while :; do sleep 0.01; done"
    ));
    let runner = LocalRunner::with_grace(LONG);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    drop(handle);

    assert_eq!(lifeline.until_all_are_gone().await, "complete\n");
}

#[tokio::test]
async fn a_dropped_runner_ends_its_runs() {
    let lifeline = Lifeline::new();
    let script = shell("exec 9>\"$1\"; echo ready; sleep 1000");
    let runner = LocalRunner::with_grace(LONG);
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    drop(runner);

    assert_eq!(finish(handle).await.outcome, Outcome::Cancelled);
    lifeline.until_all_are_gone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_runs_at_a_time_do_not_mix() {
    let runner = std::sync::Arc::new(LocalRunner::new());
    let mut runs = JoinSet::new();
    for number in 0..50 {
        let runner = std::sync::Arc::clone(&runner);
        runs.spawn(async move {
            let script = shell("echo $1; head -c 100000 /dev/zero | tr '\\0' x >&2; exit $1");
            let order = script.word(number.to_string());
            let finished = finish(runner.start(order.build()).await.unwrap()).await;
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
    let runner = LocalRunner::with_grace(LONG);
    let mut handles = Vec::new();
    for _ in 0..5 {
        let script = shell("exec 9>\"$1\"; echo ready; sleep 1000").word(&lifeline.path);
        let mut handle = runner.start(script.build()).await.unwrap();
        first_output(&mut handle).await;
        handles.push(handle);
    }

    runner.shutdown(LONG).await;

    lifeline.until_all_are_gone().await;
    for handle in handles {
        assert_eq!(finish(handle).await, Finished::new("", "", Outcome::Cancelled));
    }
    let refused = runner.start(shell("exit 0").build()).await.unwrap_err();
    assert!(matches!(refused, StartError::Failed { .. }));
}

#[tokio::test]
async fn a_shutdown_waits_neither_for_scripts_nor_for_readers() {
    let lifeline = Lifeline::new();
    let runner = LocalRunner::with_grace(LONG);
    let script = shell("trap '' TERM; exec 9>\"$1\"; echo ready; cat /dev/zero");
    let mut handle = runner.start(script.word(&lifeline.path).build()).await.unwrap();
    first_output(&mut handle).await;

    runner.shutdown(Duration::ZERO).await;

    lifeline.until_all_are_gone().await;
    assert_eq!(handle.end.await.unwrap().outcome, Outcome::Cancelled);
}
