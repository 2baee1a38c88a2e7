//! Attack check 57: the server is told to stop, or killed, while runs go on.

use rustix::process::{Signal, kill_process};
use serde_json::json;
use webscripts_testkit::{Account, InstanceBuilder};

use crate::runs_stage::{Runs, processes_with};
use crate::stage::instance;

/// Prints its steps; goes on when the pipe `go` is written to.
const STEPS: &str =
    "#!/bin/bash\necho \"begun $1\"\nread -r line < go\necho \"then $line\"\nexit 7\n";
const ENDLESS: &str = "#!/bin/bash\nsetsid sleep 1000 &\necho begun\nsleep 1000\n";

fn with_scripts() -> InstanceBuilder {
    instance()
        .setting("stop_grace", 1)
        .setting("shutdown_wait", 0)
        .account(Account::user("ada"))
        .script("steps.sh", STEPS, &json!({"args": {"word": {}}}))
        .script("endless.sh", ENDLESS, &json!({}))
        .script("quick.sh", "#!/bin/sh\necho quick\n", &json!({}))
}

fn pipe(directory: &std::path::Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let (at, fifo) = (rustix::fs::CWD, rustix::fs::FileType::Fifo);
    rustix::fs::mknodat(at, directory.join("go"), fifo, mode, 0).unwrap();
}

#[test]
fn attack_57_a_stopping_server_ends_its_runs_and_says_why() {
    let server = with_scripts().start().unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("endless.sh", &json!({}));
    ada.until_printed(&run, "begun");

    let stopped = server.stop().unwrap();

    assert!(stopped.is_clean(), "{}", stopped.log);
    assert_eq!(processes_with(&run), [].into());
    let server = stopped.instance.serve().unwrap();
    let record = Runs::of(&server, "ada").record(&run);
    assert_eq!(record["state"], "stopped");
    assert_eq!(record["reason"], "the server was stopped");
}

#[test]
fn attack_57_a_stopping_server_lets_runs_finish_for_a_while() {
    let server = with_scripts()
        .setting("shutdown_wait", 60)
        .script(
            "brief.sh",
            "#!/bin/bash\necho begun\nread -r line < go\necho finished\n",
            &json!({}),
        )
        .start()
        .unwrap();
    pipe(server.directory());
    let ada = Runs::of(&server, "ada");
    let run = ada.start("brief.sh", &json!({}));
    ada.until_printed(&run, "begun");

    kill_process(server.pid(), Signal::TERM).unwrap();
    std::fs::write(server.directory().join("go"), "on\n").unwrap();
    // A second SIGTERM would end it at once; this signal does nothing.
    let stopped = server.end_with(Signal::CONT).unwrap();

    assert!(stopped.is_clean(), "{}", stopped.log);
    let server = stopped.instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");
    assert_eq!(ada.record(&run)["state"], "succeeded");
    assert_eq!(ada.output(&run, "stdout"), b"begun\nfinished\n");
}

#[test]
fn attack_57_a_run_goes_on_when_its_server_is_killed_and_the_next_one_has_it() {
    let server = with_scripts().start().unwrap();
    pipe(server.directory());
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({"word": "here"}));
    ada.until_printed(&run, "begun here\n");

    let server = server.end_with(Signal::KILL).unwrap().instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");
    assert_eq!(ada.record(&run)["state"], "running");
    std::fs::write(server.directory().join("go"), "on\n").unwrap();
    let record = ada.end(&run);

    assert_eq!((&record["state"], &record["exit_code"]), (&json!("failed"), &json!(7)));
    assert_eq!(ada.output(&run, "stdout"), b"begun here\nthen on\n");
    assert_eq!(processes_with(&run), [].into());
}

#[test]
fn attack_57_a_run_that_ended_between_two_servers_is_known_to_the_next() {
    let server = with_scripts().start().unwrap();
    pipe(server.directory());
    let ada = Runs::of(&server, "ada");
    let run = ada.start("steps.sh", &json!({"word": "here"}));
    ada.until_printed(&run, "begun here\n");

    let stopped = server.end_with(Signal::KILL).unwrap();
    std::fs::write(stopped.instance.directory().join("go"), "alone\n").unwrap();
    crate::runs_stage::eventually("the end of the run", || processes_with(&run).is_empty());
    let server = stopped.instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");

    let record = ada.end(&run);
    assert_eq!((&record["state"], &record["exit_code"]), (&json!("failed"), &json!(7)));
    assert_eq!(ada.output(&run, "stdout"), b"begun here\nthen alone\n");
}

