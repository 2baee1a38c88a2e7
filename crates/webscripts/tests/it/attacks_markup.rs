//! Text that wants to be markup or code: row 49.

use scraper::{ElementRef, Html};
use serde_json::{Value, json};
use webscripts_testkit::{Account, Answer, Request, Server};

use crate::stage::{Probes as _, csrf_token, instance};

/// Without a slash, so that it can be the name of a script.
const NAME: &str = "\"><img src=x onerror=alert(1)><b x='.sh";
/// Breaks out of everything a page is made of.
const TEXT: &str = "x\"'><script>alert(1)</script><svg onload=alert(1)></title></textarea></option>\
    </select><style>*{}</style><base href=//evil><meta http-equiv=refresh content=0>\
    <iframe srcdoc=x></iframe><a href=javascript:alert(1)>y</a><!--${7*7}{{7*7}}";
/// An address that would run.
const ADDRESS: &str = "javascript:alert(1)";

/// Types of controls, each with hostile values.
const TYPES: [&str; 12] = [
    "text", "password", "textarea", "search", "tel", "hidden", "email", "url", "file", "checkbox",
    "radio", TEXT,
];

fn hostile_argument(kind: &str) -> Value {
    json!({
        "html_type": kind,
        "label": TEXT,
        "description": TEXT,
        "example": TEXT,
        "default_value": TEXT,
        "is_advanced": kind == "tel",
        "confirm": TEXT,
        "javascript_attributs": {
            "onclick": "alert(1)", "onfocus": TEXT, "autofocus": "", "style": "x:y", "formaction": ADDRESS,
            "src": ADDRESS, "title": TEXT, "placeholder": TEXT, "srcdoc": TEXT, TEXT: TEXT,
        },
    })
}

