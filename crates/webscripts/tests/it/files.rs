//! Files: assets of the pages and those of the administrator.

use webscripts_testkit::{Account, Answer, Request, Server};

use crate::stage::instance;

fn server() -> Server {
    let text = "0123456789".repeat(1000);
    instance()
        .file("static/html/page.html", &text, 0o444)
        .file("static/images/dot.png", [0x89, b'P', b'N', b'G', 0, 1, 2, 3], 0o444)
        .file("static/js/code.js", format!("// {text}\n"), 0o444)
        .file("static/html/secret.txt", "not handed out", 0o444)
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

/// The address of the style sheet, as pages name it.
fn asset(server: &Server) -> String {
    let page = server.send(&Request::get("/web/auth/")).unwrap().text();
    let address = page.split('"').find(|part| part.ends_with("/style.css")).unwrap();
    format!("/{}", address.trim_start_matches("../"))
}

#[test]
fn a_known_version_is_not_sent_again() {
    let server = server();

    for path in ["/static/page.html", "/js/code.js", &asset(&server)] {
        for encoding in ["identity", "gzip", "br"] {
            let get = || Request::get(path).header("Accept-Encoding", encoding);
            let first = server.send(&get()).unwrap();
            let tag = first.header("ETag").unwrap();
            assert!(tag.starts_with('"') && tag.len() > 10, "a strong tag: {tag}");
            for value in [tag, &format!("\"x\", {tag}"), &format!("W/{tag}"), "*"] {
                let again = server.send(&get().header("If-None-Match", value)).unwrap();
                assert_eq!((again.status, again.body.len()), (304, 0), "{path} {value}");
                assert_eq!(again.header("ETag"), Some(tag));
            }
            let other = server.send(&get().header("If-None-Match", "\"x\"")).unwrap();
            assert_eq!((other.status, &other.body), (200, &first.body));
        }
    }
}

#[test]
fn each_encoding_has_a_tag_of_its_own_and_caches_are_told() {
    let server = server();

    for path in ["/static/page.html", "/js/code.js", &asset(&server)] {
        let ask = |accepts: &str| {
            server.send(&Request::get(path).header("Accept-Encoding", accepts)).unwrap()
        };
        let plain = ask("identity");
        let forms: Vec<Answer> = ["gzip", "br"].map(ask).into();
        assert_eq!(plain.header("Content-Encoding"), None);
        for (answer, encoding) in forms.iter().zip(["gzip", "br"]) {
            assert_eq!(answer.header("Content-Encoding"), Some(encoding), "{path}");
            assert!(answer.body.len() < plain.body.len(), "{path} {encoding}");
            assert_ne!(answer.header("ETag"), plain.header("ETag"));
        }
        assert_eq!(ask("gzip, br").header("Content-Encoding"), Some("br"));
        assert_eq!(ask("br;q=0, gzip").header("Content-Encoding"), Some("gzip"));
        assert_eq!(plain.header("Vary"), Some("Accept-Encoding"));
        assert_eq!(forms[0].body[..2], [0x1f, 0x8b], "gzip");
    }
    let picture = Request::get("/static/dot.png").header("Accept-Encoding", "gzip, br");
    assert_eq!(server.send(&picture).unwrap().header("Content-Encoding"), None);
}

#[test]
fn a_part_of_a_file_can_be_asked_for() {
    let server = server();
    let ask = |range: &str| {
        let request = Request::get("/static/page.html").header("Range", range);
        server.send(&request.header("Accept-Encoding", "gzip, br")).unwrap()
    };

    let part = ask("bytes=5-9");
    assert_eq!((part.status, part.text().as_str()), (206, "56789"));
    assert_eq!(part.header("Content-Range"), Some("bytes 5-9/10000"));
    assert_eq!(part.header("Content-Encoding"), None);
    assert_eq!(ask("bytes=-3").text(), "789");
    assert_eq!(ask("bytes=9998-").text(), "89");
    let beyond = ask("bytes=10000-");
    assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some("bytes */10000")));
    for whole in ["bytes=0-1,3-4", "bytes=9-5", "lines=1-2", "bytes=0-99999999999999999999999"] {
        let answer = ask(whole);
        assert!(matches!(answer.status, 200 | 206) && answer.body.len() == 10_000, "{whole}");
    }
}

