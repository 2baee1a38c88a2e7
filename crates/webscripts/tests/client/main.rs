//! The existing client and command line, `WebScriptsClient` 0.0.4 from `PyPI`, drives the program as
//! it drives the reference. It is a black box here: what it prints and its exit status count.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod environment;
mod run;

use serde_json::json;
use webscripts_testkit::{Account, Server};

use run::{Finished, client, client_with_input};

const ECHO: &str = "#!/bin/sh\nfor word in \"$@\"; do echo \"[$word]\"; done\n";
/// Shows line ends as `$`.
const INPUT: &str = "#!/bin/sh\nsed 's/$/$/'\nfor word in \"$@\"; do echo \"[$word]\"; done\n";
const FAILS: &str = "#!/bin/sh\necho out\necho complaint >&2\nexit 7\n";
const LIVE: &str = "#!/bin/sh\necho one\necho two\nprintf three\necho complaint >&2\nexit 4\n";

fn server() -> Server {
    let echo = json!({
        "category": "Samples",
        "description": "Shows its words.",
        "args": {
            "words": {"list": true, "description": "Some words", "example": "a b"},
            "--count": {"html_type": "number"},
            "--flag": {"html_type": "checkbox"},
        },
    });
    let input = json!({"args": {"word": {}, "text": {"html_type": "textarea", "input": true}}});
    Server::builder(env!("CARGO_BIN_EXE_webscripts"))
        .unwrap()
        .script("echo.sh", ECHO, &echo)
        .script("input.sh", INPUT, &input)
        .script("fails.sh", FAILS, &json!({}))
        .script("live.sh", LIVE, &json!({"print_real_time": true}))
        .script("closed.sh", ECHO, &json!({"access_groups": [1000]}))
        .account(Account::user("ada").with_api_key())
        .start()
        .unwrap()
}

/// A command of `ada`.
fn as_ada(server: &Server, words: &[&str]) -> Finished {
    let password = "a long password of ada";
    client(server, &[&["-u", "ada", "-p", password], words].concat())
}

/// What the client prints of a run that has ended.
fn run_text(output: &str, code: i32, errors: &str) -> String {
    format!("\t{output}\nExitCode: {code}\nErrors: {errors}\n")
}

#[test]
fn info_lists_the_scripts_the_user_may_run() {
    let server = server();

    let listed = as_ada(&server, &["info", "-a", "-d", "-c"]);

    assert_eq!(listed.status, 0, "{listed:?}");
    let names: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split(' ').next())
        .collect();
    assert_eq!(names, ["/auth/", "echo.sh", "fails.sh", "input.sh", "live.sh"]);
}

