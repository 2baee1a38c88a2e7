//! Attack check 59: a secret value is found nowhere but in the script.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use webscripts_testkit::{Account, Server};

use crate::runs_stage::Runs;
use crate::stage::instance;

/// Quotes, a backslash, a slash, a space and a character beyond ASCII: every encoding changes it.
const SECRET: &str = "Kn1ght \"of\\ the/ r\u{fc}nd+t\u{e4}ble&";

/// Reads its secret by any way and prints it in every form, once over two writes.
const LEAKS: &str = r#"#!/usr/bin/env -S python3 -u
import base64, json, os, sys, time, urllib.parse
if sys.argv[1:] and sys.argv[1].startswith("/dev/fd/"):
    secret = open(sys.argv[1], encoding="utf-8").read()
elif sys.argv[1:]:
    secret = sys.argv[1]
else:
    secret = sys.stdin.readline().rstrip("\n")
data = secret.encode()
out = sys.stdout
print("length", len(secret))
print("plain", secret)
for half in (secret[:9], secret[9:]):
    out.write(half); out.flush(); time.sleep(0.2)
print()
for pad in ("", "x", "xx"):
    print("base64", base64.b64encode((pad + secret + pad).encode()).decode())
    print("url64", base64.urlsafe_b64encode((pad + secret).encode()).decode())
print("hex", data.hex(), data.hex().upper())
print("url", urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret))
print("json", json.dumps(secret), json.dumps(secret, ensure_ascii=False))
print("error", secret, file=sys.stderr)
with open(os.path.join(os.environ["WEBSCRIPTS_RUN_DIR"], "ready"), "w") as ready: pass
"#;

fn server(via: &str) -> Server {
    let keys = json!({
        "args": {"word": {"secret": true}},
        "secrets_via": via,
        "print_real_time": false,
    });
    instance()
        .setting("log_level", 0)
        .account(Account::user("ada"))
        .script("leaks.py", LEAKS, &keys)
        .script("waits.py", &format!("{LEAKS}\ntime.sleep(1000)\n"), &keys)
        .start()
        .unwrap()
}

/// Every form of the secret in which somebody could read it.
fn forms() -> Vec<Vec<u8>> {
    let json_text = serde_json::to_string(SECRET).unwrap();
    let json_ascii = webscripts_testkit::json::python_text(&json!(SECRET));
    let base64 = STANDARD.encode(SECRET);
    let url = URL_SAFE_NO_PAD.encode(SECRET);
    let hex = SECRET.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let percent: String = SECRET
        .bytes()
        .map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect();
    let latin: Vec<u8> =
        SECRET.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    let mut forms: Vec<Vec<u8>> = [
        SECRET,
        json_text.trim_matches('"'),
        json_ascii.trim_matches('"'),
        // The last characters of Base64 depend on what follows.
        &base64[..base64.len() - 4],
        &url[..url.len() - 4],
        &hex,
        &hex.to_uppercase(),
        &percent,
    ]
    .iter()
    .map(|form| form.as_bytes().to_vec())
    .collect();
    forms.push(latin);
    forms
}

#[track_caller]
fn assert_absent(where_: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|part| part == form);
        assert!(!found, "{where_} holds {:?}", String::from_utf8_lossy(&form));
    }
}

fn assert_absent_below(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_absent_below(&path);
        } else if path.is_file() {
            assert_absent(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn attack_59_a_secret_is_found_nowhere_but_in_the_script() {
    for via in ["argv", "stdin", "fd"] {
        let server = server(via);
        let ada = Runs::of(&server, "ada");
        let arguments = json!({"word": SECRET});

        let answer = ada.try_start("leaks.py", &arguments, "result");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_absent("the answer", &answer.body);
        let result = answer.json().unwrap();
        let length = format!("length {}\n", SECRET.chars().count());
        assert!(result["stdout"].as_str().unwrap().starts_with(&length), "{via}: {result}");
        assert_eq!(result["run"]["state"], "succeeded", "{via}: {result}");
        let run = result["run"]["id"].as_str().unwrap();
        let legacy = crate::stage::run(&server, &ada.token, "leaks.py", &arguments);
        assert!(legacy.json().unwrap()["stdout"].as_str().unwrap().starts_with(&length));
        assert_absent("the answer of the reference API", &legacy.body);
        for path in [
            format!("/api/runs/{run}"),
            format!("/api/runs/{run}/events"),
            format!("/api/runs/{run}/poll"),
            format!("/api/runs/{run}/output?stream=stdout"),
            format!("/api/runs/{run}/output?stream=stderr"),
            format!("/api/runs/{run}/output?stream=both"),
            format!("/web/runs/{run}"),
            "/api/runs/".to_owned(),
            "/web/runs/".to_owned(),
            "/web/scripts/leaks.py".to_owned(),
        ] {
            let answer = ada.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_absent(&path, &answer.body);
        }
        let record = ada.record(run);
        assert_eq!(record["arguments"][0], json!({"name": "word", "secret": true, "input": false}));
        let again = ada.post(&format!("/api/runs/{run}/again"), &json!({}));
        assert!((400..500).contains(&again.status), "{}", again.text());

        let stopped = server.stop().unwrap();
        assert_absent("the log", stopped.log.as_bytes());
        assert_absent_below(stopped.instance.directory());
    }
}

#[test]
fn attack_59_no_command_line_or_environment_shows_a_secret_that_is_not_passed_in_argv() {
    for via in ["stdin", "fd"] {
        let server = server(via);
        let ada = Runs::of(&server, "ada");
        let run = ada.start("waits.py", &json!({"word": SECRET}));
        ada.until_printed(&run, "json");

        let mut seen = 0;
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let Ok(bytes) = std::fs::read(entry.path().join(file)) else { continue };
                seen += usize::from(String::from_utf8_lossy(&bytes).contains(&run));
                assert_absent(&entry.path().join(file).display().to_string(), &bytes);
            }
        }
        assert!(seen > 0, "the run was looked at");
    }
}

#[test]
fn attack_59_values_with_line_breaks_and_escapes_stay_one_record() {
    let server = instance()
        .account(Account::user("ada"))
        .script(
            "echo.sh",
            "#!/bin/sh\necho ok\n",
            &json!({"args": {"word": {}}, "no_password": true}),
        )
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let hostile = "a\r\nFAKE record\u{1b}[31m=1+1";

    let run = ada.start("echo.sh", &json!({"word": hostile}));
    ada.end(&run);

    assert_eq!(ada.record(&run)["arguments"][0]["value"], hostile);
    let log = server.log();
    assert!(!log.lines().any(|line| line.starts_with("FAKE")), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
    let page = ada.get(&format!("/web/runs/{run}")).text();
    assert!(!page.contains('\u{1b}'), "control characters are shown as symbols");
    let _: Value = ada.get("/api/runs/").json().unwrap();
}
