//! Script files that are checked, the sandbox they run in, and the secrets they get.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use webscripts_domain::catalogue::SecretsVia;
use webscripts_domain::run::Outcome;
use webscripts_domain::sandbox::{Preset, Sandbox};
use webscripts_engine::runs::StartError;

use crate::stage::{Finished, Order, Stage, end, file, finish, program, shell};

fn preset(preset: Preset) -> Sandbox {
    Sandbox { preset, ..Sandbox::default() }
}

async fn script(stage: &Stage, text: &str) -> PathBuf {
    let path = stage.files().join("script");
    file(&path, text, "755").await;
    path
}

fn checked(path: &Path) -> Order {
    program(path)
        .rules(|rules| rules.sandbox = Some(preset(Preset::None)))
        .surroundings(|surroundings| surroundings.scripts_must_be_safe = true)
}

#[tokio::test]
async fn a_script_sees_its_own_path() {
    let stage = Stage::new();
    let path = script(&stage, "#!/bin/sh\necho \"$0\"\n").await;

    let finished = stage.run(checked(&path)).await;

    let expected = format!("{}\n", path.display());
    assert_eq!(finished, Finished::new(&expected, "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_strict_script_is_executed_by_handle_with_and_without_a_launcher() {
    let stage = Stage::new();
    let path = script(&stage, "#!/bin/sh\necho \"$0 $1\"\n").await;
    let strict = |order: Order| order.rules(|rules| rules.sandbox = Some(preset(Preset::Strict)));

    let direct = stage.run(strict(checked(&path)).word("a")).await;
    let launched = stage.run(strict(checked(&path)).launcher("/bin/sh").word("b")).await;

    let (direct, launched) = (text(&direct), text(&launched));
    assert!(direct.starts_with("/dev/fd/") && direct.ends_with(" a\n"), "{direct}");
    assert!(launched.starts_with("/proc/self/fd/") && launched.ends_with(" b\n"), "{launched}");
}

fn text(finished: &Finished) -> String {
    assert_eq!((finished.outcome, finished.stderr.as_slice()), (Outcome::Exited(0), &b""[..]));
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

#[tokio::test]
async fn a_binary_is_executed_by_handle_and_does_not_notice() {
    let stage = Stage::new();
    let path = stage.files().join("tool");
    let copy = shell("cp /usr/bin/printf \"$1\"").word(&path);
    assert_eq!(stage.run(copy).await.outcome, Outcome::Exited(0));

    let finished = stage.run(checked(&path).word("%s\n").word("works")).await;

    assert_eq!(finished, Finished::new("works\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn a_script_that_others_may_change_is_not_run() {
    let stage = Stage::new();
    let path = script(&stage, "#!/bin/sh\n").await;
    for (mode, reason) in [("775", "chmod go-w"), ("757", "chmod go-w"), ("4755", "chmod u-s")] {
        file(&path, "#!/bin/sh\n", mode).await;

        let error = stage.refusal(checked(&path)).await;

        assert!(matches!(error, StartError::Unsafe { .. }));
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(stage.left_places(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn only_the_recorded_content_is_run() {
    let stage = Stage::new();
    let path = script(&stage, "#!/bin/sh\necho recorded\n").await;
    let digest = Sha256::digest(b"#!/bin/sh\necho recorded\n").into();
    let order = || checked(&path).rules(|rules| rules.sha256 = Some(digest));
    let expected = Finished::new("recorded\n", "", Outcome::Exited(0));
    assert_eq!(stage.run(order()).await, expected);

    file(&path, "#!/bin/sh\necho replaced\n", "755").await;

    let error = stage.refusal(order()).await;
    assert!(error.to_string().contains("record the new digest"), "{error}");
}

#[tokio::test]
async fn a_secret_in_a_file_is_read_by_the_run_alone_and_masked() {
    let stage = Stage::new();
    let script = shell(concat!(
        "case $1 in /dev/fd/*) ;; *) exit 1;; esac; cat \"$1\"; echo; cat \"$1\" | base64 >&2\n",
        "printf pass; sleep 0.05; printf 'word-42 end'; stat -Lc ' %a' \"$1\""
    ));
    for sandbox in [Preset::None, Preset::Default] {
        let order = script.clone().secret("password-42").rules(|rules| {
            rules.secrets_via = SecretsVia::Descriptor;
            rules.sandbox = Some(preset(sandbox));
        });

        let finished = stage.run(order).await;

        let text = String::from_utf8(finished.stdout).unwrap();
        assert_eq!(text, "••••••\n•••••• end 400\n");
        assert_eq!(finished.outcome, Outcome::Exited(0));
        let encoded = String::from_utf8(finished.stderr).unwrap();
        assert!(encoded.starts_with("•••"), "{encoded}");
    }
}

#[tokio::test]
async fn a_run_of_another_account_has_its_own_directories() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::reachable();
    let sandbox = Sandbox { user: Some("nobody".to_owned()), ..preset(Preset::Default) };
    let script = shell(concat!(
        "id -un; echo x >\"$TMPDIR/x\" && echo y >\"$WEBSCRIPTS_RUN_DIR/y\" && cat /proc/self/fd/0\n",
        "echo out >/dev/stdout; setsid sleep 1000 >/dev/null 2>&1 & trap '' TERM"
    ));
    let order = script.input("input\n").rules(|rules| rules.sandbox = Some(sandbox));
    let handle = stage.start(order).await;

    let finished = finish(&handle).await;

    assert_eq!(finished, Finished::new("nobody\ninput\nout\n", "", Outcome::Exited(0)));
    let result = File::open(handle.place().join("files/y")).unwrap();
    assert_ne!(result.metadata().unwrap().uid(), 0);
    let mut content = String::new();
    { result }.read_to_string(&mut content).unwrap();
    assert_eq!(content, "y\n");
    // The next run of the server's own account gets them back.
    let next = stage.run(shell("echo x >\"$TMPDIR/x\"; stat -c %u \"$TMPDIR\"")).await;
    assert_eq!(next, Finished::new("0\n", "", Outcome::Exited(0)));
}

#[tokio::test]
async fn limits_hold_for_the_whole_run() {
    let stage = Stage::new();
    let script = shell("ulimit -n; ulimit -c; umask; i=0; while :; do i=$((i+1)); done");
    let order = script.surroundings(|surroundings| {
        surroundings.resources.open_files = Some(33);
        surroundings.resources.cpu_s = Some(1);
    });
    let handle = stage.start(order).await;

    let finished = finish(&handle).await;

    assert!(finished.stdout.starts_with(b"33\n0\n0077\n"), "{finished:?}");
    assert!(matches!(finished.outcome, Outcome::Signalled(9 | 24)), "{finished:?}");
    assert!(end(&handle).await.usage.cpu.as_millis() >= 100);
}
