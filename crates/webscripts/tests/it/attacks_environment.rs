//! What a script inherits: row 9.

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::stage::{Probes as _, assert_refused, instance, started, try_run, variables};

/// Names that change what programs do when they stand in the environment.
const DANGEROUS: [&str; 10] = [
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "BASH_ENV",
    "ENV",
    "PYTHONPATH",
    "PERL5LIB",
    "IFS",
    "BASH_FUNC_x%%",
    "SHELLOPTS",
];

fn server() -> Server {
    instance()
        .environment_probe("environment.sh")
        .environment("LD_PRELOAD_LIKE", "server secret")
        .environment("AWS_SECRET_ACCESS_KEY", "server secret")
        .environment("HTTP_PROXY", "http://proxy.of.the.server")
        .environment("TZ", "UTC")
        .environment("EXTRA", "asked for")
        .setting("script_environment", json!(["EXTRA", "NOT_SET"]))
        .account(Account::user("ada"))
        .start()
        .unwrap()
}

#[test]
fn attack_09_the_environment_of_a_script_is_exactly_the_allow_list() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let request = Request::post("/api/scripts/environment.sh?q=1%20&x=$(id)")
        .header("X-Custom", "a value")
        .api_token(&token)
        .run(&json!({}));

    let variables = variables(&server.send(&request).unwrap());

    let directory = server.directory().display().to_string();
    let host = server.host();
    let (origin, port) = (format!("http://{host}"), server.address().port().to_string());
    let value = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.replace(&directory, "<DIR>").replace(&host, "<HOST>"))
    };
    let mut names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "CONTENT_LENGTH",
            "CONTENT_TYPE",
            "EXTRA",
            "GATEWAY_INTERFACE",
            "HOME",
            "HTTP_HOST",
            "HTTP_ORIGIN",
            "HTTP_X_CUSTOM",
            "LANG",
            "PATH",
            "PATH_INFO",
            "QUERY_STRING",
            "REMOTE_ADDR",
            "REMOTE_HOST",
            "REMOTE_IP",
            "REMOTE_PORT",
            "REQUEST_METHOD",
            "SCRIPT_CONFIG",
            "SCRIPT_NAME",
            "SERVER_NAME",
            "SERVER_PORT",
            "SERVER_PROTOCOL",
            "SERVER_SOFTWARE",
            "SUB_DIRECTORIES_NUMBER",
            "TMPDIR",
            "TZ",
            "URL_PATH",
            "USER",
            "WEBSCRIPTS_DATA_PATH",
            "WEBSCRIPTS_DOCUMENTATION_PATH",
            "WEBSCRIPTS_LOGS_FILES",
            "WEBSCRIPTS_LOGS_PATH",
            "WEBSCRIPTS_MODULES",
            "WEBSCRIPTS_PATH",
            "WEBSCRIPTS_RUN_DIR",
            "WEBSCRIPTS_RUN_ID",
            "wsgi.multiprocess",
            "wsgi.multithread",
            "wsgi.url_scheme",
            "wsgi.version",
        ]
    );
    for (name, expected) in [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("EXTRA", "asked for"),
        ("REQUEST_METHOD", "POST"),
        ("QUERY_STRING", "q=1%20&x=$(id)"),
        ("PATH_INFO", "/api/scripts/environment.sh"),
        ("URL_PATH", "/api/scripts/environment.sh"),
        ("SUB_DIRECTORIES_NUMBER", "2"),
        ("SERVER_NAME", "127.0.0.1"),
        ("SERVER_PORT", port.as_str()),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REMOTE_IP", "127.0.0.1"),
        ("HTTP_HOST", "<HOST>"),
        ("HTTP_ORIGIN", &origin.replace(&host, "<HOST>")),
        ("HTTP_X_CUSTOM", "a value"),
        ("CONTENT_TYPE", "application/json"),
        ("wsgi.url_scheme", "http"),
        ("WEBSCRIPTS_PATH", "<DIR>"),
        ("WEBSCRIPTS_DATA_PATH", "<DIR>/data"),
        (
            "USER",
            "{\"groups\": [50], \"scripts\": [\"*\"], \"categories\": [\"*\"], \"id\": 2, \
             \"name\": \"ada\", \"ip\": \"127.0.0.1\"}",
        ),
    ] {
        assert_eq!(value(name).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn attack_09_parameters_never_become_variables() {
    let server = server();
    let token = server.sign_in("ada").unwrap();

    for name in DANGEROUS {
        let arguments = json!({name: "() { :; }; echo made"});
        let answer = try_run(&server, &token, "environment.sh", &arguments);
        assert_refused(&answer, name, "is not an argument of this script");
    }
    assert_eq!(started(&server), 0);
}

#[test]
fn attack_09_headers_never_replace_a_variable_and_never_set_a_proxy() {
    let server = server();
    let token = server.sign_in("ada").unwrap();
    let mut request = Request::post("/api/scripts/environment.sh")
        .header("Proxy", "http://evil.example:8080")
        .header("HTTP_PROXY", "http://evil.example:8080")
        .header("Http-Proxy", "http://evil.example:8080")
        .header("User", "root")
        .header("Script-Config", "{}")
        .header("Remote_Addr", "192.0.2.1")
        .header("X-A", "one")
        .header("X-A", "two\u{e9}");
    for name in DANGEROUS.iter().filter(|name| !name.contains('%')) {
        request = request.header(name, "evil");
    }
    let answer = server.send(&request.api_token(&token).run(&json!({}))).unwrap();
    let variables = variables(&answer);

    let mut from_headers: Vec<(&str, &str)> = variables
        .iter()
        .filter(|(name, _)| name.starts_with("HTTP_"))
        .filter(|(name, _)| !matches!(name.as_str(), "HTTP_HOST" | "HTTP_ORIGIN"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    from_headers.sort_unstable();
    assert_eq!(
        from_headers,
        [
            ("HTTP_ENV", "evil"),
            ("HTTP_HTTP_PROXY", "http://evil.example:8080"),
            ("HTTP_IFS", "evil"),
            ("HTTP_PATH", "evil"),
            ("HTTP_PERL5LIB", "evil"),
            ("HTTP_PYTHONPATH", "evil"),
            ("HTTP_SCRIPT_CONFIG", "{}"),
            ("HTTP_SHELLOPTS", "evil"),
            ("HTTP_USER", "root"),
            ("HTTP_X_A", "one,two"),
        ]
    );
    let others: Vec<&(String, String)> = variables
        .iter()
        .filter(|(name, value)| !name.starts_with("HTTP_") && value.contains("evil"))
        .collect();
    assert_eq!(others, Vec::<&(String, String)>::new());
}

#[test]
fn attack_09_credentials_of_the_request_never_reach_a_script() {
    let server = instance()
        .environment_probe("environment.sh")
        .account(Account::user("ada").with_api_key())
        .start()
        .unwrap();
    let token = server.sign_in("ada").unwrap();
    let key = server.instance().account("ada").unwrap().api_key.clone().unwrap();
    let run = || {
        Request::post("/api/scripts/environment.sh").header("Proxy-Authorization", "Basic c2VjcmV0")
    };
    let csrf = crate::stage::csrf_token(&server, &token);
    let with_cookie = run()
        .cookie(&token)
        .same_origin()
        .json(&crate::stage::body_with_token(&json!({}), &json!(csrf)));

    for request in [
        run().api_token(&token).run(&json!({})),
        run().header("Api-Key", &key).run(&json!({})),
        with_cookie,
    ] {
        let variables = variables(&server.send(&request).unwrap());

        let text = format!("{variables:?}");
        for secret in [crate::stage::secret_of(&token), key.as_str(), csrf.as_str(), "c2VjcmV0"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for name in ["HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_API_KEY", "HTTP_API_TOKEN"] {
            assert!(!variables.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}
