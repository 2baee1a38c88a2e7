//! Standard input while a script runs.

use bytes::Bytes;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::{Outcome, Stream};
use webscripts_engine::runs::{RunHandle, StdinClosed};

use crate::stage::{Finished, Order, Stage, end, finish, kept, printed, shell};

fn interactive(script: Order) -> Order {
    script.rules(|rules| rules.interactive = true)
}

fn terminal(script: Order) -> Order {
    script.rules(|rules| rules.terminal = true)
}

#[tokio::test]
async fn input_arrives_while_a_script_runs() {
    let stage = Stage::new();
    let script = interactive(shell("while read -r line; do echo \"<$line>\"; done; echo end"));
    let handle = stage.start(script.input("first\n")).await;
    printed(&handle, "<first>\n").await;

    handle.write_stdin(Bytes::from_static(b"second\nthi")).await.unwrap();
    printed(&handle, "<first>\n<second>\n").await;
    handle.write_stdin(Bytes::from_static(b"rd\n")).await.unwrap();
    handle.close_stdin();

    let expected = "<first>\n<second>\n<third>\nend\n";
    assert_eq!(finish(&handle).await, Finished::new(expected, "", Outcome::Exited(0)));
    assert_eq!(handle.write_stdin(Bytes::from_static(b"late")).await, Err(StdinClosed));
}

#[tokio::test]
async fn much_input_waits_for_its_reader_and_arrives_complete() {
    let stage = Stage::new();
    let handle = stage.start(interactive(shell("head -c 5; echo; wc -c"))).await;

    let block = Bytes::from(vec![b'x'; 100_000]);
    for _ in 0..20 {
        handle.write_stdin(block.clone()).await.unwrap();
    }
    handle.close_stdin();

    let finished = finish(&handle).await;
    assert_eq!(finished, Finished::new("xxxxx\n1999995\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn input_that_nobody_reads_is_refused() {
    let stage = Stage::new();
    let plain = stage.start(shell("sleep 1000")).await;
    assert_eq!(plain.write_stdin(Bytes::from_static(b"x")).await, Err(StdinClosed));
    plain.kill();

    let deaf = stage.start(interactive(shell("exec <&-; echo; sleep 1000"))).await;
    printed(&deaf, "\n").await;
    let block = Bytes::from(vec![b'x'; 100_000]);
    while deaf.write_stdin(block.clone()).await.is_ok() {}
    deaf.kill();

    assert_eq!(end(&deaf).await.outcome, Outcome::Cancelled);
    assert_eq!(end(&plain).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_run_with_full_input_can_be_stopped() {
    let stage = Stage::new();
    let handle = stage.start(interactive(shell("sleep 1000"))).await;
    let writer = handle.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let block = Bytes::from(vec![b'x'; 1_000_000]);
        tokio::runtime::Handle::current().block_on(writer.write_stdin(block))
    });

    handle.stop();

    assert_eq!(end(&handle).await.outcome, Outcome::Cancelled);
    assert_eq!(writing.await.unwrap(), Err(StdinClosed));
}

/// Terminals end lines with a carriage return and a line feed.
#[expect(clippy::unwrap_used, reason = "tests")]
async fn shown(handle: &RunHandle) -> String {
    end(handle).await;
    String::from_utf8(kept(handle, Stream::Stdout)).unwrap()
}

#[tokio::test]
async fn a_terminal_is_one_for_its_script() {
    let stage = Stage::new();
    let script = shell(concat!(
        "test -t 0 && test -t 1 && test -t 2 && echo tty; stty size; ",
        "echo error >&2; : </dev/tty && echo controlling"
    ));
    let handle = stage.start(terminal(script)).await;

    assert_eq!(shown(&handle).await, "tty\r\n24 80\r\nerror\r\ncontrolling\r\n");
}

#[tokio::test]
async fn a_terminal_takes_input_and_another_size() {
    let stage = Stage::new();
    let script = shell(concat!(
        "stty -echo; trap 'stty size' WINCH; echo ready\n",
        "read -r line; echo \"<$line>\"; while read -r line; do echo \"<$line>\"; done; echo end"
    ));
    let handle = stage.start(terminal(script)).await;
    printed(&handle, "ready\r\n").await;

    handle.write_stdin(Bytes::from_static(b"one\n")).await.unwrap();
    printed(&handle, "ready\r\n<one>\r\n").await;
    handle.resize(TerminalSize { columns: 132, rows: 43 });
    printed(&handle, "ready\r\n<one>\r\n43 132\r\n").await;
    handle.close_stdin();

    assert_eq!(shown(&handle).await, "ready\r\n<one>\r\n43 132\r\nend\r\n");
    assert_eq!(end(&handle).await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn control_c_reaches_the_program_in_the_foreground() {
    let stage = Stage::new();
    let handle = stage.start(terminal(shell("stty -echo; echo ready; exec sleep 1000"))).await;
    printed(&handle, "ready\r\n").await;

    handle.write_stdin(Bytes::from_static(b"\x03")).await.unwrap();

    assert_eq!(end(&handle).await.outcome, Outcome::Signalled(2));
}
