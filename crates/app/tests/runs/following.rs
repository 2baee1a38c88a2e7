//! Watching runs.

use std::time::Duration;

use webscripts_app::runs::follow::{Follow, Follower, RunEvent};
use webscripts_app::runs::screen::{Colour, TaskProgress, TaskState};
use webscripts_domain::identity::Caller;
use webscripts_domain::run::{Outcome, RunId, RunState, Stream};
use webscripts_domain::session::{Session, SessionKey};

use crate::stage::{Stage, ada, now};

const PLAIN: Follow = Follow { from: 0, rendered: false };
const RENDERED: Follow = Follow { from: 0, rendered: true };

/// One word per event.
fn told(event: &RunEvent) -> String {
    match event {
        RunEvent::State(view) => view.record.state.name().to_owned(),
        RunEvent::Output { text, .. } => {
            format!("{} {}@{} {}", text.sequence, text.stream.name(), text.offset, text.text)
        }
        RunEvent::Cut(cut) => format!("cut {:?}", cut.sequences),
        RunEvent::Progress(progress) => format!("{:?}", progress.percent),
        RunEvent::Screen(screen) => format!("screen {}", screen.lines.len()),
        RunEvent::End(view) => format!("end {}", view.record.state.name()),
    }
}

async fn all(mut follower: Follower) -> Vec<String> {
    let mut events = Vec::new();
    while let Some(batch) = follower.next().await {
        events.extend(batch.iter().map(told));
    }
    events
}

async fn next(follower: &mut Follower) -> Vec<String> {
    follower.next().await.unwrap().iter().map(told).collect()
}

async fn started(stage: &Stage, script: &str) -> RunId {
    stage.start_plain(&ada(), script).await;
    stage.runner.next_start().await
}

#[tokio::test]
async fn a_watcher_sees_everything_in_order() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    let mut follower = stage.app.follow(&ada(), id, PLAIN).await.unwrap();
    assert_eq!(next(&mut follower).await, ["running"]);

    stage.runner.print(id, Stream::Stdout, b"one\n");
    assert_eq!(next(&mut follower).await, ["0 stdout@0 one\n"]);
    stage.runner.print(id, Stream::Stderr, b"two");
    stage.runner.print(id, Stream::Stdout, b"three");
    assert_eq!(next(&mut follower).await, ["1 stderr@0 two", "2 stdout@4 three"]);
    assert_eq!(follower.position(), 3);
    stage.runner.end(id, Outcome::Exited(0));

    assert_eq!(all(follower).await, ["end succeeded"]);
    let afterwards = stage.app.follow(&ada(), id, PLAIN).await.unwrap();
    let expected =
        ["succeeded", "0 stdout@0 one\n", "1 stderr@0 two", "2 stdout@4 three", "end succeeded"];
    assert_eq!(all(afterwards).await, expected);
}

#[tokio::test]
async fn watching_resumes_at_any_number_without_gap_or_duplicate() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    for byte in "aé€😀\u{e9}".bytes().chain(*b"\xe9") {
        stage.runner.print(id, Stream::Stdout, &[byte]);
    }
    let text_from = async |from| {
        let how = Follow { from, rendered: false };
        let mut follower = stage.app.follow(&ada(), id, how).await.unwrap();
        let mut text = String::new();
        while let Some(batch) = follower.next().await {
            for event in batch {
                if let RunEvent::Output { text: piece, .. } = event {
                    text += &piece.text;
                }
            }
        }
        (text, follower.position())
    };
    stage.runner.end(id, Outcome::Exited(0));
    stage.over(&ada(), id).await;
    let (whole, last) = text_from(0).await;
    assert_eq!((whole.as_str(), last), ("aé€😀éé", 15), "two numbers for what was held back");

    for resumed_at in 0..=last {
        let mut seen = String::new();
        let mut before =
            stage.app.follow(&ada(), id, Follow { from: 0, rendered: false }).await.unwrap();
        while let Some(batch) = before.next().await {
            for event in batch {
                match event {
                    RunEvent::Output { text, .. } if text.sequence < resumed_at => {
                        seen += &text.text;
                    }
                    _ => {}
                }
            }
        }
        assert_eq!(seen + &text_from(resumed_at).await.0, whole, "resumed at {resumed_at}");
    }
}

#[tokio::test]
async fn a_late_watcher_reads_what_the_others_have_left_behind() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    let mut early = stage.app.follow(&ada(), id, PLAIN).await.unwrap();
    let line = vec![b'x'; 100_000];
    let mut seen = 0;
    for _ in 0..30 {
        stage.runner.print(id, Stream::Stdout, &line);
    }
    while seen < 3_000_000 {
        for event in early.next().await.unwrap() {
            if let RunEvent::Output { text, .. } = event {
                seen += text.text.len();
            }
        }
    }
    let late = stage.app.follow(&ada(), id, PLAIN).await.unwrap();
    stage.runner.end(id, Outcome::Exited(0));

    let told = all(late).await;

    let line = String::from_utf8(line).unwrap();
    let mut expected = vec!["running".to_owned()];
    expected.extend((0..30).map(|at| format!("{at} stdout@{} {line}", at * 100_000)));
    expected.push("end succeeded".to_owned());
    assert!(told == expected, "{:?}", told.iter().map(String::len).collect::<Vec<_>>());
}