#[test]
fn info_describes_a_script_and_its_arguments() {
    let server = server();

    let described = as_ada(&server, &["info", "-s", "echo.sh"]);

    assert_eq!(described.status, 0, "{described:?}");
    insta::assert_snapshot!(described.stdout.replace('\t', "    "), @r#"
    - echo.sh (Output type: text/plain)
       Category: "Samples"
       Description: Shows its words.
       Arguments:
           words                     (example: "a b", type: text) Some words
           --count                   (example: "None", type: number) None
           --flag                    (example: "None", type: checkbox) None
    "#);
}

#[test]
fn info_without_a_sign_in_lists_only_the_sign_in() {
    let listed = client(&server(), &["info", "-a", "-d", "-c"]);

    assert_eq!((listed.status, listed.stdout.trim()), (0, "- /auth/ (Output type: text/plain)"));
}

#[test]
fn a_wrong_password_and_a_wrong_key_are_authentication_errors() {
    let server = server();

    for credentials in [["-u", "ada", "-p", "wrong"].as_slice(), &["-a", "wrong"]] {
        let refused = client(&server, &[credentials, &["info"]].concat());
        assert_eq!(refused.status, 1, "{refused:?}");
        let last = refused.stderr.trim_end().lines().last().unwrap();
        assert!(last.starts_with("WebScriptsAuthenticationError: "), "{refused:?}");
    }
}

#[test]
fn an_api_key_signs_in() {
    let server = server();
    let key = server.instance().account("ada").unwrap().api_key.clone().unwrap();

    let ran = client(&server, &["-a", &key, "exec", "echo.sh one"]);

    assert_eq!((ran.status, ran.stdout), (0, run_text("[one]\n", 0, "")));
}

#[test]
fn exec_hands_over_words_in_their_order() {
    let server = server();

    for (command, output) in [
        ("echo.sh", ""),
        ("echo.sh one", "[one]\n"),
        ("echo.sh one two", "[one]\n[two]\n"),
        ("echo.sh 'one two' \"three\"", "[one two]\n[three]\n"),
        ("echo.sh '$(id)' ';' '*'", "[$(id)]\n[;]\n[*]\n"),
        ("echo.sh --flag", "[--flag]\n"),
        ("echo.sh one --count 2 --flag two", "[one]\n[--count]\n[2]\n[--flag]\n[two]\n"),
    ] {
        let ran = as_ada(&server, &["exec", command]);
        let expected = if output.is_empty() {
            "\nExitCode: 0\nErrors: \n".to_owned()
        } else {
            run_text(output, 0, "")
        };
        assert_eq!((ran.status, ran.stdout), (0, expected), "{command}");
    }
}

#[test]
fn exec_hands_over_inputs() {
    let server = server();

    let two = as_ada(&server, &["exec", "input.sh", "-i", "a b", "c"]);
    assert_eq!((two.status, two.stdout), (0, run_text("a b$\nc$", 0, "")));
    let with_word = as_ada(&server, &["exec", "input.sh word", "-i", "a"]);
    assert_eq!(with_word.stdout, run_text("a$[word]\n", 0, ""));
}

/// Lines of a file keep their line feeds, so that there are two between two lines (client.md).
#[test]
fn exec_hands_over_the_lines_of_a_file_and_of_standard_input() {
    let server = server();
    let file = server.directory().join("lines.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();

    let from_file = as_ada(&server, &["exec", "input.sh", "-I", file.to_str().unwrap()]);
    assert_eq!((from_file.status, from_file.stdout), (0, run_text("one$\n$\ntwo$\n", 0, "")));
    let words = ["-u", "ada", "-p", "a long password of ada", "exec", "input.sh", "-I"];
    let from_stdin = client_with_input(&server, &words, "three\nfour");
    assert_eq!((from_stdin.status, from_stdin.stdout), (0, run_text("three$\n$\nfour$", 0, "")));
}

#[test]
fn exec_writes_the_result_to_a_file() {
    let server = server();
    let file = server.directory().join("result.txt");

    let ran = as_ada(&server, &["exec", "echo.sh one", "-o", file.to_str().unwrap()]);

    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), run_text("[one]\n", 0, ""));
}

#[test]
fn a_script_that_fails_is_a_result_and_no_failure_of_the_client() {
    let ran = as_ada(&server(), &["exec", "fails.sh"]);

    assert_eq!((ran.status, ran.stdout), (0, run_text("out\n", 7, "complaint\n")));
}

#[test]
fn live_output_is_printed_line_by_line_to_the_end() {
    let ran = as_ada(&server(), &["exec", "live.sh"]);

    // The client begins the lines of an answer with a tab; which lines share an answer is chance.
    let expected = run_text("one\ntwo\nthree", 4, "complaint\n").replace('\t', "");
    assert_eq!((ran.status, ran.stdout.replace('\t', "")), (0, expected));
}

#[test]
fn an_unknown_script_is_exit_status_3() {
    let ran = as_ada(&server(), &["exec", "none.sh"]);

    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("does not exist") || ran.stdout.contains("does not exist"),
        "{ran:?}"
    );
}

#[test]
fn a_script_without_permission_or_sign_in_is_exit_status_2() {
    let server = server();

    for ran in [
        as_ada(&server, &["exec", "closed.sh"]),
        client(&server, &["exec", "echo.sh one"]),
        client(&server, &["exec", "none.sh"]),
    ] {
        assert_eq!(ran.status, 2, "{ran:?}");
    }
}

/// The client knows no other statuses: it prints "host may be unreachable" (client.md).
#[test]
fn a_refused_value_is_exit_status_4_and_starts_nothing() {
    let server = server();

    for command in ["echo.sh --count two", "echo.sh --other", "fails.sh word", "echo.sh -- -x"] {
        let ran = as_ada(&server, &["exec", command]);
        assert_eq!(ran.status, 4, "{command}: {ran:?}");
    }
    let log = server.stop().unwrap().log;
    assert!(!log.contains("a run starts"), "{log}");
}

/// The reference counts good sign-ins and blocks the fourth.
#[test]
fn sign_ins_that_succeed_are_not_limited() {
    let server = server();

    for _ in 0..6 {
        assert_eq!(as_ada(&server, &["exec", "echo.sh one"]).status, 0);
    }
}

#[test]
fn the_client_names_its_machine_and_the_log_holds_no_secret() {
    let server = server();
    assert_eq!(as_ada(&server, &["exec", "echo.sh one"]).status, 0);

    let log = server.stop().unwrap().log;

    assert!(!log.contains("a long password of ada") && !log.contains("SessionID"), "{log}");
}
