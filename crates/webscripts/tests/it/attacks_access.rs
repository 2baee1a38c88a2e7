//! Who may do it: rows 23, 25 and 32.

use std::collections::BTreeMap;

use serde_json::json;
use webscripts_testkit::{Account, Answer, Request, Server};
use webscripts_web::{Access, Csrf, RouteRule, route_rules};

use crate::stage::{
    Probes as _, assert_error, body_with_token, csrf_token, instance, run, started,
};

/// Every address, who may reach it, and what protects it. A new public address is one added line
/// here, for whoever reviews the change.
#[test]
fn attack_23_the_whole_table_of_routes_is_known() {
    let row = |rule: &RouteRule| {
        let (methods, access) = (rule.methods.join(" "), format!("{:?}", rule.access));
        format!("{:<29} {methods:<9} {access:<9} {:?}", rule.path, rule.csrf)
    };
    let table = route_rules().iter().map(row).collect::<Vec<_>>().join("\n");

    insta::assert_snapshot!(table, @r"
    /health/live                  GET       Open      NoStateChange
    /health/ready                 GET       Open      NoStateChange
    /web/assets/{version}/{*name} GET       Open      NoStateChange
    /                             GET POST  Gate      NoStateChange
    /{any}                        GET POST  Gate      NoStateChange
    /web/                         GET POST  Gate      NoStateChange
    /web/{text}                   GET POST  Gate      NoStateChange
    /web/scripts/{name}           GET POST  Gate      NoStateChange
    /web/doc/{name}               GET POST  Gate      NoStateChange
    /web/runs/                    GET       Gate      NoStateChange
    /web/runs/{id}                GET       Gate      NoStateChange
    /web/about/                   GET       Gate      NoStateChange
    /web/auth/                    GET POST  Gate      NoStateChange
    /web/auth/{any}               GET POST  Gate      NoStateChange
    /web/auth/logout              POST      Gate      TokenInBody
    /auth/                        POST      Gate      OriginOnly
    /auth/{any}                   POST      Gate      OriginOnly
    /api/                         GET POST  Gate      NoStateChange
    /api/{any}                    GET POST  Gate      NoStateChange
    /api/scripts/{name}           POST      Gate      TokenInBody
    /api/script/get/{key}         GET       Gate      NoStateChange
    /api/script/stop/{key}        POST      Gate      TokenInBody
    /api/runs/                    GET POST  Gate      TokenInBody
    /api/runs/{id}                GET       Gate      NoStateChange
    /api/runs/{id}/events         GET       Gate      NoStateChange
    /api/runs/{id}/poll           GET       Gate      NoStateChange
    /api/runs/{id}/screen         GET       Gate      NoStateChange
    /api/runs/{id}/output         GET       Gate      NoStateChange
    /api/runs/{id}/document       GET       Gate      NoStateChange
    /api/runs/{id}/files/         GET       Gate      NoStateChange
    /api/runs/{id}/files/{*name}  GET       Gate      NoStateChange
    /api/runs/{id}/stop           POST      Gate      TokenInBody
    /api/runs/{id}/kill           POST      Gate      TokenInBody
    /api/runs/{id}/input          POST      Gate      TokenInBody
    /api/runs/{id}/close_input    POST      Gate      TokenInBody
    /api/runs/{id}/resize         POST      Gate      TokenInBody
    /api/runs/{id}/again          POST      Gate      TokenInBody
    /api/runs/{id}/delete         POST      Gate      TokenInBody
    /api/session/                 GET       Gate      NoStateChange
    /api/session/csrf             GET       Gate      NoStateChange
    /api/session/list             GET       SignedIn  NoStateChange
    /api/session/end/{id}         POST      SignedIn  TokenInBody
    /api/session/end/             POST      SignedIn  TokenInBody
    /api/output/nodes             POST      Gate      OriginOnly
    /static/{name}                GET POST  Gate      NoStateChange
    /js/{name}                    GET POST  Gate      NoStateChange
    (everything else)             GET POST  Nothing   NoStateChange
    ");
}

/// Addresses that a visitor reaches by the shipped exclusions (configuration.md §7).
const EXCLUDED: [&str; 3] = ["/api/", "/auth/", "/web/auth/"];

/// Every method somebody may try.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody in particular.
    Anonymous,
    /// A user whose account was disabled after the sign-in.
    Disabled,
    /// A user whose session has been ended.
    Ended,
    /// Somebody with a session from another address.
    Elsewhere,
    /// A user who may not run the script.
    WrongUser,
    /// An administrator.
    Administrator,
}