#[tokio::test]
async fn colours_are_spans_for_those_who_want_them() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    stage.runner.print(id, Stream::Stdout, b"\x1b[31mred");
    stage.runner.print(id, Stream::Stdout, b" still\x1b]9;4;1;50\x07");
    stage.runner.end(id, Outcome::Exited(0));
    stage.over(&ada(), id).await;
    let mut follower =
        stage.app.follow(&ada(), id, Follow { from: 1, rendered: true }).await.unwrap();
    follower.next().await.unwrap();

    let events = follower.next().await.unwrap();

    let [RunEvent::Output { spans: Some(spans), .. }, RunEvent::Progress(progress)] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(spans[0].text, " still");
    assert_eq!(spans[0].style.foreground, Some(Colour::Indexed(1)), "the colour goes on");
    assert_eq!(*progress, TaskProgress { state: TaskState::Normal, percent: Some(50) });
}

#[tokio::test]
async fn a_terminal_is_shown_as_lines() {
    let stage = Stage::new().await;
    let id = started(&stage, "term.py").await;
    let mut follower = stage.app.follow(&ada(), id, RENDERED).await.unwrap();
    stage.runner.print(id, Stream::Stdout, b"a\r\nb");
    assert_eq!(next(&mut follower).await, ["running"]);
    assert_eq!(next(&mut follower).await, ["screen 24"]);

    stage.runner.print(id, Stream::Stdout, b"\rB");
    assert_eq!(next(&mut follower).await, ["screen 1"]);
    stage.runner.end(id, Outcome::Exited(0));

    assert_eq!(all(follower).await, ["end succeeded"]);
    let screen = stage.app.screen(&ada(), id).await.unwrap().unwrap();
    assert_eq!((screen.lines[1].spans[0].text.as_str(), screen.whole), ("B", true));
}

#[tokio::test]
async fn a_poll_answers_what_happened_since() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    stage.runner.print(id, Stream::Stdout, b"one");

    let first = stage.app.poll(&ada(), id, PLAIN, Duration::from_secs(20)).await.unwrap();
    let nothing = Follow { from: first.next, ..PLAIN };
    let second = stage.app.poll(&ada(), id, nothing, Duration::ZERO).await.unwrap();
    stage.runner.end(id, Outcome::Exited(0));
    let third = stage.app.poll(&ada(), id, nothing, Duration::from_secs(20)).await.unwrap();

    assert_eq!(first.events.iter().map(told).collect::<Vec<_>>(), ["0 stdout@0 one"]);
    assert_eq!((second.events.len(), second.next), (0, 1));
    assert_eq!((third.events.len(), third.view.record.state), (0, RunState::Succeeded));
}

#[tokio::test]
async fn who_asks_again_for_a_terminal_waits_for_something_new() {
    let stage = Stage::new().await;
    let id = started(&stage, "term.py").await;
    stage.runner.print(id, Stream::Stdout, b"a");

    let first = stage.app.poll(&ada(), id, RENDERED, Duration::from_secs(20)).await.unwrap();
    let again = Follow { from: first.next, ..RENDERED };
    let second = stage.app.poll(&ada(), id, again, Duration::ZERO).await.unwrap();
    stage.runner.print(id, Stream::Stdout, b"b");
    let third = stage.app.poll(&ada(), id, again, Duration::from_secs(20)).await.unwrap();

    assert_eq!(first.events.iter().map(told).collect::<Vec<_>>(), ["screen 24"]);
    assert_eq!((second.events.len(), second.next), (0, 1));
    let [RunEvent::Screen(screen)] = third.events.as_slice() else { panic!("{third:?}") };
    assert_eq!((screen.lines[0].spans[0].text.as_str(), third.next), ("ab", 2));
}

#[tokio::test]
async fn watching_ends_with_the_session() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    let key = SessionKey([1; 32]);
    let lasts = webscripts_domain::clock::SignedDuration::from_secs(3600);
    let session = Session::open(ada().identity.id, ada().address, now(), lasts);
    stage.stores.sessions.add(&key, &session, 16).await.unwrap();
    let signed_in = Caller { session: Some(key), ..ada() };
    let mut follower = stage.app.follow(&signed_in, id, PLAIN).await.unwrap();
    assert_eq!(next(&mut follower).await, ["running"]);

    let (end, _) = tokio::join!(follower.next(), stage.app.sign_out(&signed_in));

    assert!(end.is_none());
    assert!(follower.next().await.is_none());
}

#[tokio::test]
async fn watching_ends_when_the_right_is_taken_away() {
    let stage = Stage::new().await;
    let id = started(&stage, "x.py").await;
    let mut follower = stage.app.follow(&ada(), id, PLAIN).await.unwrap();
    assert_eq!(next(&mut follower).await, ["running"]);

    stage.stores.accounts.set_disabled(ada().identity.id, true, &[]).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();

    assert!(follower.next().await.is_none());
}