fn server() -> Server {
    let mut arguments: serde_json::Map<String, Value> =
        TYPES.iter().map(|kind| (format!("{NAME} {kind}"), hostile_argument(kind))).collect();
    let mut choices = hostile_argument("text");
    choices["predefined_values"] = json!([TEXT, NAME, ADDRESS]);
    arguments.insert(TEXT.to_owned(), choices);
    let keys = json!({
        "label": TEXT, "category": TEXT, "description": TEXT, "confirm": TEXT, "custom": TEXT,
        "documentation_file": "doc/hostile.html", "args": arguments,
    });
    let prints = "#!/bin/sh\ncat doc/hostile.html\ncat doc/hostile.html >&2\n";
    let html = json!({"content_type": "text/html", "stderr_content_type": "text/html"});
    instance()
        .setting("product_name", TEXT)
        .setting("sign_in_message", TEXT)
        .probe(NAME, &keys)
        .script("prints.sh", prints, &html)
        .file("doc/hostile.html", TEXT, 0o444)
        .account(Account::user(TEXT))
        .start()
        .unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Elements that none of our pages has.
const FOREIGN: [&str; 12] = [
    "img", "base", "object", "embed", "style", "applet", "frame", "math", "audio", "video",
    "marquee", "b",
];
/// Attributes that hold an address.
const ADDRESSES: [&str; 7] =
    ["href", "src", "action", "formaction", "data", "poster", "xlink:href"];

/// Asserts that nothing in a page runs or loads but our own assets.
#[track_caller]
fn assert_inert(path: &str, html: &str) {
    let page = Html::parse_document(html);
    let elements = page.tree.nodes().filter_map(ElementRef::wrap);
    for element in elements {
        let name = element.value().name();
        assert!(!FOREIGN.contains(&name), "{path}: {}", element.html());
        match name {
            "script" => {
                let source = element.attr("src").unwrap_or_default();
                assert!(
                    source.trim_start_matches("../").starts_with("web/assets/"),
                    "{path}: {source}"
                );
                assert_eq!(element.text().collect::<String>(), "", "{path}: an inline script");
            }
            "link" => {
                let kind = element.attr("rel").unwrap_or_default();
                assert!(["icon", "stylesheet", "modulepreload"].contains(&kind), "{path}: {kind}");
            }
            "meta" => assert_eq!(element.attr("http-equiv"), None, "{path}"),
            "iframe" => {
                let sandbox = element.attr("sandbox").unwrap();
                assert!(!sandbox.contains("script") && !sandbox.contains("same-origin"), "{path}");
            }
            "svg" => assert!(element.attr("aria-hidden").is_some(), "{path}: {}", element.html()),
            _ => {}
        }
        for (attribute, value) in element.value().attrs() {
            let handler = attribute.starts_with("on");
            assert!(
                !handler && attribute != "style" && attribute != "srcdoc",
                "{path}: {attribute}"
            );
            let value = value.trim().to_lowercase();
            let runs = ["javascript:", "data:", "vbscript:", "//", "http"];
            let is_address = ADDRESSES.contains(&attribute);
            let escapes = runs.iter().any(|start| value.starts_with(start));
            assert!(!(is_address && escapes), "{path}: {attribute}={value}");
        }
    }
}

/// Whether a text stands in a page as text or as the value of an attribute.
fn shows(html: &str, text: &str) -> bool {
    let page = Html::parse_document(html);
    let in_text = page.root_element().text().any(|piece| piece.contains(text));
    let in_values = page
        .tree
        .nodes()
        .filter_map(ElementRef::wrap)
        .any(|element| element.value().attrs().any(|(_, value)| value.contains(text)));
    in_text || in_values
}

fn page(server: &Server, cookie: &str, path: &str) -> Answer {
    let request = Request::get(path).cookie(cookie).header("Accept", "text/html");
    let answer = server.send(&request).unwrap();
    assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"), "{path}");
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{path}");
    answer
}

#[test]
fn attack_49_hostile_text_in_configuration_and_accounts_is_shown_as_text() {
    let server = server();
    let cookie = server.sign_in(TEXT).unwrap();
    let script = format!("/web/scripts/{}", encoded(NAME));

    for path in ["/web/", "/web/auth/", "/web/about/", "/web/scripts/none", &script] {
        let html = page(&server, &cookie, path).text();
        assert_inert(path, &html);
        assert!(shows(&html, TEXT), "{path}: {html}");
    }
    let index = page(&server, &cookie, "/web/").text();
    assert!(shows(&index, NAME) && index.contains(&encoded(NAME).to_uppercase()[..3]));
    let documentation = page(&server, &cookie, &format!("/web/doc/{}", encoded(NAME))).text();
    assert_inert("documentation", &documentation);
    let visitor = server.send(&Request::get("/web/auth/").header("Accept", "text/html")).unwrap();
    assert_inert("the page for signing in", &visitor.text());
    assert!(shows(&visitor.text(), TEXT));
}

#[test]
fn attack_49_hostile_text_of_an_address_is_shown_as_text() {
    let server = server();
    let cookie = server.sign_in(TEXT).unwrap();
    let (text, name, address) = (encoded(TEXT), encoded(NAME), encoded(ADDRESS));

    for path in [
        format!("/web/?q={text}&category={text}"),
        format!("/web/{name}"),
        format!("/web/scripts/{name}?{text}={text}&{name}%20text={text}&unknown={text}"),
        format!("/web/scripts/prints.sh?{text}={text}"),
        format!("/web/scripts/{text}"),
        format!("/web/doc/{text}"),
        format!("/web/auth/?next={text}"),
        format!("/web/auth/?next={address}"),
        format!("/web/auth/?next={}", encoded("//evil.example/")),
        format!("/{name}/{text}/"),
        format!("/static/{name}"),
    ] {
        assert_inert(&path, &page(&server, &cookie, &path).text());
    }
    let found = page(&server, &cookie, &format!("/web/?q={text}")).text();
    assert!(shows(&found, TEXT), "the search is shown");
    for next in [&text, &address, &encoded("//evil.example/"), &encoded("\\\\evil")] {
        let html = page(&server, "x=y", &format!("/web/auth/?next={next}")).text();
        let page = Html::parse_document(&html);
        let next = page.tree.nodes().filter_map(ElementRef::wrap).find_map(|e| e.attr("data-next"));
        assert!(next.is_none_or(|next| !next.contains("evil") && !next.contains(':')), "{next:?}");
    }
}

#[test]
fn attack_49_hostile_text_in_headers_is_shown_as_text_or_not_at_all() {
    let server = server();
    let cookie = server.sign_in(TEXT).unwrap();

    for (name, value) in [
        ("Referer", TEXT),
        ("User-Agent", TEXT),
        ("Accept-Language", TEXT),
        ("X-Request-Id", TEXT),
        ("Cookie", "ws_ui=\"><script>alert(1)</script>"),
        ("Host", "\"><img src=x onerror=alert(1)>"),
    ] {
        for path in ["/web/auth/", "/no/such/address"] {
            let request = Request::get(path).header("Accept", "text/html").header(name, value);
            let answer = server.send(&request.header("Api-Token", &cookie)).unwrap();
            assert_inert(name, &answer.text());
            let headers = format!("{:?}", answer.headers);
            assert!(!headers.contains("onerror") && !headers.contains("alert"), "{headers}");
        }
    }
}

#[test]
fn attack_49_errors_of_values_are_shown_as_text() {
    let server = server();
    let cookie = server.sign_in(TEXT).unwrap();
    let script = format!("/api/scripts/{}", encoded(NAME));
    let ask = |accept: &str| {
        let token = csrf_token(&server, &cookie);
        let body = crate::stage::body_with_token(&json!({TEXT: TEXT, "x<b>": "y"}), &json!(token));
        let request = Request::post(&script).cookie(&cookie).same_origin();
        server.send(&request.header("Accept", accept).json(&body)).unwrap()
    };

    let html = ask("text/html");
    assert_eq!(html.status, 400);
    assert_inert("values", &html.text());
    assert!(shows(&html.text(), "x<b>"));
    let json = ask("application/json");
    assert_eq!(json.header("Content-Type"), Some("application/json; charset=utf-8"));
    assert_eq!(json.header("X-Content-Type-Options"), Some("nosniff"));
    let text = ask("*/*");
    assert_eq!(text.header("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(text.text(), crate::stage::error_text(400));
}

#[test]
fn attack_49_output_travels_as_json_and_documents_in_a_sandbox() {
    let server = server();
    let token = server.sign_in(TEXT).unwrap();

    let answer = crate::stage::run(&server, &token, "prints.sh", &json!({}));
    assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(answer.json().unwrap()["stdout"], TEXT);
    assert_eq!(answer.json().unwrap()["stderr"], TEXT);

    let document = Request::get(&format!("/web/doc/{}", encoded(NAME))).api_token(&token);
    let document = server.send(&document).unwrap();
    assert_eq!(document.text(), TEXT);
    let policy = document.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-scripts"), "{policy}");
    assert!(
        !policy.contains("allow-same-origin") && policy.contains("default-src 'none'"),
        "{policy}"
    );

    let nodes = Request::post("/api/output/nodes").api_token(&token).same_origin();
    let nodes = server.send(&nodes.json(&json!({"html": TEXT}))).unwrap();
    let tree = nodes.json().unwrap().to_string();
    for word in ["script", "onload", "javascript", "iframe", "http-equiv", "base"] {
        assert!(!tree.contains(&format!("\"{word}")), "{word} in {tree}");
    }
}

#[test]
fn attack_49_there_is_no_jsonp() {
    let server = server();
    let token = server.sign_in(TEXT).unwrap();

    for path in ["/api/", "/api/session/", "/api/session/list"] {
        for query in ["callback=alert", "jsonp=alert", "cb=alert"] {
            let request = Request::get(&format!("{path}?{query}")).api_token(&token);
            let answer = server.send(&request).unwrap();
            assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
            assert!(answer.json().unwrap().is_object(), "{path}");
        }
    }
}

#[test]
fn attack_49_every_page_forbids_inline_code() {
    let server = server();
    let cookie = server.sign_in(TEXT).unwrap();

    for path in ["/web/", "/web/auth/", "/web/scripts/prints.sh", "/no/such/address"] {
        let answer = page(&server, &cookie, path);
        let policy = answer.header("Content-Security-Policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.split("; ").any(|own| own == part), "{path}: {part} not in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers_named("Content-Security-Policy").count(), 1);
        assert_eq!(answer.header("X-Frame-Options"), Some("deny"));
    }
}
