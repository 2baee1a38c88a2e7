//! Attack checks 54 to 56: scripts that print without end, take everything, or do not go away.

use std::time::{Duration, Instant};

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::{Runs, eventually, processes_with};
use crate::stage::instance;

fn server(scripts: &[(&str, &str, serde_json::Value)]) -> Server {
    let mut builder = instance()
        .setting("stop_grace", 1)
        .account(Account::user("ada"))
        .account(Account::user("eve"));
    for (name, text, keys) in scripts {
        builder = builder.script(name, text, keys);
    }
    builder.start().unwrap()
}

/// The most memory a server and everything below it that is the same program ever held, in MiB.
fn memory_mib(server: &Server) -> u64 {
    let pid = server.pid().as_raw_nonzero().get();
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let mut kibibytes = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let Ok(status) = std::fs::read_to_string(path.join("status")) else { continue };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        let is_ours = entry.file_name().to_str() == Some(&pid.to_string())
            || field("PPid") == u64::try_from(pid).ok();
        if is_ours && std::fs::read_link(path.join("exe")).ok().as_ref() == Some(&program) {
            kibibytes += field("VmHWM").unwrap_or_default();
        }
    }
    kibibytes / 1024
}

/// What a script prints that has to be stopped.
const TEN_GIGABYTES: u64 = 10_000_000_000;

#[test]
fn attack_54_a_script_that_prints_without_end_costs_neither_memory_nor_disk() {
    let flood = "#!/bin/sh\nexec cat /dev/zero\n";
    let server = server(&[
        ("flood.sh", flood, json!({"run_output_bytes": 4_194_304})),
        ("quick.sh", "#!/bin/sh\necho quick\n", json!({})),
    ]);
    let ada = Runs::of(&server, "ada");
    let eve = Runs::of(&server, "eve");
    // The processes that accompany runs are there before it is measured what a run costs.
    let first = ada.start("flood.sh", &json!({}));
    eve.try_start("quick.sh", &json!({}), "result");
    ada.post(&format!("/api/runs/{first}/kill"), &json!({}));
    ada.end(&first);
    let before = memory_mib(&server);

    let run = ada.start("flood.sh", &json!({}));
    let printed = |record: &serde_json::Value| record["stdout_bytes"].as_u64().unwrap();
    ada.until(&run, |record| printed(record) > 100_000_000);
    assert_eq!(
        eve.try_start("quick.sh", &json!({}), "result").json().unwrap()["stdout"],
        "quick\n"
    );
    ada.until(&run, |record| printed(record) >= TEN_GIGABYTES);
    ada.post(&format!("/api/runs/{run}/stop"), &json!({}));
    let record = ada.end(&run);

    assert_eq!(record["state"], "stopped");
    let after = memory_mib(&server);
    assert!(after <= before + 32, "{before} MiB became {after} MiB");
    let stored = directory_bytes(&server.directory().join("data/runs"));
    assert!(stored <= 2 * 5_242_880, "{stored} bytes are stored");
    let dropped = record["dropped_bytes"].as_u64().unwrap();
    let kept = printed(&record) - dropped;
    assert!((1..=4_194_304).contains(&kept), "{kept}");
}

fn directory_bytes(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap().flatten();
    let bytes = entries.map(|entry| {
        let meta = entry.metadata().unwrap();
        if meta.is_dir() { directory_bytes(&entry.path()) } else { meta.len() }
    });
    bytes.sum()
}

#[test]
fn attack_54_head_and_tail_of_too_much_output_are_kept_with_the_cut_marked() {
    let script = "#!/bin/sh\necho first line\nhead -c 50000000 /dev/zero | tr '\\0' x\necho\necho last line\n";
    let server = server(&[("long.sh", script, json!({"run_output_bytes": 1_048_576}))]);
    let ada = Runs::of(&server, "ada");

    let answer = ada.try_start("long.sh", &json!({}), "result").json().unwrap();
    let text = answer["stdout"].as_str().unwrap();

    assert!(text.starts_with("first line\nxxx"), "{}", &text[..40]);
    assert!(text.ends_with("xxx\nlast line\n"), "{}", &text[text.len() - 40..]);
    assert!(text.len() < 1_100_000);
    assert!(text.contains("bytes are not kept"), "the cut is marked");
}

