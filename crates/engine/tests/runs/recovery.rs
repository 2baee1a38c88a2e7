//! Runs whose server dies.

use std::time::Duration;

use bytes::Bytes;
use webscripts_domain::run::{Outcome, RunId, Stream};
use webscripts_engine::runs::{Over, Recovered, RunHandle, Runner};

use crate::stage::{Finished, LONG, Lifeline, Order, Stage, finish, kept, printed, shell};

fn interactive(script: Order) -> Order {
    script.rules(|rules| rules.interactive = true)
}

async fn recover(stage: &Stage, run: &RunHandle) -> Recovered {
    stage.runner.recover(run.run(), run.place(), LONG).await
}

#[tokio::test]
async fn a_run_goes_on_and_the_next_server_takes_it_up() {
    let stage = Stage::new();
    let script = interactive(shell("while read -r line; do echo \"<$line>\"; done; exit 3"));
    let before = stage.start(script.input("one\n")).await;
    printed(&before, "<one>\n").await;

    let stage = stage.replace_runner();
    assert_eq!(before.over().await, Over::Lost);
    let Recovered::Attached(handle) = recover(&stage, &before).await else { panic!("lost") };

    assert_eq!((handle.pid(), handle.progress().borrow().stdout), (before.pid(), 6));
    handle.write_stdin(Bytes::from_static(b"two\n")).await.unwrap();
    printed(&handle, "<one>\n<two>\n").await;
    handle.close_stdin();
    assert_eq!(finish(&handle).await, Finished::new("<one>\n<two>\n", "", Outcome::Exited(3)));
}

#[tokio::test]
async fn a_run_survives_one_server_after_the_other_and_can_be_stopped() {
    let lifeline = Lifeline::new();
    let mut stage = Stage::new();
    let script = shell("exec 9>\"$1\"; echo up; setsid sleep 1000 & sleep 1000");
    let mut handle = stage.start(script.word(&lifeline.path)).await;
    printed(&handle, "up\n").await;

    for _ in 0..3 {
        stage = stage.replace_runner();
        let Recovered::Attached(next) = recover(&stage, &handle).await else { panic!("lost") };
        handle = next;
    }
    handle.stop();

    assert_eq!(finish(&handle).await, Finished::new("up\n", "", Outcome::Cancelled));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn the_end_of_a_run_is_known_although_no_server_saw_it() {
    let lifeline = Lifeline::new();
    let stage = Stage::new();
    let question = stage.files().join("question");
    crate::stage::named_pipe(&question);
    let script = shell("exec 9>\"$1\" 8<>\"$2\"; echo up; read line <&8; echo $line; exit 4");
    let before = stage.start(script.word(&lifeline.path).word(&question)).await;
    printed(&before, "up\n").await;

    let run = before.clone();
    let directory = stage.leave();
    crate::stage::tell(&question, "unseen\n").await;
    lifeline.until_all_are_gone().await;
    let stage = Stage::at(directory);

    // The supervisor may just have found the new server when the run ended.
    let end = match recover(&stage, &run).await {
        Recovered::Ended(end) => end,
        Recovered::Attached(handle) => crate::stage::end(&handle).await,
        Recovered::Lost => panic!("lost"),
    };
    assert_eq!((end.outcome, end.printed.stdout), (Outcome::Exited(4), 10));
    assert_eq!(kept(&run, Stream::Stdout), b"up\nunseen\n");
}

#[tokio::test]
async fn a_run_whose_supervisor_died_without_a_server_is_lost_and_ended() {
    let mut lifeline = Lifeline::new();
    let stage = Stage::new();
    let question = stage.files().join("question");
    crate::stage::named_pipe(&question);
    let script = shell(concat!(
        "exec 9>\"$1\" 8<>\"$2\"; supervisor=$PPID\n",
        "(trap '' TERM HUP; read line <&8; kill -KILL $supervisor; echo killed >&9\n",
        "while :; do sleep 1000; done) & echo up; wait"
    ));
    let handle = stage.start(script.word(&lifeline.path).word(&question)).await;
    printed(&handle, "up\n").await;

    let directory = stage.leave();
    crate::stage::tell(&question, "now\n").await;
    lifeline.line().await;
    let stage = Stage::at(directory);

    assert!(matches!(recover(&stage, &handle).await, Recovered::Lost));
    assert_eq!(lifeline.all_are_gone(), "");
}

#[tokio::test]
async fn an_unknown_run_is_lost() {
    let stage = Stage::new();
    let run = RunId::from_bytes([7; 16]);

    let recovered = stage.runner.recover(run, &stage.runs().join("x"), LONG).await;

    assert!(matches!(recovered, Recovered::Lost));
}

#[tokio::test]
async fn a_supervisor_that_does_not_come_is_ended() {
    let lifeline = Lifeline::new();
    let stage = Stage::new();
    let script = shell("exec 9>\"$1\"; echo up; sleep 1000");
    let handle = stage.start(script.word(&lifeline.path)).await;
    printed(&handle, "up\n").await;

    // It still belongs to the first runner, so it does not come to the second.
    let second = Stage::new();
    let recovered =
        second.runner.recover(handle.run(), handle.place(), Duration::from_millis(1)).await;

    assert!(matches!(recovered, Recovered::Lost));
    assert_eq!(handle.over().await, Over::Lost);
    assert_eq!(lifeline.all_are_gone(), "");
}
