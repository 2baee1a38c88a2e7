//! Identifiers and files that clients name: rows 13, 14, 15, 17 and 18.

use serde_json::json;
use webscripts_testkit::{Account, Answer, Request, Server};

use crate::runs_stage::Runs;
use crate::stage::{instance, words};

const LEAVES: &str = r#"#!/bin/sh
cd "$WEBSCRIPTS_RUN_DIR" || exit 9
printf 'the report' > report.txt
printf '<script>x</script>' > page.html
printf 'x' > ..data
ln -s /etc/passwd link
ln -s report.txt inside
mkdir folder
printf 'y' > folder/deep.txt
mkfifo pipe
"#;

fn server() -> Server {
    let echo = "#!/bin/sh\nfor word in \"$@\"; do printf 'argv '; printf '%s' \"$word\" \
        | od -An -v -tx1 | tr -d ' \\n'; echo; done\nprintf 'stdin '; od -An -v -tx1 | tr -d ' \\n'; echo\n";
    instance()
        .script("leaves.sh", LEAVES, &json!({}))
        .script(
            "upload.sh",
            echo,
            &json!({"args": {"file": {"html_type": "file", "input": true},
            "name": {}}}),
        )
        .account(Account::administrator("Admin"))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .start()
        .unwrap()
}

fn left_by(ada: &Runs<'_>) -> String {
    let answer = ada.try_start("leaves.sh", &json!({}), "result").json().unwrap();
    assert_eq!(answer["run"]["state"], "succeeded", "{answer}");
    answer["run"]["id"].as_str().unwrap().to_owned()
}

fn file(ada: &Runs<'_>, run: &str, name: &str) -> Answer {
    ada.get(&format!("/api/runs/{run}/files/{name}"))
}

#[test]
fn regular_files_that_a_run_left_are_listed_and_sent() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = left_by(&ada);

    let listed = ada.get(&format!("/api/runs/{run}/files/")).json().unwrap();
    let files = listed["files"].as_array().unwrap();
    let names: Vec<_> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["..data", "folder/deep.txt", "page.html", "report.txt"]);
    assert_eq!(files[3]["size"], 10);
    for deep in ["folder/deep.txt", "folder%2Fdeep.txt"] {
        let answer = file(&ada, &run, deep);
        assert_eq!((answer.status, answer.text()), (200, "y".to_owned()), "{deep}");
        let name = answer.header("Content-Disposition");
        assert_eq!(name, Some("attachment; filename=\"deep.txt\""));
    }
    let report = file(&ada, &run, "report.txt");
    assert_eq!((report.status, report.text()), (200, "the report".to_owned()));
    let request = Request::get(&format!("/api/runs/{run}/files/report.txt"));
    let part = request.api_token(&ada.token).header("Range", "bytes=4-");
    let part = server.send(&part).unwrap();
    assert_eq!((part.status, part.text()), (206, "report".to_owned()));
}

#[test]
fn attack_50_files_are_saved_and_never_shown() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = left_by(&ada);

    let page = file(&ada, &run, "page.html");

    assert_eq!(page.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(page.header("Content-Disposition"), Some("attachment; filename=\"page.html\""));
    assert_eq!(page.header("X-Content-Type-Options"), Some("nosniff"));
    assert!(page.header("Content-Security-Policy").unwrap().starts_with("sandbox; "));
}

#[test]
fn attack_13_the_name_of_an_upload_never_becomes_a_path() {
    let server = server();
    let ada = server.sign_in("ada").unwrap();
    let before = files_below(server.directory());
    let long = "x".repeat(300);

    for name in ["../../x", "/etc/x", "..\\x", "C:x", "CON", ".", "%2e%2e/x", &long, "UTF-8''a%2fb"]
    {
        let arguments = json!({"file": "Y29udGVudA==", "name": name});
        let answer = crate::stage::run(&server, &ada, "upload.sh", &arguments);
        let is_text = words(&answer).contains(&name.to_owned());
        assert!(answer.status == 200 && is_text, "{name}: {}", answer.text());
    }
    let is_new = |path: &String| {
        !before.contains(path)
            && !path.starts_with("data/webscripts.sqlite3")
            && !path.starts_with("data/runs.sqlite3")
    };
    let added: Vec<_> = files_below(server.directory()).into_iter().filter(is_new).collect();
    assert!(added.iter().all(|path| path.starts_with("data/runs/")), "{added:?}");
    let is_server_made = |path: &String| {
        let name = path.rsplit('/').next().unwrap();
        ["order.", "stdout.", "stderr.", "run.jsonl", "rendezvous"]
            .iter()
            .any(|n| name.starts_with(n))
    };
    assert!(added.iter().all(is_server_made), "{added:?}");
}

