//! Keys about runs, of the server and of scripts.

use std::time::Duration;

use serde_json::{Value, json};
use webscripts_domain::catalogue::{RateLimit, RunRight, RunRules, Script, SecretsVia};
use webscripts_domain::description::{describe, describe_for_script};
use webscripts_domain::identity::{GroupId, UserId};
use webscripts_domain::sandbox::{Preset, Resources, Sandbox};

use crate::instance::Instance;

fn only(instance: &Instance) -> Script {
    instance.loaded().catalogue.iter().next().unwrap().as_ref().clone()
}

/// The one error that a value of a key of a script gives, without the place.
#[track_caller]
fn refusal(key: &str, value: &Value) -> String {
    let errors = Instance::new().script(&json!({ key: value })).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let (_, said) = errors[0].split_once(&format!("[script] {key}: ")).unwrap();
    said.to_owned()
}

#[test]
fn every_setting_of_runs_is_read() {
    let instance = Instance::new().server(&json!({
        "queue_length": 0, "rate_limit": "10 / min", "runs_keep_days": 7, "runs_keep_bytes": "2 GiB",
        "stop_grace": 1, "shutdown_wait": 0, "memory_limit": "512M", "cpu_limit": 60,
        "process_limit": 100, "open_files_limit": 1024, "file_size_limit": "1T",
        "sandbox": "strict", "sandbox_required": true, "run_output_bytes": "1MiB",
        "max_body_bytes": "64 K",
    }));

    let settings = instance.loaded().settings;

    let runs = &settings.runs;
    assert_eq!(runs.queue_length, 0);
    assert_eq!(runs.rate_limit, Some(RateLimit { runs: 10, per: Duration::from_mins(1) }));
    assert_eq!((runs.keep_days, runs.keep_bytes), (7, 2 << 30));
    assert_eq!((runs.stop_grace, runs.shutdown_wait), (Duration::from_secs(1), Duration::ZERO));
    assert_eq!(
        runs.resources,
        Resources {
            memory_bytes: Some(512 << 20),
            cpu_s: Some(60),
            processes: Some(100),
            open_files: Some(1024),
            file_bytes: Some(1 << 40),
        }
    );
    assert_eq!(runs.sandbox, Sandbox { preset: Preset::Strict, ..Sandbox::default() });
    assert!(runs.sandbox_required);
    assert_eq!((runs.output_bytes, settings.listen.max_body_bytes), (1 << 20, 64 << 10));
}

#[test]
fn a_script_that_says_nothing_leaves_all_to_the_server() {
    assert_eq!(only(&Instance::new().script(&json!({}))).runs, RunRules::default());
}