const CALLERS: [Who; 6] =
    [Who::Anonymous, Who::Disabled, Who::Ended, Who::Elsewhere, Who::WrongUser, Who::Administrator];

impl Who {
    fn is_signed_in(self) -> bool {
        matches!(self, Self::WrongUser | Self::Administrator)
    }
}

/// What a request carries against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Nothing.
    Bare,
    /// The origin of our own pages.
    Origin,
    /// That and a token of the session.
    Token,
}

/// How a request must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The handler of the row answered.
    Reached,
    /// 302 to the page for signing in.
    SignInFirst,
    /// 403 before the handler.
    Forbidden,
    /// 403: the script is not for this caller.
    ScriptDenied,
    /// 404: the run is not for this caller, who does not learn that there is one.
    NoSuchRun,
    /// 404.
    Nothing,
    /// 405.
    WrongMethod,
}

/// How a request must end by the rule of its row.
fn expected(rule: &RouteRule, path: &str, who: Who, method: &str, proof: Proof) -> Ending {
    let accepts = |method: &str| rule.methods.contains(&method);
    let has_method = accepts(method) || (method == "HEAD" && accepts("GET"));
    if rule.access == Access::Open {
        return if has_method { Ending::Reached } else { Ending::WrongMethod };
    }
    if !matches!(method, "GET" | "HEAD" | "POST") {
        return Ending::WrongMethod;
    }
    let is_excluded =
        EXCLUDED.contains(&path) || path.starts_with("/static/") || path.starts_with("/js/");
    if !who.is_signed_in() && !is_excluded {
        return Ending::SignInFirst;
    }
    match rule.access {
        Access::Nothing => return Ending::Nothing,
        Access::SignedIn if !who.is_signed_in() => return Ending::Forbidden,
        Access::Open | Access::Gate | Access::SignedIn => {}
    }
    if !has_method {
        return Ending::WrongMethod;
    }
    let needs_token = rule.csrf == Csrf::TokenInBody;
    let is_forged = match proof {
        Proof::Bare => true,
        Proof::Origin => needs_token && who.is_signed_in(),
        Proof::Token => false,
    };
    if method == "POST" && is_forged {
        return Ending::Forbidden;
    }
    let is_of_script = rule.path.contains("/scripts/{name}")
        || rule.path.contains("/doc/{name}")
        || (rule.path == "/api/runs/" && method == "POST");
    if is_of_script && who == Who::WrongUser {
        return Ending::ScriptDenied;
    }
    if rule.path.contains("/runs/{id}") && who == Who::WrongUser {
        return Ending::NoSuchRun;
    }
    Ending::Reached
}

/// What can be told of an ending without a body.
fn without_body(ending: Ending) -> Ending {
    match ending {
        Ending::ScriptDenied => Ending::Forbidden,
        Ending::Nothing | Ending::NoSuchRun => Ending::Reached,
        other => other,
    }
}

fn ending(answer: &Answer) -> Ending {
    let code =
        || answer.json().ok().and_then(|body| Some(body["error"]["code"].as_str()?.to_owned()));
    let to_sign_in = answer.header("Location").is_some_and(|to| to.ends_with("web/auth/"));
    match answer.status {
        302 if to_sign_in => Ending::SignInFirst,
        403 if code().is_some_and(|code| code == "script-denied") => Ending::ScriptDenied,
        403 => Ending::Forbidden,
        404 if code().is_some_and(|code| code == "not-found") => Ending::Nothing,
        404 if code().is_some_and(|code| code == "no-such-run") => Ending::NoSuchRun,
        405 => Ending::WrongMethod,
        _ => Ending::Reached,
    }
}

/// A run that nobody started.
const UNKNOWN_RUN: &str = "01932b5e-7f3a-7c11-9f00-0123456789ab";

