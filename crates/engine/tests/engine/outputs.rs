//! What a script writes and what becomes of it.

use std::fmt::Write as _;

use webscripts_domain::run::Outcome;
use webscripts_engine::{LocalRunner, Runner};

use crate::order::{Finished, LONG, Lifeline, SHORT, finish, first_output, pass, run, shell};

#[tokio::test]
async fn each_stream_keeps_its_order() {
    let finished =
        run(shell("i=0; while [ $i -lt 20000 ]; do echo $i; echo e$i >&2; i=$((i+1)); done")).await;

    let (mut stdout, mut stderr) = (String::new(), String::new());
    for number in 0..20_000 {
        writeln!(stdout, "{number}").unwrap();
        writeln!(stderr, "e{number}").unwrap();
    }
    assert_eq!(finished, Finished::new(&stdout, &stderr, Outcome::Exited(0)));
}

#[tokio::test]
async fn a_megabyte_on_both_streams_at_once_arrives() {
    let finished = run(shell(
        "head -c 1000000 /dev/zero | tr '\\0' o & head -c 1000000 /dev/zero | tr '\\0' e >&2; wait",
    ))
    .await;

    let expected =
        Finished::new(&"o".repeat(1_000_000), &"e".repeat(1_000_000), Outcome::Exited(0));
    assert!(finished == expected);
}

#[tokio::test]
async fn bytes_arrive_as_they_were_written() {
    let finished = run(shell(r"printf '\0\377\r\n\351'")).await;

    assert_eq!(finished.stdout, b"\0\xff\r\n\xe9");
}

#[tokio::test]
async fn output_arrives_while_the_script_runs() {
    let runner = LocalRunner::new();
    let mut handle = runner.start(shell("echo now; sleep 1000").build()).await.unwrap();

    assert_eq!(first_output(&mut handle).await, b"now\n");
}

#[tokio::test]
async fn output_beyond_the_limit_is_counted_and_takes_no_memory() {
    let before = resident_bytes();

    let finished = run(shell("head -c 100000000 /dev/zero; exit 4").output_bytes(1 << 20)).await;

    let expected = Finished {
        stdout: vec![0; 1 << 20],
        stderr: Vec::new(),
        outcome: Outcome::Exited(4),
        dropped_bytes: 100_000_000 - (1 << 20),
    };
    assert!(finished == expected);
    assert!(resident_bytes().saturating_sub(before) < 48 << 20);
}

#[tokio::test]
async fn the_limit_may_fall_into_a_piece() {
    let finished = run(shell("printf 0123456789").output_bytes(7)).await;

    let expected =
        Finished { dropped_bytes: 3, ..Finished::new("0123456", "", Outcome::Exited(0)) };
    assert_eq!(finished, expected);
}

#[tokio::test]
async fn a_reader_that_waits_slows_no_other_run_and_loses_nothing() {
    let runner = LocalRunner::new();
    let unread = runner.start(shell("head -c 9000000 /dev/zero").build()).await.unwrap();

    let other = runner.start(shell("echo other").build()).await.unwrap();
    assert_eq!(finish(other).await, Finished::new("other\n", "", Outcome::Exited(0)));

    assert_eq!(finish(unread).await.stdout.len(), 9_000_000);
}

#[tokio::test]
async fn what_was_written_before_the_time_limit_is_delivered() {
    let mut lifeline = Lifeline::new();
    let runner = LocalRunner::with_grace(SHORT);
    // More pieces than wait for a reader, less than a pipe holds.
    let order = shell(concat!(
        "trap '' TERM; i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done\n",
        "echo end >&2; echo written >\"$1\"; while :; do sleep 1000; done",
    ));
    let order = order.word(&lifeline.path).timeout(LONG);
    let handle = runner.start(order.build()).await.unwrap();
    lifeline.line().await;

    pass(LONG).await;

    let expected = (0..2000).fold(String::new(), |text, number| text + &number.to_string() + "\n");
    assert_eq!(finish(handle).await, Finished::new(&expected, "end\n", Outcome::TimedOut));
}

/// Memory of this process (proc(5), `statm`).
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0_usize) * 4096
}