#[test]
fn attack_54_one_endless_line_is_delivered_in_pieces() {
    let script = "#!/bin/sh\nhead -c 1000000000 /dev/zero | tr '\\0' y\n";
    let quick = "#!/bin/sh\necho quick\n";
    let keys = json!({"print_real_time": true});
    let server = server(&[("line.sh", script, keys.clone()), ("quick.sh", quick, keys)]);
    let ada = Runs::of(&server, "ada");
    let warm = ada.start("quick.sh", &json!({}));
    ada.end(&warm);
    let before = memory_mib(&server);

    let begun = ada.post("/api/scripts/line.sh", &json!({"arguments": {}}));
    let key = begun.json().unwrap()["key"].as_str().unwrap().to_owned();
    let piece = ada.get(&format!("/api/script/get/{key}")).json().unwrap();

    let length = piece["stdout"].as_str().unwrap().len();
    assert!((1..=70_000_000).contains(&length), "{length}");
    let list = ada.get("/api/runs/?script=line.sh").json().unwrap();
    let record = ada.end(list["runs"][0]["id"].as_str().unwrap());
    assert_eq!(
        (&record["state"], &record["stdout_bytes"]),
        (&json!("succeeded"), &json!(1_000_000_000))
    );
    let after = memory_mib(&server);
    assert!(after <= before + 32, "{before} MiB became {after} MiB");
}

#[test]
fn attack_55_a_fork_bomb_meets_its_limit_and_the_server_answers() {
    let bomb = "#!/bin/bash\nb() { b | b & }; b; sleep 1000\n";
    let server = server(&[
        ("bomb.sh", bomb, json!({"process_limit": 60, "timeout": 3})),
        ("quick.sh", "#!/bin/sh\necho quick\n", json!({})),
    ]);
    let ada = Runs::of(&server, "ada");
    let eve = Runs::of(&server, "eve");

    let run = ada.start("bomb.sh", &json!({}));
    ada.until(&run, |record| record["state"] == "running");
    assert_eq!(
        eve.try_start("quick.sh", &json!({}), "result").json().unwrap()["stdout"],
        "quick\n"
    );

    assert_eq!(ada.end(&run)["state"], "timed_out");
    assert_eq!(processes_with(&run), [].into());
}

#[test]
fn attack_55_files_processor_and_memory_have_limits() {
    let server = server(&[
        (
            "big.sh",
            "#!/bin/sh\nhead -c 10000000 /dev/zero > \"$WEBSCRIPTS_RUN_DIR/big\"\n",
            json!({"file_size_limit": 1_000_000}),
        ),
        ("spin.sh", "#!/bin/sh\nwhile :; do :; done\n", json!({"cpu_limit": 1})),
        (
            "hog.py",
            "#!/usr/bin/env python3\nx = b'x' * 2_000_000_000\nprint(len(x))\n",
            json!({"memory_limit": 200_000_000}),
        ),
        ("core.sh", "#!/bin/sh\nulimit -c\nulimit -n\n", json!({"open_files_limit": 50})),
    ]);
    let ada = Runs::of(&server, "ada");

    let ends = |script: &str| ada.end(&ada.start(script, &json!({})));
    assert_eq!(ends("big.sh")["state"], "failed");
    assert_eq!(ends("spin.sh")["state"], "failed");
    assert_eq!(ends("hog.py")["state"], "failed");
    let limits = ada.try_start("core.sh", &json!({}), "result").json().unwrap();
    assert_eq!(limits["stdout"], "0\n50\n");
}