#[test]
fn attack_57_a_run_that_was_re_attached_can_be_stopped() {
    let server = with_scripts().start().unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("endless.sh", &json!({}));
    ada.until_printed(&run, "begun");

    let server = server.end_with(Signal::KILL).unwrap().instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");
    assert_eq!(ada.post(&format!("/api/runs/{run}/stop"), &json!({})).status, 200);

    assert_eq!(ada.end(&run)["state"], "stopped");
    assert_eq!(processes_with(&run), [].into());
}

#[test]
fn attack_57_runs_whose_keepers_were_killed_too_are_lost_and_nothing_of_them_is_left() {
    let server = with_scripts().start().unwrap();
    let ada = Runs::of(&server, "ada");
    let run = ada.start("endless.sh", &json!({}));
    ada.until_printed(&run, "begun");
    let keepers = keepers_of(server.pid());
    assert!(!keepers.is_empty());

    let stopped = server.end_with(Signal::KILL).unwrap();
    for keeper in keepers {
        // It may have ended by itself.
        let _ = kill_process(keeper, Signal::KILL);
    }
    let server = stopped.instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");

    let record = ada.end(&run);
    assert_eq!(record["state"], "lost", "{record}");
    assert!(record["reason"].is_string());
    assert_eq!(ada.output(&run, "stdout"), b"begun\n");
    crate::runs_stage::eventually("the end of the descendants", || processes_with(&run).is_empty());
}

/// The children of a server.
fn keepers_of(server: rustix::process::Pid) -> Vec<rustix::process::Pid> {
    let number = server.as_raw_nonzero().get();
    let tasks = std::fs::read_dir(format!("/proc/{number}/task")).unwrap().flatten();
    let children =
        tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let numbers: Vec<i32> = children
        .flat_map(|list| list.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    numbers.into_iter().filter_map(rustix::process::Pid::from_raw).collect()
}

#[test]
fn attack_57_no_finished_run_is_lost_when_the_server_is_killed_under_load() {
    let mut server = with_scripts().start().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    for _ in 0..5 {
        let ada = Runs::of(&server, "ada");
        for _ in 0..10 {
            let answer = ada.try_start("quick.sh", &json!({}), "result").json().unwrap();
            assert_eq!(answer["stdout"], "quick\n");
            acknowledged.push(answer["run"]["id"].as_str().unwrap().to_owned());
        }
        let unfinished = ada.start("endless.sh", &json!({}));
        server = server.end_with(Signal::KILL).unwrap().instance.serve().unwrap();
        let ada = Runs::of(&server, "ada");
        ada.post(&format!("/api/runs/{unfinished}/kill"), &json!({}));
        assert_eq!(ada.end(&unfinished)["state"], "stopped");
        for run in &acknowledged {
            assert_eq!(ada.record(run)["state"], "succeeded");
            assert_eq!(ada.output(run, "stdout"), b"quick\n");
        }
    }
}

#[test]
fn attack_57_the_queue_survives_a_killed_server() {
    let server = with_scripts()
        .setting("max_runs", 1)
        .script("echo.sh", "#!/bin/sh\necho \"$1\"\n", &json!({"args": {"word": {}}}))
        .script(
            "secret.sh",
            "#!/bin/sh\necho \"$1\"\n",
            &json!({"args": {"word": {"secret": true}}}),
        )
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let first = ada.start("endless.sh", &json!({}));
    ada.until_printed(&first, "begun");
    let waiting = ada.start("echo.sh", &json!({"word": "later"}));
    let with_secret = ada.start("secret.sh", &json!({"word": "s3cret-value"}));
    assert_eq!(ada.record(&waiting)["queue_position"], 0);
    assert_eq!(ada.record(&with_secret)["queue_position"], 1);

    let server = server.end_with(Signal::KILL).unwrap().instance.serve().unwrap();
    let ada = Runs::of(&server, "ada");
    assert_eq!(ada.record(&waiting)["state"], "queued");
    ada.post(&format!("/api/runs/{first}/kill"), &json!({}));

    assert_eq!(ada.end(&waiting)["state"], "succeeded");
    assert_eq!(ada.output(&waiting, "stdout"), b"later\n");
    let record = ada.end(&with_secret);
    assert_eq!(record["state"], "lost", "{record}");
    assert!(record["reason"].as_str().unwrap().contains("secret"), "{record}");
}
