//! Output as bytes: ranges, offsets, downloads, documents.

use serde_json::json;
use webscripts_testkit::{Account, Answer, Request, Server};

use crate::runs_stage::Runs;
use crate::stage::instance;

fn server() -> Server {
    let digits = "#!/bin/sh\nprintf 0123456789\nprintf 'on error' >&2\n";
    let page = r#"#!/bin/sh
printf '<base href="https://evil.example/"><script>parent.x = 1</script>'
printf '<meta http-equiv="refresh" content="0;url=/web/"><form action="/api/runs/">caf\351</form>'
"#;
    let long = "#!/bin/sh\necho first\nhead -c 30000000 /dev/zero | tr '\\0' x\necho\necho last\n";
    instance()
        .script("digits.sh", digits, &json!({}))
        .script("page.sh", page, &json!({"content_type": "text/html"}))
        .script("long.sh", long, &json!({"run_output_bytes": 1_048_576}))
        .script("a \"b\";\u{e9}.sh", digits, &json!({}))
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

fn over(ada: &Runs<'_>, script: &str) -> String {
    let run = ada.start(script, &json!({}));
    ada.end(&run);
    run
}

fn with_range(ada: &Runs<'_>, run: &str, range: &str) -> Answer {
    let request = Request::get(&format!("/api/runs/{run}/output"));
    ada.server.send(&request.api_token(&ada.token).header("Range", range)).unwrap()
}

#[track_caller]
fn number(answer: &Answer, name: &str) -> u64 {
    answer.header(name).unwrap().parse().unwrap()
}

#[test]
fn ranges_are_answered_as_the_standard_says() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = over(&ada, "digits.sh");
    let seen = |range: &str| {
        let answer = with_range(&ada, &run, range);
        let of = answer.header("Content-Range").map(str::to_owned);
        (answer.status, answer.text(), of)
    };
    let part = |text: &str, of: &str| (206, text.to_owned(), Some(format!("bytes {of}/10")));

    assert_eq!(seen("bytes=0-3"), part("0123", "0-3"));
    assert_eq!(seen("bytes=4-"), part("456789", "4-9"));
    assert_eq!(seen("bytes=-2"), part("89", "8-9"));
    assert_eq!(seen("bytes=9-99"), part("9", "9-9"));
    assert_eq!(seen("bytes=10-"), (416, String::new(), Some("bytes */10".to_owned())));
    for whole in ["bytes=0-1,3-4", "bytes=5-2", "lines=0-1", "x"] {
        assert_eq!(seen(whole), (200, "0123456789".to_owned(), None), "{whole}");
    }
    let whole = ada.get(&format!("/api/runs/{run}/output"));
    assert_eq!(whole.header("Accept-Ranges"), Some("bytes"));
    let request = Request::get(&format!("/api/runs/{run}/output")).api_token(&ada.token);
    let other = request.header("Range", "bytes=0-1").header("If-Range", "\"other\"");
    assert_eq!(server.send(&other).unwrap().status, 200);
}