/// An address of the row: every parameter has a value. A new parameter needs one here.
fn address(rule: &RouteRule, asset: &str, run: &str) -> String {
    if rule.path.contains("/runs/{id}") {
        return rule.path.replace("{id}", run).replace("{*name}", "left.txt");
    }
    let values = BTreeMap::from([
        ("/web/assets/{version}/{*name}", asset),
        ("/web/scripts/{name}", "/web/scripts/probe.sh"),
        ("/web/doc/{name}", "/web/doc/probe.sh"),
        ("/api/scripts/{name}", "/api/scripts/probe.sh"),
        ("/api/script/get/{key}", "/api/script/get/unknown"),
        ("/api/script/stop/{key}", "/api/script/stop/unknown"),
        ("/api/session/end/{id}", "/api/session/end/0123456789abcdef"),
        ("/static/{name}", "/static/page.html"),
        ("/js/{name}", "/js/code.js"),
        ("/{any}", "/any"),
        ("/web/{text}", "/web/text"),
        ("/web/auth/{any}", "/web/auth/any"),
        ("/auth/{any}", "/auth/any"),
        ("/api/{any}", "/api/any"),
        ("(everything else)", "/no/such/address"),
    ]);
    let address = values.get(rule.path).copied().unwrap_or(rule.path);
    assert!(!address.contains(['{', '(']), "{} has no address in this test", rule.path);
    address.to_owned()
}

/// Leaves a file behind, and no trace in `started`.
const LEAVES: &str = "#!/bin/sh\necho left > \"$WEBSCRIPTS_RUN_DIR/left.txt\"\n";

/// The server of the matrix, and sessions of its callers.
struct Matrix {
    server: Server,
    ended: Vec<(Who, String)>,
    asset: String,
    run: String,
}

impl Matrix {
    fn start() -> Self {
        let keys = json!({"access_groups": [1000], "documentation_file": "doc/probe.html"});
        let server = instance()
            .probe("probe.sh", &keys)
            .script("leaves.sh", LEAVES, &json!({"access_groups": [1000]}))
            .file("doc/probe.html", "<p>read me", 0o444)
            .file("static/html/page.html", "<p>page", 0o444)
            .file("static/js/code.js", "1", 0o444)
            .setting("max_sessions_per_user", 10_000)
            .account(Account::administrator("Admin"))
            .account(Account::user("wrong"))
            .account(Account::administrator("disabled"))
            .start()
            .unwrap();
        let disabled = server.sign_in("disabled").unwrap();
        server.instance().run(["user", "disable", "disabled"]).unwrap().success().unwrap();
        let ended = server.sign_in("Admin").unwrap();
        let sign_out = Request::post("/web/auth/logout").api_token(&ended).same_origin();
        assert_eq!(server.send(&sign_out).unwrap().status, 200);
        let elsewhere = server.sign_in_from("Admin", [127, 0, 0, 9].into()).unwrap();
        let page = server.send(&Request::get("/web/auth/")).unwrap().text();
        let asset = page.split('"').find_map(|part| part.strip_prefix("../../web/assets/"));
        let asset = format!("/web/assets/{}", asset.unwrap());
        let ended =
            vec![(Who::Disabled, disabled), (Who::Ended, ended), (Who::Elsewhere, elsewhere)];
        let admin = server.sign_in("Admin").unwrap();
        let start = Request::post("/api/runs/").api_token(&admin).same_origin();
        let start = start.json(&json!({"script": "leaves.sh", "answer": "result"}));
        let run =
            server.send(&start).unwrap().json().unwrap()["run"]["id"].as_str().unwrap().to_owned();
        Self { server, ended, asset, run }
    }

    /// A session of the caller; a new one for those who have one, because a request may end it.
    fn session(&self, who: Who) -> Option<String> {
        match who {
            Who::Anonymous => None,
            Who::WrongUser => Some(self.server.sign_in("wrong").unwrap()),
            Who::Administrator => Some(self.server.sign_in("Admin").unwrap()),
            gone => self.ended.iter().find(|(known, _)| *known == gone).map(|(_, c)| c.clone()),
        }
    }

    fn ask(&self, path: &str, who: Who, method: &str, proof: Proof) -> Answer {
        let mut request = Request::new(method, path).header("Accept", "application/json");
        let session = self.session(who);
        if let Some(cookie) = &session {
            request = request.cookie(cookie);
        }
        if proof != Proof::Bare {
            request = request.same_origin();
        }
        let token = match (proof, &session) {
            (Proof::Token, Some(cookie)) if who.is_signed_in() => csrf_token(&self.server, cookie),
            _ => "none".to_owned(),
        };
        let body = match path {
            "/api/scripts/probe.sh" => body_with_token(&json!({}), &json!(token)),
            "/api/runs/" => {
                json!({"script": "probe.sh", "answer": "result", "csrf_token": token})
            }
            _ if path.ends_with("/input") => json!({"text": "x", "csrf_token": token}),
            _ if path.ends_with("/resize") => {
                json!({"columns": 80, "rows": 24, "csrf_token": token})
            }
            _ => json!({ "csrf_token": token }),
        };
        if method == "POST" {
            request = request.json(&body);
        }
        self.server.send(&request).unwrap()
    }
}