/// Each of them says its number, does what it does, and would live for ever.
const STUBBORN: [(&str, &str); 5] = [
    ("ignores.sh", "#!/bin/bash\ntrap '' TERM INT HUP\necho here\nwhile :; do sleep 1000; done\n"),
    (
        "daemon.sh",
        "#!/bin/bash\n(setsid bash -c 'trap \"\" TERM; (setsid sleep 1000 &) ; sleep 1000' &)\necho here\nsleep 1000\n",
    ),
    ("pipe.sh", "#!/bin/bash\nsleep 1000 &\nsetsid sleep 1000 &\necho here\nwait\n"),
    (
        "stopped.sh",
        "#!/bin/bash\nsleep 1000 &\nkill -STOP $!\necho here\nkill -STOP $$\nsleep 1000\n",
    ),
    (
        "zombies.sh",
        "#!/bin/bash\nfor i in 1 2 3; do bash -c 'bash -c \"sleep 1000 &\" & exec sleep 1000' & done\necho here\nexec sleep 1000\n",
    ),
];

#[test]
fn attack_56_whatever_a_stopped_run_consists_of_is_gone() {
    let scripts = STUBBORN.map(|(name, text)| (name, text, json!({})));
    let server = server(&scripts);
    let ada = Runs::of(&server, "ada");

    for (name, _) in STUBBORN {
        let run = ada.start(name, &json!({}));
        ada.until_printed(&run, "here");
        assert!(!processes_with(&run).is_empty(), "{name}");
        let asked = Instant::now();
        let answer = ada.post(&format!("/api/runs/{run}/stop"), &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());

        let record = ada.end(&run);
        assert_eq!(record["state"], "stopped", "{name}: {record}");
        assert_eq!(record["reason"], "stopped by ada", "{name}");
        assert_eq!(processes_with(&run), [].into(), "{name}");
        assert!(asked.elapsed() < Duration::from_secs(30), "{name}");
    }
}

#[test]
fn attack_56_a_killed_run_is_gone_without_grace() {
    let scripts = STUBBORN.map(|(name, text)| (name, text, json!({})));
    let server = instance()
        .setting("stop_grace", 600)
        .account(Account::user("ada"))
        .script(scripts[0].0, scripts[0].1, &scripts[0].2)
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");

    let run = ada.start("ignores.sh", &json!({}));
    ada.until_printed(&run, "here");
    ada.post(&format!("/api/runs/{run}/stop"), &json!({}));
    assert_eq!(ada.record(&run)["state"], "running");
    ada.post(&format!("/api/runs/{run}/kill"), &json!({}));

    assert_eq!(ada.end(&run)["state"], "stopped");
    assert_eq!(processes_with(&run), [].into());
}

#[test]
fn attack_56_what_a_finished_script_left_behind_is_ended_too() {
    let daemon = "#!/bin/bash\nsetsid bash -c 'setsid sleep 1000 & sleep 1000' </dev/null >/dev/null 2>&1 &\necho done\n";
    let server = server(&[("leaves.sh", daemon, json!({}))]);
    let ada = Runs::of(&server, "ada");

    let run = ada.start("leaves.sh", &json!({}));

    assert_eq!(ada.end(&run)["state"], "succeeded");
    assert_eq!(processes_with(&run), [].into());
}

#[test]
fn attack_56_a_run_of_the_reference_api_ends_with_its_descendants() {
    let server = server(&[(
        "slow.sh",
        "#!/bin/bash\nsetsid sleep 1000 &\necho begun\nsleep 1000\n",
        json!({"print_real_time": true}),
    )]);
    let ada = Runs::of(&server, "ada");
    let key = ada.post("/api/scripts/slow.sh", &json!({"arguments": {}})).json().unwrap()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = ada.get("/api/runs/?state=running").json().unwrap();
    let run = list["runs"][0]["id"].as_str().unwrap().to_owned();
    ada.until_printed(&run, "begun");

    let stop =
        Request::post(&format!("/api/script/stop/{key}")).api_token(&ada.token).same_origin();
    assert_eq!(server.send(&stop).unwrap().status, 200);

    eventually("the end of the descendants", || processes_with(&run).is_empty());
    assert_eq!(ada.end(&run)["state"], "stopped");
}