#[test]
fn a_file_that_changes_is_seen_at_the_next_request() {
    let server = server();
    let get = || server.send(&Request::get("/static/page.html")).unwrap();
    let before = get();
    let path = server.directory().join("static/html/page.html");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "new").unwrap();

    let after = get();
    assert_eq!(after.text(), "new");
    assert_ne!(after.header("ETag"), before.header("ETag"));

    std::fs::remove_file(&path).unwrap();
    assert_eq!(get().status, 404, "a file that is gone is not found");
}

#[test]
fn types_are_those_of_the_reference_and_nothing_else_is_handed_out() {
    let server = server();
    let ask = |path: &str| server.send(&Request::get(path)).unwrap();

    assert_eq!(ask("/static/page.html").header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(ask("/static/dot.png").header("Content-Type"), Some("image/png"));
    assert_eq!(ask("/js/code.js").header("Content-Type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(
        ask("/static/page.html").header("Content-Security-Policy"),
        Some("default-src 'self'; form-action 'none'; frame-ancestors 'none'")
    );
    for path in [
        "/static/secret.txt",
        "/static/../config/server.json",
        "/static/%2e%2e%2fconfig%2fserver.json",
        "/static/..%5cconfig",
        "/static/page.html%00",
        "/static/page.html.",
        "/static/html/page.html",
        "/static//etc/passwd",
        "/js/page.html",
        "/static/",
    ] {
        let answer = ask(path);
        assert!(matches!(answer.status, 302 | 404), "{path}: {}", answer.status);
        assert!(!answer.text().contains("webscripts"), "{path}");
    }
}

#[test]
fn assets_are_kept_by_browsers_and_found_at_their_version_alone() {
    let server = server();
    let path = asset(&server);

    let answer = server.send(&Request::get(&path)).unwrap();
    assert_eq!(answer.header("Content-Type"), Some("text/css; charset=utf-8"));
    assert_eq!(answer.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
    for wrong in
        ["/web/assets/0/style.css", &path.replace("style.css", "none.css"), &format!("{path}/x")]
    {
        assert_eq!(server.send(&Request::get(wrong)).unwrap().status, 404, "{wrong}");
    }
}

#[test]
fn documentation_is_shown_to_those_who_may_run_the_script() {
    let server = instance()
        .script(
            "open.sh",
            "#!/bin/sh\n",
            &serde_json::json!({"documentation_file": "doc/open.html"}),
        )
        .script("closed.sh", "#!/bin/sh\n", &serde_json::json!({"access_groups": [1000]}))
        .script("bare.sh", "#!/bin/sh\n", &serde_json::json!({}))
        .file("doc/open.html", "<p>read me", 0o444)
        .file("doc/closed.html", "<p>hidden", 0o444)
        .account(Account::user("ada"))
        .account(Account::administrator("Admin"))
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let ask = |token: &str, path: &str, accept: &str| {
        let request = Request::get(path).api_token(token).header("Accept", accept);
        server.send(&request).unwrap()
    };

    let document = ask(&token, "/web/doc/open.sh", "*/*");
    assert_eq!((document.status, document.text().as_str()), (200, "<p>read me"));
    assert_eq!(document.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(document.header("Content-Security-Policy").unwrap().starts_with("sandbox "));
    let page = ask(&token, "/web/doc/open.sh", "text/html");
    assert!(page.text().contains("<iframe") && !page.text().contains("read me"), "{}", page.text());
    assert!(page.header("Content-Security-Policy").unwrap().contains("frame-src 'self'"));
    assert_eq!(ask(&token, "/web/doc/closed.sh", "*/*").status, 403);
    assert_eq!(ask(&token, "/web/doc/none.sh", "*/*").status, 404);
    assert_eq!(ask(&token, "/web/doc/bare.sh", "*/*").status, 404);
    let admin = server.sign_in("Admin").unwrap();
    assert_eq!(ask(&admin, "/web/doc/closed.sh", "*/*").text(), "<p>hidden");
}
