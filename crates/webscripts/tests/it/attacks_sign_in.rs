//! Signing in under fire: rows 33, 34, 35 and 37.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use webscripts_testkit::{Account, Answer, Connection, InstanceBuilder, Outcome, Request, Server};

use crate::stage::{
    Probes as _, assert_error, csrf_token, instance, run, secret_of, seen, variables,
};

fn is_refusal(answer: &Answer) -> bool {
    let cookie = answer.header("Set-Cookie").unwrap_or_default();
    answer.status == 302 && cookie.starts_with("SessionID=0:") && answer.body.is_empty()
}

/// A wrong password of the flood: which name, from where.
fn wrong(number: usize) -> Request {
    let name = format!("target{}", number % 20);
    let address = Ipv4Addr::new(127, 0, 1, u8::try_from(number % 100 + 1).unwrap());
    let request = Request::sign_in(&name, &format!("marker-of-attempt-{number}")).from(address);
    // Every third one claims another address, which is refused as long as there is no proxy.
    if number.is_multiple_of(3) {
        request.header("X-Forwarded-For", &format!("198.51.100.{}", number % 256))
    } else {
        request
    }
}

#[test]
fn attack_33_a_thousand_wrong_passwords_are_throttled_and_nobody_else_is_hurt() {
    const ATTEMPTS: usize = 1000;
    const ATTACKERS: usize = 16;
    let server = instance()
        .account(Account::user("target0"))
        .account(Account::user("target1"))
        .account(Account::user("bystander"))
        .start()
        .unwrap();
    let home = Ipv4Addr::new(127, 0, 9, 9);
    let at_home = server.sign_in_from("target0", home).unwrap();
    let (next, counted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let running = AtomicBool::new(true);
    let answered_meanwhile = AtomicUsize::new(0);

    thread::scope(|scope| {
        let attack = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= ATTEMPTS {
                    break;
                }
                let answer = server.send(&wrong(number)).unwrap();
                if is_refusal(&answer) {
                    counted.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert!(matches!(answer.status, 403 | 429), "{answer:?}");
                }
            }
        };
        let attackers: Vec<_> = (0..ATTACKERS).map(|_| scope.spawn(attack)).collect();
        scope.spawn(|| {
            let page = Request::get("/web/").from(home).cookie(&at_home);
            while running.load(Ordering::Relaxed) {
                assert_eq!(server.send(&page).unwrap().status, 200);
                answered_meanwhile.fetch_add(1, Ordering::Relaxed);
            }
        });
        for attacker in attackers {
            attacker.join().unwrap();
        }
        running.store(false, Ordering::Relaxed);
    });

    // Three failures block a name; attempts that were already being checked come on top.
    let counted = counted.into_inner();
    assert!((20..=20 * 3 + ATTACKERS).contains(&counted), "{counted} passwords were checked");
    assert!(answered_meanwhile.into_inner() > 0, "nobody else was answered");
    server.sign_in_from("bystander", Ipv4Addr::new(127, 0, 9, 8)).unwrap();
    server.sign_in_from("target0", home).unwrap();
    let log = server.stop().unwrap().log;
    assert!(log.contains("a sign-in failed"), "{log}");
    assert!(!log.contains("marker-of-attempt"), "a password is in the log");
}

#[test]
fn attack_33_an_address_is_blocked_for_everything_and_its_sessions_go_on() {
    let server = instance().account(Account::user("ada")).start().unwrap();
    let attacker = Ipv4Addr::new(127, 0, 0, 7);
    let before = server.sign_in_from("ada", attacker).unwrap();
    for _ in 0..3 {
        assert!(is_refusal(
            &server.send(&Request::sign_in("nobody", "wrong").from(attacker)).unwrap()
        ));
    }

    let right = Request::sign_in("ada", "a long password of ada").from(attacker);
    let blocked = server.send(&right.header("Accept", "application/json")).unwrap();
    assert_eq!(blocked.status, 403);
    assert_eq!(blocked.json().unwrap()["error"]["code"], "blocked");
    let seconds: u32 = blocked.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    for path in ["/web/auth/", "/api/", "/static/x", "/no/such/address"] {
        assert_error(&server.send(&Request::get(path).from(attacker)).unwrap(), 403);
    }
    assert_eq!(server.send(&Request::get("/health/live").from(attacker)).unwrap().status, 200);
    let page = Request::get("/web/").from(attacker).cookie(&before);
    assert_eq!(server.send(&page).unwrap().status, 200, "an open session is not locked out");
    server.sign_in_from("ada", Ipv4Addr::LOCALHOST).unwrap();
}

