//! `webscripts demo`: the first thing somebody tries.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use webscripts_testkit::Instance;

use crate::program::{PROGRAM, unmade, value_of};

/// Runs `demo` until it listens, then ends it; answers what it printed.
fn demo(instance: &Instance) -> String {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(PROGRAM);
    command.arg("demo").arg(instance.directory()).args(["--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    while !printed.contains("WebScripts listens on ") {
        assert_ne!(out.read_line(&mut printed).unwrap(), 0, "it ended early: {printed}");
    }
    end(&mut child);
    out.read_line(&mut printed).unwrap();
    printed
}

fn end(child: &mut Child) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_first_start_prints_the_credentials_and_the_second_says_where_they_went() {
    let instance = unmade();

    let first = demo(&instance);
    let second = demo(&instance);

    let password = value_of(&first, "Password");
    let (credentials, ready) = first.split_once("WebScripts listens on ").unwrap();
    assert_eq!(credentials, format!("Administrator: Admin\nPassword: {password}\n"));
    assert!(ready.starts_with("http://127.0.0.1:"), "{ready}");
    assert_eq!(ready.lines().count(), 1);
    let (help, ready) = second.split_once("WebScripts listens on ").unwrap();
    assert_eq!(
        help,
        format!(
            "The password of `Admin` was printed at the first start; `webscripts user passwd Admin \
             --directory {}` sets a new one\n",
            instance.directory().display()
        )
    );
    assert!(ready.starts_with("http://127.0.0.1:"), "{ready}");
}
