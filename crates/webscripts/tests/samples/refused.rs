//! Values that a script cannot use end it with a message, also without the checks of the server.

use crate::configuration::{script, scripts};
use crate::instance::Instance;

/// Script, words, standard input, exit code and what the message says.
const CASES: &[(&str, &[&str], &str, i32, &str)] = &[
    ("hash_file.py", &[], "", 2, "no file was sent"),
    ("hash_file.py", &[], "not base64!", 2, "not valid Base64"),
    ("hash_file.py", &["--expected", "xyz"], "aGVsbG8K", 2, "32 to 128 hexadecimal digits"),
    ("extract_indicators.py", &[], " ", 2, "no text"),
    ("extract_indicators.py", &["--types", "phone"], "text", 2, "invalid choice"),
    ("rotate_keys.pl", &["test", "--reason", "long enough"], "", 2, "staging or production"),
    ("rotate_keys.pl", &["staging", "--reason", "short"], "", 2, "10 to 200 characters"),
    ("subnet.py", &["10.0.0.0/33"], "", 2, "10.0.0.0/33"),
    ("subnet.py", &["10.0.0.0/24", "--split", "8"], "", 2, "between 24 and 32"),
    ("log_summary.pl", &["--by", "colour"], "x", 2, "--by must be one of"),
    ("log_summary.pl", &[], "no log\n", 1, "none of the 1 lines"),
    ("system_report.sh", &["--sections", "users"], "", 2, "unknown section: users"),
    ("system_facts.py", &["--sections", "users"], "", 2, "invalid choice"),
    ("disk_usage.sh", &["--minimum", "101"], "", 2, "between 0 and 100"),
    ("disk_usage.sh", &["--minimum"], "", 2, "takes a number"),
    ("backup_check.sh", &["../etc"], "", 2, "unknown job or option: ../etc"),
    ("backup_check.sh", &["mail", "--maximum-age", "0"], "", 2, "between 1 and 720"),
    ("wait_for_service.sh", &["65536"], "", 2, "between 1 and 65535"),
    ("wait_for_service.sh", &["1+1"], "", 2, "between 1 and 65535"),
    ("new_password.pl", &["--length", "4"], "", 2, "between 12 and 64"),
    ("new_password.pl", &["--characters", "emoji"], "", 2, "--characters must be one of"),
    ("notify.py", &["Hello", "--to", "nobody"], "text", 2, "not an e-mail address"),
    ("notify.py", &["Hello", "--to", "ada@example.org"], "", 2, "there is no message"),
    ("notify.py", &["a\nBcc: b", "--to", "ada@example.org"], "text", 2, "must be one line"),
    ("slow_job.py", &["--steps", "121"], "", 2, "between 1 and 120"),
    ("all_controls.py", &[], "secret", 2, "name"),
    ("all_controls.py", &["Ada"], "", 2, "the secret is missing"),
    ("all_controls.py", &["Ada"], "secret\n!", 2, "not valid Base64"),
];

#[test]
fn unusable_values_end_a_script_with_a_message() {
    let instance = Instance::new();
    for (name, words, input, code, message) in CASES {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let run = instance.execute(&script(name), &words, input);

        assert_eq!(run.code, *code, "{name} {words:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{name} {words:?}: {}", run.stderr);
    }
}

#[test]
fn every_script_refuses_an_option_it_does_not_know() {
    let instance = Instance::new();
    for script in scripts() {
        let run = instance.execute(&script, &["--no-such-option".to_owned()], "");

        assert_eq!(run.code, 2, "{}: {}", script.name, run.stderr);
        assert!(!run.stderr.is_empty(), "{}", script.name);
    }
}