#[test]
fn every_key_of_runs_of_a_script_is_read() {
    let digest = "0F".repeat(32);
    let keys = json!({
        "terminal": true, "interactive": true, "max_concurrent": 2, "queue_length": 5,
        "rate_limit": "1/s", "run_output_bytes": 4096, "memory_limit": 1_048_576, "cpu_limit": "5",
        "process_limit": 8, "open_files_limit": 16, "file_size_limit": 0, "sandbox": "none",
        "secrets_via": "fd", "sha256": digest, "view_groups": "50, 60", "view_users": [7],
        "stop_groups": 70, "stop_users": [],
        "args": "list",
    });
    let sections = json!({"list": {"--pin": "arg"}, "arg": {"secret": true}});

    let instance = Instance::new().sections(&keys, &sections);
    let script = only(&instance);

    assert_eq!(
        script.runs,
        RunRules {
            terminal: true,
            interactive: true,
            max_concurrent: Some(2),
            queue_length: Some(5),
            rate_limit: Some(RateLimit { runs: 1, per: Duration::from_secs(1) }),
            resources: Resources {
                memory_bytes: Some(1 << 20),
                cpu_s: Some(5),
                processes: Some(8),
                open_files: Some(16),
                file_bytes: Some(0),
            },
            output_bytes: Some(4096),
            sandbox: Some(Sandbox { preset: Preset::None, ..Sandbox::default() }),
            secrets_via: SecretsVia::Descriptor,
            sha256: Some([15; 32]),
            view: RunRight { groups: vec![GroupId(50), GroupId(60)], users: vec![UserId(7)] },
            stop: RunRight { groups: vec![GroupId(70)], users: vec![] },
        }
    );
    assert!(script.arguments[0].secret);
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn clients_and_the_script_do_not_see_how_it_is_run() {
    let keys = json!({
        "terminal": true, "interactive": true, "max_concurrent": 2, "queue_length": 5,
        "rate_limit": "1/s", "run_output_bytes": 4096, "memory_limit": "1G", "cpu_limit": 5,
        "process_limit": 8, "open_files_limit": 16, "file_size_limit": 0, "sandbox": "own",
        "secrets_via": "stdin", "sha256": "00".repeat(32), "view_groups": [50], "view_users": [7],
        "stop_groups": [70], "stop_users": [8], "args": "list",
    });
    let with = |sandbox: &Value, argument: &Value| json!({"own": sandbox, "list": {"--pin": "arg"}, "arg": argument});
    let told = with(&json!({"preset": "strict", "network": false}), &json!({"secret": true}));
    let untold = json!({"list": {"--pin": "arg"}, "arg": {}});

    let told = only(&Instance::new().sections(&keys, &told));
    let untold = only(&Instance::new().sections(&json!({"args": "list"}), &untold));

    assert_eq!(describe(&told), describe(&untold));
    assert_eq!(describe_for_script(&told), describe_for_script(&untold));
}

#[test]
fn ini_files_say_the_same() {
    let instance = Instance::new().file_with_mode("scripts/s.sh", "", 0o500).file(
        "config/scripts/s.ini",
        "[scripts]\ns.sh=x\n[x]\npath=scripts/s.sh\nterminal=true\nmemory_limit=1 GiB\n\
         rate_limit=100/hour\nsandbox=own\n[own]\nnetwork=80, 443\nread=/usr, /etc\nuser=nobody\n",
    );

    let runs = only(&instance).runs;

    assert!(runs.terminal);
    assert_eq!(runs.resources.memory_bytes, Some(1 << 30));
    assert_eq!(runs.rate_limit, Some(RateLimit { runs: 100, per: Duration::from_hours(1) }));
    let sandbox = runs.sandbox.unwrap();
    assert_eq!(sandbox.read, ["/usr", "/etc"].map(std::path::PathBuf::from));
    assert_eq!(
        (sandbox.preset, sandbox.network, sandbox.user.as_deref()),
        (
            Preset::Default,
            Some(webscripts_domain::sandbox::Network::Ports(vec![80, 443])),
            Some("nobody")
        )
    );
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn sizes_are_bytes_or_have_a_unit() {
    for value in [json!("1 MB"), json!("1.5 GiB"), json!("GiB"), json!(true), json!("-1M")] {
        let said = refusal("memory_limit", &value);
        let help =
            "write a whole number from 1048576 to 1125899906842624, or one such as `512 MiB`";
        assert!(said.ends_with(help), "{said}");
    }
    let range = "write a size of 1048576 to 1125899906842624 bytes";
    assert_eq!(refusal("memory_limit", &json!("1K")), format!("`1K` is too small; {range}"));
    for large in ["1025T", "99999999999999999999T", "18446744073709551615T"] {
        assert_eq!(
            refusal("memory_limit", &json!(large)),
            format!("`{large}` is too large; {range}")
        );
    }
}

#[test]
fn rates_and_digests_are_checked() {
    for value in [json!("10"), json!("0/s"), json!("1/day"), json!(10), json!("")] {
        assert!(
            refusal("rate_limit", &value).ends_with(
                "is no number of runs per time; write one such as `10/minute`, `1/second` or \
                 `100/hour`"
            ),
            "{value}"
        );
    }
    for value in [json!("abc"), json!("0g".repeat(32)), json!(1), json!("00".repeat(33))] {
        assert!(
            refusal("sha256", &value).ends_with(
                "is no SHA-256 digest; write the 64 hexadecimal digits that `sha256sum` prints"
            ),
            "{value}"
        );
    }
    assert_eq!(
        refusal("secrets_via", &json!("file")),
        "`file` is not known here; write `argv` or `stdin` or `fd`"
    );
}

#[test]
fn secrets_that_are_no_words_may_begin_like_options() {
    let accepted = |via: &str| {
        let sections = json!({
            "list": {"--password": "password", "--host": "host"},
            "password": {"html_type": "password"}, "host": {},
        });
        let script = only(
            &Instance::new().sections(&json!({"args": "list", "secrets_via": via}), &sections),
        );
        script.arguments.iter().map(|a| a.restrictions.accept_option_like).collect::<Vec<_>>()
    };

    assert_eq!(accepted("argv"), [false, false]);
    assert_eq!(accepted("stdin"), [true, false]);
    assert_eq!(accepted("fd"), [true, false]);
}

#[test]
fn secrets_that_are_none_give_a_warning() {
    let argument = |keys: &Value| Instance::new().argument(keys).warnings();

    assert_eq!(
        argument(&json!({"html_type": "checkbox", "secret": true})),
        [
            "config/scripts/s.json:14: [argument] secret: a box holds no value that could be secret; \
          remove the key"
        ]
    );
    assert_eq!(
        argument(&json!({"secret": true, "default_value": "hunter2"})),
        ["config/scripts/s.json:14: [argument] default_value: everybody who may run the script \
          sees this value of a secret argument; remove it"]
    );
    assert_eq!(
        Instance::new().script(&json!({"secrets_via": "fd"})).warnings(),
        [
            "config/scripts/s.json:6: [script] secrets_via: no argument of the command line is secret; \
          this changes nothing; set `secret` of an argument to true"
        ]
    );
    let keys = json!({"args": "list", "terminal": true, "secrets_via": "stdin"});
    let sections = json!({"list": {"--pin": "arg"}, "arg": {"secret": true}});
    assert_eq!(
        Instance::new().sections(&keys, &sections).warnings(),
        [
            "config/scripts/s.json:8: [script] secrets_via: a terminal repeats what is written to it, \
          also secrets; write `fd`"
        ]
    );
}