/// Files travel as text; there is nothing on the server that a value could name.
#[test]
fn attack_14_a_path_or_a_number_in_place_of_a_file_opens_nothing() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = left_by(&ada);
    let report = format!("data/runs/{run}/files/report.txt");

    for path in ["/etc/passwd", "file:///etc/passwd", "config/server.json", &report, &run] {
        let answer = crate::stage::run(
            &server,
            &ada.token,
            "upload.sh",
            &json!({"file": path, "name": "x"}),
        );
        assert_eq!(crate::stage::seen(&answer).stdin, path.as_bytes());
    }
    for reference in [
        json!({"path": "/etc/passwd"}),
        json!({"id": run}),
        json!({"run": run, "name": "report.txt"}),
        json!({"url": "file:///etc/passwd"}),
    ] {
        let answer = ada.try_start("upload.sh", &json!({"file": reference}), "result");
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[test]
fn attack_15_names_that_lead_elsewhere_are_not_found() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = left_by(&ada);

    for name in [
        "..",
        ".",
        "%2e%2e",
        "%2e%2e%2f",
        "%252e%252e",
        "..%2fend.json",
        "..%2fstdout.0",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fwebscripts.sqlite3",
        "..%5creport.txt",
        "%5c",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "%2fproc%2fself%2fenviron",
        "report.txt;",
        "report.txt%00",
        "report.txt%00.png",
        "report.txt.",
        "report.txt/",
        "report.txt%20",
        "REPORT.TXT",
        "link",
        "inside",
        "folder",
        "folder/",
        "folder/../report.txt",
        "folder%2f..%2freport.txt",
        "./report.txt",
        "folder//deep.txt",
        "pipe",
        "%ff",
    ] {
        let answer = file(&ada, &run, name);
        assert_eq!(answer.status, 404, "{name}");
        assert!(!answer.text().contains("root:"), "{name}");
    }
}

#[test]
fn attack_17_identifiers_are_read_in_one_form_only() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = left_by(&ada);
    let plain = run.replace('-', "");

    for id in [
        "..".to_owned(),
        "%2e%2e".to_owned(),
        "1".to_owned(),
        "0".repeat(36),
        plain,
        run.to_uppercase(),
        format!("%7B{run}%7D"),
        format!("urn:uuid:{run}"),
        format!("{run}%00"),
        format!("{run}%20"),
        format!("{run}%2f"),
        format!("..%2f{run}"),
        "a".repeat(5000),
    ] {
        for path in ["", "/output", "/events", "/poll", "/files/", "/files/report.txt", "/document"]
        {
            let answer = ada.get(&format!("/api/runs/{id}{path}"));
            assert_eq!(answer.status, 404, "{id}{path}");
        }
        for action in ["stop", "kill", "again", "delete"] {
            let answer = ada.post(&format!("/api/runs/{id}/{action}"), &json!({}));
            assert_eq!(answer.status, 404, "{id}/{action}");
        }
        assert_eq!(ada.get(&format!("/web/runs/{id}")).status, 404, "{id}");
    }
    assert_eq!(ada.record(&run)["state"], "succeeded");
}

fn files_below(root: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// Everything of an answer that could tell two cases apart.
fn traits(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&&*name.to_lowercase()));
    let mut text = answer.text();
    if let Some(id) = answer.header("X-Request-Id") {
        text = text.replace(id, "");
    }
    (answer.status, headers.cloned().collect(), text)
}

#[test]
fn attack_18_and_28_runs_of_others_are_answered_as_unknown_ones() {
    let server = server();
    let (ada, eve) = (Runs::of(&server, "ada"), Runs::of(&server, "eve"));
    let run = left_by(&ada);
    let unknown = "01932b5e-7f3a-7c11-9f00-0123456789ab";
    let get = |path: &str, accept: &str| {
        let request = Request::get(path).api_token(&eve.token).header("Accept", accept);
        traits(&server.send(&request).unwrap())
    };

    for accept in ["*/*", "application/json", "text/html"] {
        for path in [
            "/api/runs/ID",
            "/api/runs/ID/output",
            "/api/runs/ID/output?stream=both",
            "/api/runs/ID/events",
            "/api/runs/ID/poll?wait=0",
            "/api/runs/ID/screen",
            "/api/runs/ID/document",
            "/api/runs/ID/files/",
            "/api/runs/ID/files/report.txt",
            "/web/runs/ID",
        ] {
            let of = |id: &str| get(&path.replace("ID", id), accept);
            assert_eq!(of(&run).0, 404, "{path}");
            assert_eq!(of(&run), of(unknown), "{path}");
        }
    }
    for action in ["stop", "kill", "input", "close_input", "resize", "again", "delete"] {
        let body = match action {
            "input" => json!({"text": "x"}),
            "resize" => json!({"columns": 9, "rows": 9}),
            _ => json!({}),
        };
        let of = |id: &str| traits(&eve.post(&format!("/api/runs/{id}/{action}"), &body));
        assert_eq!((of(&run).0, of(&run)), (404, of(unknown)), "{action}");
    }
    assert_eq!(file(&ada, &run, "report.txt").status, 200);
    assert_eq!(file(&Runs::of(&server, "Admin"), &run, "report.txt").status, 200);
}
