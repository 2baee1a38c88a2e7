//! What scripts try so that something of them outlives their run.

use webscripts_domain::run::{Outcome, Stream};
use webscripts_engine::runs::{Over, RunHandle};

use crate::stage::{Finished, Lifeline, Order, SHORT, Stage, end, finish, kept, printed, shell};

/// A script that prints `$PPID` first, and that number.
#[expect(clippy::unwrap_used, reason = "tests")]
async fn supervisor_of(stage: &Stage, order: Order) -> (RunHandle, u32) {
    let handle = stage.start(order).await;
    let mut progress = handle.progress();
    progress.wait_for(|now| now.stdout > 0).await.unwrap();
    let text = String::from_utf8(kept(&handle, Stream::Stdout));
    (handle, text.unwrap().trim().parse().unwrap())
}

#[tokio::test]
async fn a_new_session_and_a_double_fork_do_not_escape() {
    let mut lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "(setsid sh -c '(setsid sh -c \"trap : TERM HUP; echo up >&9; ",
        "while :; do sleep 1000; done\" &) & exit' >&9 2>&9 </dev/null &)\n",
        "read line; exit 6",
    ));
    let stage = Stage::new();
    let script = script.word(&lifeline.path).grace(SHORT).rules(|rules| rules.interactive = true);
    let handle = stage.start(script).await;
    lifeline.line().await;

    handle.close_stdin();

    assert_eq!(finish(&handle).await, Finished::new("", "", Outcome::Exited(6)));
    lifeline.all_are_gone();
}

#[tokio::test]
async fn a_daemon_that_closed_everything_does_not_escape_a_kill() {
    let mut lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "setsid sh -c 'trap \"\" TERM HUP INT; exec >&9 2>&9 </dev/null; cd /; echo up; ",
        "while :; do sleep 1000; done' &\n",
        "trap '' TERM; while :; do sleep 1000; done",
    ));
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path)).await;
    lifeline.line().await;

    handle.kill();

    assert_eq!(finish(&handle).await, Finished::new("", "", Outcome::Cancelled));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn frozen_processes_end_all_the_same() {
    let mut lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "for i in 1 2 3; do (echo up >&9; kill -STOP $(sh -c 'echo $PPID'); sleep 1000) & done\n",
        "wait",
    ));
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path)).await;
    for _ in 0..3 {
        lifeline.line().await;
    }

    handle.stop();

    assert_eq!(end(&handle).await.outcome, Outcome::Cancelled);
    lifeline.all_are_gone();
}

#[tokio::test]
async fn a_fork_bomb_ends() {
    let mut lifeline = Lifeline::new();
    // Each process makes others as fast as it can; the limit keeps the machine usable.
    let script = shell(concat!(
        "exec 9>\"$1\"; trap '' TERM; echo up >&9\n",
        "bomb() { trap '' TERM; bomb & bomb & wait; bomb; }; bomb 2>/dev/null",
    ));
    let stage = Stage::new();
    let script = script
        .word(&lifeline.path)
        .grace(SHORT)
        .surroundings(|surroundings| surroundings.resources.processes = Some(100));
    let handle = stage.start(script).await;
    lifeline.line().await;

    handle.stop();

    assert_eq!(end(&handle).await.outcome, Outcome::Cancelled);
    lifeline.all_are_gone();
}

#[tokio::test]
async fn processes_that_are_reborn_end() {
    let mut lifeline = Lifeline::new();
    // Each lives for a moment and is replaced from a new session.
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "cat >\"$TMPDIR/phoenix\" <<'END'\n",
        "trap '' TERM HUP\n",
        "echo up >&9\n",
        "setsid sh \"$0\" &\n",
        "END\n",
        "sh \"$TMPDIR/phoenix\"; sleep 1000",
    ));
    let stage = Stage::new();
    let handle = stage.start(script.word(&lifeline.path)).await;
    for _ in 0..20 {
        lifeline.line().await;
    }

    handle.kill();

    assert_eq!(end(&handle).await.outcome, Outcome::Cancelled);
    lifeline.all_are_gone();
}

#[tokio::test]
async fn a_supervisor_takes_run_after_run() {
    let stage = Stage::new();
    let first = stage.run(shell("echo $PPID; setsid sleep 1000 >/dev/null 2>&1 & exit 0")).await;
    let second = stage.run(shell("echo $PPID; ls -A \"$TMPDIR\" \"$WEBSCRIPTS_RUN_DIR\"")).await;

    assert_eq!(first.outcome, Outcome::Exited(0));
    let (first, second) = (String::from_utf8(first.stdout), String::from_utf8(second.stdout));
    assert_eq!(first.unwrap().trim(), second.unwrap().lines().next().unwrap());
}

#[tokio::test]
async fn what_a_run_leaves_is_kept_or_removed_and_never_seen_by_the_next() {
    let stage = Stage::new();
    let script = shell(concat!(
        "echo result >\"$WEBSCRIPTS_RUN_DIR/result.txt\"; mkdir -p \"$TMPDIR/a/b\"\n",
        "echo x >\"$TMPDIR/a/b/c\"; ln -s /etc \"$TMPDIR/link\"; chmod 0 \"$TMPDIR/a/b\"",
    ));
    let first = stage.start(script).await;
    assert_eq!(finish(&first).await, Finished::new("", "", Outcome::Exited(0)));

    let second = stage.run(shell("ls -A \"$TMPDIR\" \"$WEBSCRIPTS_RUN_DIR\" | grep -v :$")).await;

    assert_eq!(second, Finished::new("\n", "", Outcome::Exited(0)));
    let result = std::fs::read_to_string(first.place().join("files/result.txt"));
    assert_eq!(result.unwrap(), "result\n");
    assert!(!first.place().join("tmp").exists());
}

#[tokio::test]
async fn a_script_that_kills_its_supervisor_takes_everything_with_it() {
    let mut lifeline = Lifeline::new();
    let script = shell(concat!(
        "exec 9>\"$1\"\n",
        "setsid sh -c 'trap \"\" TERM HUP; echo up >&9; while :; do sleep 1000; done' &\n",
        "read line; kill -KILL $PPID; sleep 1000",
    ));
    let stage = Stage::new();
    let script = script.word(&lifeline.path).rules(|rules| rules.interactive = true);
    let handle = stage.start(script).await;
    lifeline.line().await;

    handle.close_stdin();

    assert_eq!(handle.over().await, Over::Lost);
    assert_eq!(lifeline.all_are_gone(), "");
    let next = stage.run(shell("echo next")).await;
    assert_eq!(next, Finished::new("next\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_killed_supervisor_is_noticed_while_others_go_on() {
    let mut lifeline = Lifeline::new();
    let stage = Stage::new();
    let waits = |order: Order| order.rules(|rules| rules.interactive = true);
    let other = stage.start(waits(shell("echo other; cat"))).await;
    printed(&other, "other\n").await;
    let script = shell("exec 9>\"$1\"; echo $PPID; setsid sleep 1000 & echo up >&9; sleep 1000");
    let (handle, supervisor) = supervisor_of(&stage, script.word(&lifeline.path)).await;
    lifeline.line().await;

    let supervisor = rustix::process::Pid::from_raw(supervisor.cast_signed()).unwrap();
    rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).unwrap();

    assert_eq!(handle.over().await, Over::Lost);
    assert_eq!(lifeline.all_are_gone(), "");
    other.close_stdin();
    assert_eq!(finish(&other).await, Finished::new("other\n", "", Outcome::Exited(0)));
}