/// Requests of one cell of the matrix: POST once without and once with each protection.
fn proofs(method: &str) -> &'static [Proof] {
    if method == "POST" { &[Proof::Bare, Proof::Origin, Proof::Token] } else { &[Proof::Bare] }
}

#[test]
fn attack_23_every_address_answers_every_caller_and_method_by_its_rule() {
    let matrix = Matrix::start();
    let mut wrong = Vec::new();
    let mut runs = 0;

    for rule in route_rules() {
        let path = address(&rule, &matrix.asset, &matrix.run);
        for who in CALLERS {
            for method in METHODS {
                for &proof in proofs(method) {
                    let mut expected = expected(&rule, &path, who, method, proof);
                    if method == "HEAD" {
                        expected = without_body(expected);
                    }
                    let answer = matrix.ask(&path, who, method, proof);
                    let seen = ending(&answer);
                    if seen != expected {
                        wrong.push(format!(
                            "{method} {path} {who:?} {proof:?}: {seen:?} ({}), not {expected:?}",
                            answer.status
                        ));
                    }
                    if method == "HEAD" && !answer.body.is_empty() {
                        wrong.push(format!("HEAD {path} {who:?} has a body"));
                    }
                    let runs_a_script = method == "POST"
                        && matches!(rule.path, "/api/scripts/{name}" | "/api/runs/");
                    runs += usize::from(runs_a_script && expected == Ending::Reached);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((started(&matrix.server), runs), (2, 2), "only the administrator's runs started");
}

#[test]
fn attack_23_nobody_learns_of_a_script_they_may_not_run() {
    let keys = json!({"access_groups": [1000], "category": "Secret things", "description": "hush"});
    let server = instance()
        .probe("hidden.sh", &keys)
        .probe("shown.sh", &json!({"category": "Open things"}))
        .account(Account::administrator("Admin"))
        .account(Account::user("ada"))
        .start()
        .unwrap();

    for (who, sees_hidden) in [("ada", false), ("Admin", true)] {
        let token = server.sign_in(who).unwrap();
        for path in ["/api/", "/web/", "/web/hidden", "/web/?q=hidden&category=Secret%20things"] {
            let text = server.send(&Request::get(path).api_token(&token)).unwrap().text();
            assert!(text.contains("shown.sh"), "{who} {path}");
            assert_eq!(text.contains("hidden.sh"), sees_hidden, "{who} {path}");
            assert_eq!(text.contains("hush"), sees_hidden, "{who} {path}");
        }
        let page = Request::get("/web/scripts/hidden").header("Accept", "text/html");
        let text = server.send(&page.api_token(&token)).unwrap().text();
        assert_eq!(text.contains("hidden.sh"), sees_hidden, "{who}: a suggestion");
    }
    let visitor = server.send(&Request::get("/api/")).unwrap().json().unwrap();
    assert_eq!(visitor.as_object().unwrap().keys().collect::<Vec<_>>(), ["/auth/"]);
}

/// The reference finds pages by walking objects, so that an open prefix leads to closed pages.
#[test]
fn attack_23_no_detour_leads_around_the_sign_in() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .file("static/js/code.js", "1", 0o444)
        .account(Account::user("ada"))
        .start()
        .unwrap();

    for path in [
        "/js/__self__/api/scripts/probe.sh",
        "/static/__self__/api/scripts/probe.sh",
        "/js/../api/scripts/probe.sh",
        "/js/%2e%2e/api/scripts/probe.sh",
        "/js/..%2fapi%2fscripts%2fprobe.sh",
        "/js%2f..%2fapi/scripts/probe.sh",
        "/static/..;/api/scripts/probe.sh",
        "//api/scripts/probe.sh",
        "/js//../../api/scripts/probe.sh",
        "/api/../api/scripts/probe.sh",
        "/API/scripts/probe.sh",
        "/api/scripts/probe.sh/",
        "/api//scripts/probe.sh",
        "/web/auth/../scripts/probe.sh",
        "/web/auth/%2e%2e/scripts/probe.sh",
        "/__class__/",
        "/reload/",
    ] {
        for request in [Request::get(path), Request::post(path).run(&json!({}))] {
            let answer = server.send(&request).unwrap();
            assert!(matches!(answer.status, 302 | 404 | 405), "{path}: {}", answer.status);
        }
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_25_only_post_starts_a_script() {
    let server =
        instance().probe("probe.sh", &json!({})).account(Account::user("ada")).start().unwrap();
    let token = server.sign_in("ada").unwrap();
    let ask = |method: &str| Request::new(method, "/api/scripts/probe.sh").api_token(&token);

    for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "get", "POSTS"] {
        for request in [ask(method), ask(method).same_origin()] {
            let answer = server.send(&request).unwrap();
            assert_eq!(answer.status, 405, "{method}");
            assert_eq!(answer.header("Allow"), Some("POST"), "{method}");
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}");
        }
    }
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let answer = server.send(&ask("GET").header(header, "POST").same_origin()).unwrap();
        assert_error(&answer, 405);
    }
    let answer = server
        .send(&Request::get("/api/scripts/probe.sh?_method=POST").api_token(&token).same_origin());
    assert_error(&answer.unwrap(), 405);
    assert_eq!(started(&server), 0);
    assert_eq!(run(&server, &token, "probe.sh", &json!({})).status, 200);
    assert_eq!(started(&server), 1);
}

#[test]
fn attack_25_an_override_header_does_not_change_a_post() {
    let server =
        instance().probe("probe.sh", &json!({})).account(Account::user("ada")).start().unwrap();
    let token = server.sign_in("ada").unwrap();
    let request = Request::post("/web/").api_token(&token).header("X-HTTP-Method-Override", "GET");

    assert_error(&server.send(&request).unwrap(), 403);
}

/// Passwords and keys that programs are shipped with, among them those of the reference.
const SHIPPED: [(&str, &str); 8] = [
    ("Admin", "Admin"),
    ("admin", "admin"),
    ("Admin", "password"),
    ("Admin", "x"),
    ("root", "root"),
    ("Not Authenticated", "x"),
    ("Unknow", "x"),
    ("administrator", "administrator"),
];

#[test]
fn attack_32_a_fresh_instance_has_no_working_credential_and_no_open_route() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .setting("auth_failures_to_blacklist", 1000)
        .start()
        .unwrap();

    for (name, password) in SHIPPED {
        let answer = server.send(&Request::sign_in(name, password)).unwrap();
        let cookie = answer.header("Set-Cookie").unwrap();
        assert!(answer.status == 302 && cookie.starts_with("SessionID=0:"), "{name}: {cookie}");
        let page = server.send(&Request::get("/web/").cookie(cookie)).unwrap();
        assert_eq!(page.status, 302, "the cookie of a refusal opens nothing");
    }
    for key in ["", "Admin", &"Admin".repeat(32)] {
        let answer = server.send(&Request::get("/web/").header("Api-Key", key)).unwrap();
        assert_eq!(answer.status, 302, "{key}");
    }
    for rule in route_rules().into_iter().filter(|rule| rule.access != Access::Open) {
        let path = address(&rule, "", UNKNOWN_RUN);
        let is_excluded = EXCLUDED.contains(&path.as_str())
            || path.starts_with("/static/")
            || path.starts_with("/js/");
        let answer = server.send(&Request::get(&path)).unwrap();
        assert!(is_excluded || answer.status == 302, "{path}: {}", answer.status);
    }
    assert_eq!(server.address().ip().to_string(), "127.0.0.1");
    assert_eq!(started(&server), 0);
    let log = server.stop().unwrap().log;
    assert!(log.contains("there is no account yet"), "{log}");
}

#[test]
fn attack_32_a_public_address_needs_tls_or_an_explicit_override() {
    for interface in ["0.0.0.0", "::"] {
        let error = instance().setting("interface", interface).start().unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("allow_public_without_tls"), "{text}");
    }
    let server = instance()
        .setting("interface", "0.0.0.0")
        .setting("allow_public_without_tls", true)
        .start()
        .unwrap();
    let log = server.stop().unwrap().log;
    assert!(log.contains("plain HTTP on a public address"), "{log}");
}