#[test]
fn attack_33_a_block_survives_a_restart() {
    let server = instance().account(Account::user("ada")).start().unwrap();
    for _ in 0..3 {
        server.send(&Request::sign_in("nobody", "wrong")).unwrap();
    }
    let server = server.stop().unwrap().instance.serve().unwrap();

    assert_error(&server.send(&Request::get("/web/auth/")).unwrap(), 403);
}

#[test]
fn attack_33_basic_and_api_keys_count_like_the_page() {
    for header in [("Authorization", "Basic YWRhOndyb25n"), ("Api-Key", "wrong")] {
        let server = instance().account(Account::user("ada")).start().unwrap();
        let ask = || server.send(&Request::get("/web/").header(header.0, header.1)).unwrap();
        for _ in 0..3 {
            assert_eq!(ask().status, 302);
        }
        assert_error(&ask(), 403);
    }
}

fn without_blocks() -> InstanceBuilder {
    instance().setting("blacklist_time", 0).account(Account::user("ada"))
}

/// Headers that differ from answer to answer.
fn stable_headers(answer: &Answer) -> Vec<(String, String)> {
    let changing = ["date", "x-request-id", "set-cookie"];
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !changing.contains(&name.to_lowercase().as_str()));
    headers
}

/// Processor time of the server since it had used `before`.
fn spent_since(server: &Server, before: Duration) -> Duration {
    server.processor_time().unwrap().checked_sub(before).unwrap()
}

/// A hash costs the server milliseconds of processor time and everything else microseconds; the
/// kernel counts them for this process alone, so the comparison does not depend on the machine.
#[test]
fn attack_34_an_unknown_user_and_a_wrong_password_look_and_cost_the_same() {
    let server = without_blocks()
        .account(Account::user("elsewhere").address("192.0.2.*"))
        .account(Account::user("disabled"))
        .start()
        .unwrap();
    server.instance().run(["user", "disable", "disabled"]).unwrap().success().unwrap();
    let kinds = [
        Request::sign_in("ada", "wrong password"),
        Request::sign_in("nobody", "wrong password"),
        Request::sign_in("elsewhere", "wrong password"),
        Request::sign_in("disabled", "wrong password"),
    ];
    let mut costs = [Duration::ZERO; 4];
    let known = server.send(&kinds[0]).unwrap();

    for _ in 0..15 {
        for (kind, cost) in kinds.iter().zip(&mut costs) {
            let before = server.processor_time().unwrap();
            let answer = server.send(kind).unwrap();
            *cost += spent_since(&server, before);
            assert!(is_refusal(&answer), "{answer:?}");
            assert_eq!(stable_headers(&answer), stable_headers(&known));
            let length = |answer: &Answer| answer.header("Set-Cookie").unwrap().len();
            assert_eq!(length(&answer), length(&known));
        }
    }
    let wrong = costs[0].as_secs_f64();
    for cost in costs {
        let ratio = cost.as_secs_f64() / wrong;
        assert!((0.5..=2.0).contains(&ratio), "{costs:?}");
    }
    for (name, password) in
        [("elsewhere", "a long password of elsewhere"), ("disabled", "a long password of disabled")]
    {
        let answer = server.send(&Request::sign_in(name, password)).unwrap();
        assert!(is_refusal(&answer), "{name} with the right password");
        assert_eq!(stable_headers(&answer), stable_headers(&known));
    }
}