#[test]
fn offsets_count_the_bytes_of_one_stream() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = over(&ada, "digits.sh");
    let seen = |query: &str| {
        let answer = ada.get(&format!("/api/runs/{run}/output?{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (offset, total) =
            (number(&answer, "X-Output-Offset"), number(&answer, "X-Output-Total"));
        (answer.text(), offset, total)
    };

    assert_eq!(seen("offset=4"), ("456789".to_owned(), 4, 10));
    assert_eq!(seen("stream=stdout&offset=4&length=2"), ("45".to_owned(), 4, 10));
    assert_eq!(seen("stream=stderr&offset=3"), ("error".to_owned(), 3, 8));
    assert_eq!(seen("offset=10"), (String::new(), 10, 10));
    assert_eq!(seen("length=0"), (String::new(), 0, 10));
    for wrong in ["offset=x", "stream=stdin", "offset=-1", "from=1", "download=maybe"] {
        assert_eq!(ada.get(&format!("/api/runs/{run}/output?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn a_gap_is_never_closed_silently() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = over(&ada, "long.sh");
    let total = 30_000_000 + 12;

    let head = ada.get(&format!("/api/runs/{run}/output?offset=0"));
    let head_end = head.body.len() as u64;
    assert!(head.body.starts_with(b"first\nxxx") && head_end < 1_048_576);
    let gap = ada.get(&format!("/api/runs/{run}/output?offset={head_end}"));
    let tail_begin = number(&gap, "X-Output-Offset");
    assert!(tail_begin > head_end && number(&gap, "X-Output-Total") == total);
    assert!(gap.body.ends_with(b"xxx\nlast\n"));
    assert_eq!(tail_begin + gap.body.len() as u64, total);

    let inside = with_range(&ada, &run, &format!("bytes={head_end}-"));
    assert_eq!((inside.status, number(&inside, "X-Output-Offset")), (416, tail_begin));
    let across = with_range(&ada, &run, &format!("bytes={}-", head_end - 2));
    assert_eq!(across.status, 206);
    let range = format!("bytes {}-{}/{total}", head_end - 2, head_end - 1);
    assert_eq!(
        (across.header("Content-Range"), across.text()),
        (Some(range.as_str()), "xx".into())
    );
    let tail = with_range(&ada, &run, "bytes=-5");
    assert_eq!((tail.status, tail.text()), (206, "last\n".to_owned()));

    let both = ada.get(&format!("/api/runs/{run}/output?stream=both")).text();
    let missing = format!("\n[WebScripts: {} bytes are not kept", tail_begin - head_end);
    assert_eq!(both.matches(&missing).count(), 1, "{}", both.len());
    assert_eq!(ada.output(&run, "stdout").len() as u64, total - (tail_begin - head_end));
}

#[test]
fn downloads_are_files_with_the_name_of_script_and_run() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = over(&ada, "digits.sh");
    let ask = |query: &str| ada.get(&format!("/api/runs/{run}/output?{query}download=1"));

    for (query, name) in [("", ".stdout"), ("stream=stderr&", ".stderr"), ("stream=both&", "")] {
        let answer = ask(query);
        let name = format!("attachment; filename=\"digits.sh-{run}{name}.txt\"");
        assert_eq!(answer.header("Content-Disposition"), Some(name.as_str()));
        assert_eq!(answer.header("Content-Type"), Some("application/octet-stream"));
    }
    let strange = over(&ada, "a \"b\";\u{e9}.sh");
    let answer = ada.get(&format!("/api/runs/{strange}/output?download=1"));
    let name = answer.header("Content-Disposition").unwrap();
    assert!(name.starts_with("attachment; filename=\"a _b___.sh-"), "{name}");
    assert!(name.contains("; filename*=UTF-8''a%20%22b%22%3B%C3%A9.sh-"), "{name}");
}

#[test]
fn attack_50_output_is_never_a_page_of_ours() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let run = over(&ada, "page.sh");

    for query in ["", "?stream=stderr", "?stream=both", "?offset=1", "?download=true"] {
        let answer = ada.get(&format!("/api/runs/{run}/output{query}"));
        let kind = answer.header("Content-Type").unwrap();
        assert!(kind.starts_with("text/plain") || kind == "application/octet-stream", "{kind}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert!(answer.header("Content-Security-Policy").unwrap().starts_with("sandbox; "));
    }
    let document = ada.get(&format!("/api/runs/{run}/document"));
    assert_eq!(document.header("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = document.header("Content-Security-Policy").unwrap();
    assert!(
        policy.starts_with(
            "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
        ) && policy.contains("form-action 'none'; base-uri 'none'; frame-ancestors 'self'")
            && !policy.contains("allow-scripts")
            && !policy.contains("allow-same-origin"),
        "{policy}"
    );
    assert!(document.text().ends_with("caf\u{e9}</form>"), "it is sent in UTF-8");
    let text = over(&ada, "digits.sh");
    assert_eq!(ada.get(&format!("/api/runs/{text}/document")).status, 404);
}
