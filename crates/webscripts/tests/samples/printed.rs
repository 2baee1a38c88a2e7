//! With its example values every script prints what its documentation says.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::configuration::script;
use crate::documentation::assert_documented;
use crate::instance::{Instance, Run};

/// `hello` and a line break, as a browser sends a file.
const HELLO: &str = "aGVsbG8K";

/// Runs a script and compares its standard output with its documentation.
fn documented(name: &str, values: &[(&str, Value)]) -> Run {
    let script = script(name);
    let run = Instance::new().run(&script, values);
    assert_documented(&script, &run.stdout);
    run
}

fn run(name: &str, values: &[(&str, Value)]) -> Run {
    Instance::new().run(&script(name), values)
}

#[test]
fn hash_file_prints_the_digests_of_a_file_on_standard_input() {
    let run = documented("hash_file.py", &[("file", json!(HELLO))]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn hash_file_fails_when_the_digest_is_another() {
    let run = run("hash_file.py", &[("file", json!(HELLO)), ("--expected", json!("0".repeat(64)))]);

    assert_eq!(run.code, 1);
    assert!(run.stdout.ends_with("Match    no\n"));
    assert_eq!(run.stderr, "hash_file: no digest of the file equals the expected one\n");
}

#[test]
fn extract_indicators_counts_what_a_text_holds() {
    let run = documented("extract_indicators.py", &[]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn extract_indicators_prints_chosen_types_defanged() {
    let values = [("--types", json!(["url", "email"])), ("--defang", json!(true))];
    let run = run("extract_indicators.py", &values);

    assert_eq!(
        run.stdout,
        "type,value,count\n\
         url,hxxps://files[.]example[.]net/invoice[.]pdf,1\n\
         email,billing[@]example[.]org,1\n"
    );
}

#[test]
fn rotate_keys_shows_a_plan() {
    let run = documented("rotate_keys.pl", &[]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn subnet_describes_a_network_and_its_subnets() {
    let run = documented("subnet.py", &[]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn log_summary_counts_requests() {
    let run = documented("log_summary.pl", &[]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn log_summary_keeps_formulas_out_of_spreadsheets_and_names_skipped_lines() {
    let log =
        "192.0.2.1 - - [24/Nov/2026:09:15:02 +0000] \"GET / HTTP/1.1\" 200 - \"-\" \"=1,2\"\nx";
    let run = run("log_summary.pl", &[("log", json!(log)), ("--by", json!("agent"))]);

    assert_eq!(run.stdout, "agent,requests,errors,bytes,percent\n\"'=1,2\",1,0,0,100.0\n");
    assert_eq!(run.stderr, "log_summary: 1 of 2 lines skipped: not in a known format\n");
}

#[test]
fn system_report_is_a_page() {
    let run = documented("system_report.sh", &[]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn system_facts_are_json_and_name_the_user() {
    let run = documented("system_facts.py", &[]);
    let facts: Value = serde_json::from_str(&run.stdout).unwrap();

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(facts["run"]["user"], "Ada");
    assert_eq!(facts["run"]["groups"], json!([50]));
}

#[test]
fn disk_usage_lists_file_systems() {
    let run = documented("disk_usage.sh", &[("--all", json!(true))]);

    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn backup_check_fails_without_a_backup() {
    let run = documented("backup_check.sh", &[]);

    assert_eq!(run.code, 3);
    assert_eq!(run.stderr, "backup_check: there is no backup of database\n");
}

#[test]
fn backup_check_succeeds_with_a_recent_backup() {
    let instance = Instance::new();
    fs::create_dir_all(instance.path().join("backups/mail")).unwrap();
    fs::write(instance.path().join("backups/mail/monday.tar"), "").unwrap();
    let run = instance.run(&script("backup_check.sh"), &[("job", json!("mail"))]);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.ends_with("Newest       monday.tar\nAge          0 h\nResult       recent\n")
    );
}

#[test]
fn wait_for_service_is_ended_by_its_time_limit() {
    let run = documented("wait_for_service.sh", &[]);

    assert_eq!(run.code, 124);
    assert!(run.stderr.starts_with("wait_for_service: no answer on port 9 after "));
}

#[test]
fn wait_for_service_succeeds_when_the_service_answers() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    let run = run("wait_for_service.sh", &[("port", json!(port))]);

    assert_eq!(run.stdout, format!("Port {port} accepts connections (attempt 1)\n"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn new_passwords_have_the_length_and_the_characters_that_were_asked_for() {
    let run = documented("new_password.pl", &[]);
    let passwords: BTreeSet<&str> = run.stdout.lines().take(5).collect();

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(passwords.len(), 5);
    assert!(passwords.iter().all(|password| password.len() == 20));

    let values = [("--characters", json!("hexadecimal")), ("--length", json!(64))];
    let run = self::run("new_password.pl", &values);
    let password = run.stdout.lines().next().unwrap();

    assert_eq!(password.len(), 64);
    assert!(password.chars().all(|character| character.is_ascii_hexdigit()));
}

#[test]
fn notify_leaves_a_draft_as_result_file() {
    let (instance, script) = (Instance::new(), script("notify.py"));
    let run = instance.run(&script, &[("--priority", json!("normal"))]);
    let draft = fs::read_to_string(instance.path().join("run/notice.eml")).unwrap();

    assert_documented(&script, &run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        draft.starts_with("Subject: Maintenance on Friday\nTo: ada@example.org\nX-Unsent: 1\n")
    );
    assert!(draft.ends_with("\n\nThe mail server stops on Friday at 18:00 for one hour.\n"));
}

#[test]
fn slow_job_reports_every_step_and_its_progress() {
    let (instance, script) = (Instance::new(), script("slow_job.py"));
    let run = instance.run(&script, &[]);
    let (texts, sequences): (Vec<&str>, Vec<&str>) = run
        .stdout
        .split("\x1b]")
        .map(|part| part.split_once("\x1b\\").unwrap_or((part, "")))
        .map(|(sequence, text)| (text, sequence))
        .unzip();

    assert_documented(&script, &texts.concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(sequences[1..4], ["9;4;1;0", "9;4;1;10", "9;4;1;20"]);
    assert_eq!(sequences[11..], ["9;4;1;100", "9;4;0;0"]);
}

#[test]
fn all_controls_prints_what_arrived_but_not_the_secret() {
    let values = [
        ("--subscribe", json!(true)),
        ("--tags", json!(["quick"])),
        ("secret", json!("correct horse")),
        ("file", json!(HELLO)),
    ];
    let run = documented("all_controls.py", &values);

    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(!run.stdout.contains("correct horse"));
}