#[test]
fn attack_35_huge_passwords_are_refused_before_hashing_with_flat_memory() {
    const ALLOWANCE: u64 = 64 * 1024 * 1024;
    let server = without_blocks().start().unwrap();
    assert!(is_refusal(&server.send(&Request::sign_in("ada", "wrong password")).unwrap()));
    let before = server.peak_memory_bytes().unwrap();
    let cost_before = server.processor_time().unwrap();
    let huge = Request::sign_in("ada", &"x".repeat(1_000_000)).bytes(&server.host());
    let attack = || {
        let mut connection = Connection::open(server.address(), None).unwrap();
        match connection.exchange(&huge, "POST").unwrap() {
            Outcome::Answered(answer) => assert_error(&answer, 413),
            // The server may close before it has read everything, and the rest is then lost.
            Outcome::Closed(_) => {}
            Outcome::Silent => panic!("no answer"),
        }
    };

    thread::scope(|scope| (0..200).for_each(|_| drop(scope.spawn(attack))));

    let grown = server.peak_memory_bytes().unwrap() - before;
    assert!(grown < ALLOWANCE, "{} MiB more", grown >> 20);
    let one_hash = {
        let before = server.processor_time().unwrap();
        for _ in 0..10 {
            server.send(&Request::sign_in("ada", "wrong password")).unwrap();
        }
        spent_since(&server, before) / 10
    };
    let spent = spent_since(&server, cost_before);
    assert!(spent < one_hash * 100, "200 huge passwords cost {spent:?}, one hash {one_hash:?}");
}

#[test]
fn attack_35_a_password_above_the_limit_proves_nothing_and_is_not_hashed() {
    let server = without_blocks().start().unwrap();
    let cost = |password: &str| {
        let before = server.processor_time().unwrap();
        for _ in 0..20 {
            let answer = server.send(&Request::sign_in("ada", password)).unwrap();
            assert!(is_refusal(&answer), "{answer:?}");
        }
        spent_since(&server, before)
    };

    let short = cost("wrong password");
    let long = cost(&"x".repeat(10_000));
    assert!(long < short / 2, "too long: {long:?}, short: {short:?}");
}

#[test]
fn attack_35_many_at_once_wait_in_a_short_line() {
    const ALLOWANCE: u64 = 64 * 1024 * 1024;
    let server = without_blocks().start().unwrap();
    assert!(is_refusal(&server.send(&Request::sign_in("ada", "wrong password")).unwrap()));
    let before = server.peak_memory_bytes().unwrap();
    let attack = || {
        let answer = server.send(&Request::sign_in("ada", &"x".repeat(1024))).unwrap();
        assert!(is_refusal(&answer) || answer.status == 429, "{answer:?}");
    };

    thread::scope(|scope| (0..200).for_each(|_| drop(scope.spawn(attack))));

    let grown = server.peak_memory_bytes().unwrap() - before;
    assert!(grown < ALLOWANCE, "{} MiB more", grown >> 20);
}

#[test]
fn attack_37_the_cookie_has_every_protection() {
    let server =
        instance().setting("session_max_time", 1234).account(Account::user("ada")).start().unwrap();
    let right = Request::sign_in("ada", "a long password of ada");
    let wrong = Request::sign_in("ada", "wrong");

    for (request, user) in [(&right, "2"), (&wrong, "0")] {
        let answer = server.send(request).unwrap();
        let cookie = answer.header("Set-Cookie").unwrap();
        let secret = secret_of(cookie);
        assert_eq!(
            cookie,
            format!(
                "SessionID={user}:{secret}; Path=/; SameSite=Strict; Max-Age=1234; Secure; HttpOnly"
            )
        );
        assert!(secret.len() == 128 && secret.bytes().all(|b| b"0123456789abcdef".contains(&b)));
        assert_eq!((answer.status, answer.body.len()), (302, 0));
        assert_eq!(answer.header("Location"), None);
        assert_eq!(answer.header("Clear-Site-Data"), Some("\"cache\""));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert_eq!(answer.headers_named("Set-Cookie").count(), 1);
    }
}

