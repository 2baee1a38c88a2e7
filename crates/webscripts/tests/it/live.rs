//! Output while a script runs, as existing clients fetch it (scripts.md §8, http-api.md §5).

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use webscripts_testkit::{Account, Answer, Request, Server};

use crate::stage::{assert_error, csrf_token, instance, run};

/// Prints a line for every line it reads from the pipe `go`, until the pipe is closed.
const STEPS: &str = r#"#!/bin/sh
echo "begins $1"
while read -r line; do echo "$line"; done < go
printf 'rest without an end'
echo complaint >&2
exit 3
"#;

fn server() -> Server {
    let keys = json!({"print_real_time": true, "args": {"word": {}}});
    let server = instance()
        .script("steps.sh", STEPS, &keys)
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .start()
        .unwrap();
    let pipe = server.directory().join("go");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    server
}

fn start(server: &Server, token: &str) -> String {
    let answer = run(server, token, "steps.sh", &json!({"word": "here"})).json().unwrap();
    answer["key"].as_str().unwrap().to_owned()
}

fn fetch(server: &Server, token: &str, key: &str) -> Answer {
    let request = Request::get(&format!("/api/script/get/{key}")).api_token(token);
    server.send(&request).unwrap()
}

/// The answer while the script runs.
fn line(text: &str, key: &str) -> Value {
    json!({
        "stdout": text, "stderr": "", "code": null, "Content-Type": "text/plain",
        "Stderr-Content-Type": "text/plain", "error": "", "key": key,
    })
}

#[test]
fn lines_come_one_by_one_and_the_end_has_no_key() {
    use std::io::Write as _;

    let server = server();
    let token = server.sign_in("ada").unwrap();
    let begun = run(&server, &token, "steps.sh", &json!({"word": "here"}));
    let key = begun.json().unwrap()["key"].as_str().unwrap().to_owned();
    assert_eq!(
        begun.text(),
        format!(
            "{{\"stdout\": \"\", \"stderr\": \"\", \"code\": null, \"Content-Type\": \"text/plain\", \
             \"Stderr-Content-Type\": \"text/plain\", \"error\": null, \"key\": \"{key}\"}}"
        )
    );
    assert!(key.len() == 56 && key.ends_with("=="), "{key}");

    assert_eq!(fetch(&server, &token, &key).json().unwrap(), line("begins here\n", &key));
    let pipe = server.directory().join("go");
    let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
    pipe.write_all(b"one\ntwo\n").unwrap();
    assert_eq!(fetch(&server, &token, &key).json().unwrap(), line("one\n", &key));
    assert_eq!(fetch(&server, &token, &key).json().unwrap(), line("two\n", &key));
    drop(pipe);
    // A fetch that waits for the end gets the rest alone, one behind the end gets both.
    let mut end = fetch(&server, &token, &key).json().unwrap();
    if end.get("key").is_some() {
        assert_eq!(end, line("rest without an end", &key));
        end = fetch(&server, &token, &key).json().unwrap();
        assert_eq!(end["stdout"], "");
        end["stdout"] = json!("rest without an end");
    }
    assert_eq!(
        end,
        json!({
            "stdout": "rest without an end", "stderr": "complaint\n", "code": 3,
            "Content-Type": "text/plain", "Stderr-Content-Type": "text/plain", "error": "No errors",
        })
    );
    assert_error(&fetch(&server, &token, &key), 404);
}

#[test]
fn only_who_started_a_script_reads_and_stops_it() {
    let server = server();
    let ada = server.sign_in("ada").unwrap();
    let eve = server.sign_in("eve").unwrap();
    let key = start(&server, &ada);

    assert_error(&fetch(&server, &eve, &key), 403);
    let stop = |token: &str| {
        let request = Request::post(&format!("/api/script/stop/{key}")).api_token(token);
        server.send(&request.same_origin()).unwrap()
    };
    assert_error(&stop(&eve), 403);
    let visitor = Request::get(&format!("/api/script/get/{key}"));
    assert_eq!(server.send(&visitor).unwrap().status, 302);
    assert_eq!(fetch(&server, &ada, &key).json().unwrap()["stdout"], "begins here\n");
    for unknown in ["x", &key[1..], &format!("{key}="), "%00", "../../x"] {
        assert_eq!(fetch(&server, &ada, unknown).status, 404, "{unknown}");
    }
    assert_eq!(stop(&ada).json().unwrap(), json!({"stopped": true}));
    let end = fetch(&server, &ada, &key).json().unwrap();
    assert_eq!((&end["code"], end.get("key")), (&json!(-15), None), "{end}");
    assert_error(&fetch(&server, &ada, &key), 404);
}

#[test]
fn a_page_stops_its_script_with_a_token_and_gets_the_next_one() {
    let server = server();
    let cookie = server.sign_in("ada").unwrap();
    let key = start(&server, &cookie);
    let stop = |token: &str| {
        let request =
            Request::post(&format!("/api/script/stop/{key}")).cookie(&cookie).same_origin();
        server.send(&request.json(&json!({"csrf_token": token}))).unwrap()
    };

    assert_error(&stop("x"), 403);
    let token = csrf_token(&server, &cookie);
    let stopped = stop(&token).json().unwrap();
    assert_eq!(stopped["stopped"], true);
    assert_ne!(stopped["csrf"].as_str().unwrap(), token);
    assert_error(&stop(&token), 403);
}

#[test]
fn visitors_of_different_addresses_do_not_read_each_other() {
    let keys = json!({"print_real_time": true});
    let server = instance()
        .script("steps.sh", "#!/bin/sh\necho mine\n", &keys)
        .setting("accept_unauthenticated_user", true)
        .start()
        .unwrap();
    let run = Request::post("/api/scripts/steps.sh").run(&json!({}));
    let begun = server.send(&run).unwrap().json().unwrap();
    let key = begun["key"].as_str().unwrap();
    let get = Request::get(&format!("/api/script/get/{key}"));

    let other = server.send(&get.clone().from(Ipv4Addr::new(127, 0, 0, 4))).unwrap();
    assert_error(&other, 403);
    assert_eq!(server.send(&get).unwrap().status, 200);
}

#[test]
fn a_script_that_takes_too_long_ends_with_what_it_printed() {
    let keys = json!({"print_real_time": true, "timeout": 1});
    let server = instance()
        .script("slow.sh", "#!/bin/sh\necho first\nsleep 600\n", &keys)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let begun = run(&server, &token, "slow.sh", &json!({})).json().unwrap();
    let key = begun["key"].as_str().unwrap();

    let mut output = String::new();
    let end = loop {
        let piece = fetch(&server, &token, key).json().unwrap();
        output += piece["stdout"].as_str().unwrap();
        if piece.get("key").is_none() {
            break piece;
        }
    };
    assert_eq!(
        (output.as_str(), &end["error"], &end["code"]),
        ("first\n", &json!("TimeoutError"), &json!(-9))
    );
}

#[test]
fn a_stopping_server_ends_live_scripts() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let key = start(&server, &token);
    assert_eq!(fetch(&server, &token, &key).status, 200);

    let stopped = server.stop().unwrap();

    assert!(stopped.is_clean(), "{}", stopped.log);
}
