//! What a script writes and what becomes of it.

use std::fmt::Write as _;

use webscripts_domain::run::{Outcome, Stream};

use crate::stage::{Finished, Lifeline, Order, Stage, finish, kept, printed, shell};

async fn run(order: Order) -> Finished {
    Stage::new().run(order).await
}

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
    let stage = Stage::new();
    let handle = stage.start(shell("echo now; sleep 1000")).await;

    printed(&handle, "now\n").await;

    handle.kill();
    assert_eq!(finish(&handle).await, Finished::new("now\n", "", Outcome::Cancelled));
}

#[tokio::test]
async fn beyond_the_limit_head_and_tail_are_kept() {
    let limit = 1 << 20;
    let script = shell("seq 1 3000000; exit 4").output_bytes(limit);
    let stage = Stage::new();
    let handle = stage.start(script).await;

    let finished = finish(&handle).await;

    let all: u64 = (1..=3_000_000_u64).map(|number| number.to_string().len() as u64 + 1).sum();
    assert_eq!(finished.outcome, Outcome::Exited(4));
    assert_eq!(finished.stdout.len() as u64 + finished.dropped_bytes, all);
    assert!(finished.stdout.starts_with(b"1\n2\n3\n"));
    assert!(finished.stdout.ends_with(b"2999999\n3000000\n"));
    assert!((limit / 4..=limit).contains(&(finished.stdout.len() as u64)));
}

#[tokio::test]
async fn a_printer_that_nobody_stops_takes_neither_memory_nor_disk() {
    let stage = Stage::new();
    let mut lifeline = Lifeline::new();
    let script = shell(concat!(
        "grep VmHWM /proc/$PPID/status; head -c 1000000000 /dev/zero\n",
        "grep VmHWM /proc/$PPID/status >&2; echo done >\"$1\"; exit 4"
    ));
    let handle = stage.start(script.word(&lifeline.path).output_bytes(1 << 20)).await;
    lifeline.line().await;

    let finished = finish(&handle).await;

    assert_eq!(finished.outcome, Outcome::Exited(4));
    let kilobytes = |text: &[u8]| -> u64 {
        let text = String::from_utf8_lossy(text);
        text.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let (before, after) = (kilobytes(&finished.stdout), kilobytes(&finished.stderr));
    assert!(after < before + 1024, "{before} {after}");
    let on_disk: u64 = std::fs::read_dir(handle.place())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk < 2 << 20, "{on_disk}");
}

#[tokio::test]
async fn a_line_without_end_and_a_million_lines_arrive() {
    let line = run(shell("head -c 30000000 /dev/zero | tr '\\0' x")).await;
    assert!(line.stdout == vec![b'x'; 30_000_000]);

    let lines = run(shell("seq 1 1000000")).await;
    let expected = (1..=1_000_000).fold(String::new(), |mut text, number| {
        writeln!(text, "{number}").unwrap();
        text
    });
    assert!(lines == Finished::new(&expected, "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_run_that_nobody_watches_loses_nothing() {
    let stage = Stage::new();
    let unwatched = stage.start(shell("head -c 9000000 /dev/zero")).await;

    let other = stage.run(shell("echo other")).await;
    assert_eq!(other, Finished::new("other\n", "", Outcome::Exited(0)));

    assert_eq!(finish(&unwatched).await.stdout.len(), 9_000_000);
}

#[tokio::test]
async fn what_was_written_before_the_end_is_kept() {
    let mut lifeline = Lifeline::new();
    let stage = Stage::new();
    let order = shell(concat!(
        "trap '' TERM; i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done\n",
        "echo end >&2; echo written >\"$1\"; while :; do sleep 1000; done",
    ));
    let handle = stage.start(order.word(&lifeline.path)).await;
    lifeline.line().await;

    handle.kill();

    let expected = (0..2000).fold(String::new(), |text, number| text + &number.to_string() + "\n");
    assert_eq!(finish(&handle).await, Finished::new(&expected, "end\n", Outcome::Cancelled));
    assert_eq!(kept(&handle, Stream::Stderr), b"end\n");
}
