//! What a script finds when it starts, and why it may not.

use std::error::Error;
use std::fs::File;

use rustix::io::{FdFlags, fcntl_setfd};
use webscripts_domain::run::Outcome;
use webscripts_engine::runs::StartError;

use crate::stage::{Finished, Order, Stage, file, finish, program, shell};

async fn run(order: Order) -> Finished {
    Stage::new().run(order).await
}

async fn refusal(order: Order) -> StartError {
    Stage::new().refusal(order).await
}

#[tokio::test]
async fn words_arrive_byte_for_byte_and_without_a_shell() {
    let words =
        ["", " two  words ", "line\nline\r\n", "$(id)`id`${HOME}", "'\"\\", "*", "-n", "é€"];
    let mut order = program("/usr/bin/printf").word("%s|");
    for word in words {
        order = order.word(word);
    }

    let expected = words.map(|word| format!("{word}|")).concat();
    assert_eq!(run(order).await, Finished::new(&expected, "", Outcome::Exited(0)));
}

#[tokio::test]
async fn the_environment_is_exactly_that_of_the_order() {
    let order = program("/usr/bin/env").environment([
        ("B", "2 = two"),
        ("A", "line\nline"),
        ("wsgi.version", "1.0"),
    ]);

    let stage = Stage::new();
    let handle = stage.start(order).await;

    let text = String::from_utf8(finish(&handle).await.stdout).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    let own: Vec<_> = lines.extract_if(.., |line| is_of_the_run(line)).collect();
    assert_eq!(lines, ["A=line", "B=2 = two", "line", "wsgi.version=1.0"]);
    assert_eq!(own.len(), 3);
    assert_eq!(own[2], format!("WEBSCRIPTS_RUN_ID={}", handle.run()));
}

fn is_of_the_run(line: &str) -> bool {
    ["TMPDIR=/", "WEBSCRIPTS_RUN_DIR=/", "WEBSCRIPTS_RUN_ID="]
        .iter()
        .any(|own| line.starts_with(own))
}

#[tokio::test]
async fn the_script_runs_in_the_directory_of_the_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();

    let finished = run(program("/bin/pwd").directory(&path)).await;

    let expected = format!("{}\n", path.display());
    assert_eq!(finished, Finished::new(&expected, "", Outcome::Exited(0)));
}

#[tokio::test]
async fn the_script_leads_a_process_group_of_its_own() {
    let script = shell("read -r pid name state parent group rest </proc/$$/stat; [ $group = $$ ]");

    assert_eq!(run(script).await.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn the_script_gets_no_descriptor_of_the_server() {
    let inherited = File::open("/dev/null").unwrap();
    fcntl_setfd(&inherited, FdFlags::empty()).unwrap();

    let finished = run(shell("ls /proc/$$/fd; :")).await;

    assert_eq!(finished, Finished::new("0\n1\n2\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn the_process_number_is_that_of_the_script() {
    let stage = Stage::new();
    let handle = stage.start(shell("echo $$")).await;

    let expected = format!("{}\n", handle.pid());
    assert_eq!(finish(&handle).await.stdout, expected.as_bytes());
}

#[tokio::test]
async fn standard_input_arrives_completely_and_ends() {
    let input = "0123456789abcde\n".repeat(100_000);

    let finished = run(shell("cat; echo end").input(&input)).await;

    assert!(finished == Finished::new(&(input + "end\n"), "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_script_need_not_read_its_input() {
    let stage = Stage::new();
    let input = "x".repeat(1_000_000);

    for (script, expected) in [("exit 0", ""), ("exec <&-; echo on", "on\n")] {
        let finished = stage.run(shell(script).input(&input)).await;
        assert_eq!(finished, Finished::new(expected, "", Outcome::Exited(0)));
    }
}

#[tokio::test]
async fn without_input_there_is_nothing_to_read() {
    let finished = run(shell("cat; readlink /proc/$$/fd/0")).await;

    assert_eq!(finished, Finished::new("/dev/null\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_name_is_looked_up_in_the_path_of_the_script() {
    let directory = tempfile::tempdir().unwrap();
    let (bin, later) = (directory.path().join("bin"), directory.path().join("later"));
    for folder in [&bin, &later] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::create_dir(bin.join("tool")).unwrap();
    file(&later.join("tool"), "#!/bin/sh\necho found\n", "755").await;
    let named =
        |path: &str| program("tool").directory(directory.path()).environment([("PATH", path)]);

    let path = format!("{}:{}", bin.display(), later.display());
    assert_eq!(run(named(&path)).await, Finished::new("found\n", "", Outcome::Exited(0)));

    // Entries that depend on the working directory are skipped.
    for path in ["later", "./later", "", ":"] {
        assert!(matches!(refusal(named(path)).await, StartError::NotFound { .. }));
    }
    assert!(matches!(refusal(program("tool").environment([])).await, StartError::NotFound { .. }));
}

#[tokio::test]
async fn a_relative_path_begins_at_the_directory_of_the_order() {
    let directory = tempfile::tempdir().unwrap();
    file(&directory.path().join("tool"), "#!/bin/sh\necho found\n", "755").await;

    let finished = run(program("./tool").directory(directory.path())).await;

    assert_eq!(finished, Finished::new("found\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = refusal(program("/nowhere/tool")).await;

    assert!(matches!(error, StartError::NotFound { .. }));
    assert_eq!(error.to_string(), "`/nowhere/tool` does not exist");
}

#[tokio::test]
async fn a_missing_interpreter_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tool");
    file(&path, "#!/bin/sh\r\necho\r\n", "755").await;

    let error = refusal(program(&path)).await;

    assert!(matches!(error, StartError::NotExecutable { .. }));
    assert_eq!(
        error.source().unwrap().to_string(),
        "its `#!` line names `/bin/sh\\r`, which does not exist"
    );
}

#[tokio::test]
async fn what_cannot_be_executed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (text, forbidden) = (directory.path().join("text"), directory.path().join("forbidden"));
    file(&text, "echo never through a shell\n", "755").await;
    file(&forbidden, "#!/bin/sh\n", "644").await;
    let path = directory.path().to_str().unwrap();

    for order in [
        program(&text),
        program(&forbidden),
        program(directory.path()),
        program("forbidden").environment([("PATH", path)]),
    ] {
        assert!(matches!(refusal(order).await, StartError::NotExecutable { .. }));
    }
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let error = refusal(shell("exit 0").directory("/nowhere")).await;

    assert!(matches!(error, StartError::Failed { .. }));
    assert_eq!(error.source().unwrap().to_string(), "no directory `/nowhere` to run in");
}

#[tokio::test]
async fn words_that_are_too_long_are_refused() {
    let error = refusal(shell("exit 0").word("x".repeat(1 << 20))).await;

    assert!(matches!(error, StartError::TooLarge(_)));
}

#[tokio::test]
async fn a_zero_byte_cannot_be_passed() {
    let error = refusal(shell("exit 0").word("a\0b")).await;

    assert!(matches!(error, StartError::Failed { .. }));
}