#[test]
fn attack_37_the_session_is_found_nowhere_but_in_the_cookie() {
    let server = instance()
        .environment_probe("environment.sh")
        .script("live.sh", "#!/bin/sh\necho $$\n", &json!({"print_real_time": true}))
        .account(Account::administrator("Admin"))
        .start()
        .unwrap();
    let cookie = server.sign_in("Admin").unwrap();
    let secret = secret_of(&cookie).to_owned();
    let html = |path: &str| Request::get(path).header("Accept", "text/html").cookie(&cookie);

    for path in [
        "/web/",
        "/web/scripts/environment.sh",
        "/web/auth/",
        "/web/about/",
        "/web/scripts/none",
        "/",
        "/api/",
        "/api/session/",
        "/api/session/list",
        "/api/session/csrf",
        "/no/such/address",
    ] {
        let answer = server.send(&html(path)).unwrap();
        assert!(!format!("{answer:?} {}", answer.text()).contains(&secret), "{path}");
    }
    let text = format!("{:?}", variables(&run(&server, &cookie, "environment.sh", &json!({}))));
    assert!(!text.contains(&secret), "{text}");
    server.send(&Request::get(&format!("/web/?SessionID={secret}"))).unwrap();
    for (name, bytes) in saved_files(&server) {
        assert!(!contains(&bytes, secret.as_bytes()), "the session is in {name}");
    }
    let log = server.stop().unwrap().log;
    assert!(!log.contains(&secret), "{log}");
}

/// Every file of the data directory, the journal of the database among them.
pub fn saved_files(server: &Server) -> Vec<(String, Vec<u8>)> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        Some((path.display().to_string(), std::fs::read(&path).ok()?))
    };
    std::fs::read_dir(server.directory().join("data")).unwrap().filter_map(read).collect()
}

pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn attack_37_a_session_ends_by_the_clock_however_much_it_is_used() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .setting("session_max_time", 1)
        .account(Account::user("ada"))
        .start()
        .unwrap();
    let cookie = server.sign_in("ada").unwrap();
    let is_open = || server.send(&Request::get("/web/").cookie(&cookie)).unwrap().status == 200;
    let began = std::time::Instant::now();

    while is_open() {
        assert!(began.elapsed() < Duration::from_secs(30), "the session does not end");
    }
    let answer = server.send(&Request::get("/web/").api_token(&cookie)).unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(run(&server, &cookie, "probe.sh", &json!({})).status, 302);
}

#[test]
fn attack_37_a_session_is_bound_to_its_address_and_to_its_user() {
    let server = instance()
        .probe("probe.sh", &json!({}))
        .account(Account::user("ada"))
        .account(Account::user("bob"))
        .start()
        .unwrap();
    let cookie = server.sign_in("ada").unwrap();
    let secret = secret_of(&cookie);
    let ask =
        |value: &str| server.send(&Request::get("/web/").header("Cookie", value)).unwrap().status;

    assert_eq!(ask(&format!("SessionID=2:{secret}")), 200);
    for claim in [
        format!("SessionID=3:{secret}"),
        format!("SessionID=02:{}", &secret[1..]),
        format!("SessionID=2:{}", secret.to_uppercase()),
        format!("SessionID=2:{secret}0"),
        format!("SessionID=2:{}", "0".repeat(128)),
        format!("SessionID=-2:{secret}"),
        format!("sessionid=2:{secret}"),
        format!("Xsession=1;SessionID=2:{secret}"),
        "SessionID=2:".to_owned(),
        "SessionID=".to_owned(),
    ] {
        assert_eq!(ask(&claim), 302, "{claim}");
    }
    let elsewhere = Request::get("/web/").cookie(&cookie).from(Ipv4Addr::new(127, 0, 0, 5));
    assert_eq!(server.send(&elsewhere).unwrap().status, 302);
    let token = csrf_token(&server, &cookie);
    let body = crate::stage::body_with_token(&json!({}), &json!(token));
    let request = Request::post("/api/scripts/probe.sh").cookie(&cookie).same_origin().json(&body);
    assert_eq!(seen(&server.send(&request).unwrap()).argv, [b""; 0]);
}
