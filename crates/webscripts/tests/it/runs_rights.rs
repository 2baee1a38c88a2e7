//! Who sees, follows and stops runs: their own users, administrators, and whom a script names.

use std::time::{Duration, Instant};

use serde_json::json;
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::Runs;
use crate::runs_watch::{Watcher, texts};
use crate::stage::{code_of, instance};

const WAITS: &str = "#!/bin/sh\necho ready\nread -r line\necho done\n";

/// How long a stream may outlive the right to it, with room for a busy machine.
const MOST: Duration = Duration::from_secs(30);
/// Number of the first account of an instance; those before are not signed in.
const FIRST_USER: i64 = 2;

fn server() -> Server {
    let shown = json!({"interactive": true, "view_groups": [600], "stop_groups": [700]});
    instance()
        .script("own.sh", WAITS, &json!({"interactive": true}))
        .script("shown.sh", WAITS, &shown)
        .group(600, "Viewers")
        .group(700, "Stoppers")
        .account(Account::administrator("Admin"))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .account(Account::in_groups("viewer", &[50, 600]))
        .account(Account::in_groups("stopper", &[50, 600, 700]))
        .start()
        .unwrap()
}

fn status(who: &Runs<'_>, run: &str) -> u16 {
    who.get(&format!("/api/runs/{run}")).status
}

#[test]
fn a_script_names_who_sees_and_who_stops_its_runs() {
    let server = server();
    let of = |name: &str| Runs::of(&server, name);
    let (ada, eve, viewer, stopper, admin) =
        (of("ada"), of("eve"), of("viewer"), of("stopper"), of("Admin"));
    let own = ada.start("own.sh", &json!({}));
    let shown = ada.start("shown.sh", &json!({}));

    for (who, of_own, of_shown) in
        [(&ada, 200, 200), (&eve, 404, 404), (&viewer, 404, 200), (&admin, 200, 200)]
    {
        assert_eq!((status(who, &own), status(who, &shown)), (of_own, of_shown));
    }
    let can = |who: &Runs<'_>| who.record(&shown)["can"].clone();
    assert_eq!(can(&ada), json!({"stop": true, "delete": false, "again": true, "input": true}));
    assert_eq!(
        can(&viewer),
        json!({"stop": false, "delete": false, "again": true, "input": false})
    );
    assert_eq!(can(&stopper)["stop"], true);
    assert_eq!(can(&admin)["stop"], true);
    let refused = |action: &str, body| {
        let path = format!("/api/runs/{shown}/{action}");
        let request = Request::post(&path).api_token(&viewer.token).same_origin();
        let answer =
            server.send(&request.header("Accept", "application/json").json(&body)).unwrap();
        (answer.status, code_of(&answer))
    };
    let denied = (403, "run-denied".to_owned());
    assert_eq!(refused("stop", json!({})), denied);
    assert_eq!(refused("kill", json!({})), denied);
    assert_eq!(refused("input", json!({"text": "x\n"})), denied);
    assert_eq!(refused("delete", json!({})), denied);
    let listed = viewer.get("/api/runs/").json().unwrap()["runs"].as_array().unwrap().len();
    assert_eq!(listed, 1, "the list follows the same rule");

    let stop = stopper.post(&format!("/api/runs/{shown}/stop"), &json!({}));
    assert_eq!(stop.status, 200, "{}", stop.text());
    let end = ada.end(&shown);
    assert_eq!((&end["state"], &end["reason"]), (&json!("stopped"), &json!("stopped by stopper")));
    assert_eq!(admin.post(&format!("/api/runs/{own}/kill"), &json!({})).status, 200);
    assert_eq!(ada.end(&own)["reason"], "stopped by Admin");
}

#[test]
fn the_page_of_a_script_is_linked_only_for_those_who_may_open_it() {
    let keys = json!({"access_groups": [800], "view_groups": [600]});
    let server = instance()
        .script("hidden.sh", "#!/bin/sh\n", &keys)
        .group(600, "Viewers")
        .group(800, "Runners")
        .account(Account::in_groups("runner", &[50, 800]))
        .account(Account::in_groups("viewer", &[50, 600]))
        .start()
        .unwrap();
    let (runner, viewer) = (Runs::of(&server, "runner"), Runs::of(&server, "viewer"));
    let run = runner.start("hidden.sh", &json!({}));
    runner.end(&run);
    let seen_by = |who: &Runs<'_>| {
        let page = who.get(&format!("/web/runs/{run}"));
        assert_eq!(page.status, 200, "{}", page.text());
        let is_linked = page.text().contains("web/scripts/hidden");
        let opens = who.get("/web/scripts/hidden.sh").status;
        (is_linked, opens, who.record(&run)["script_known"].clone())
    };

    assert_eq!(seen_by(&runner), (true, 200, json!(true)));
    assert_eq!(seen_by(&viewer), (false, 403, json!(false)));
}

#[test]
fn a_stream_ends_when_the_session_does() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let other = Runs::of(&server, "ada");
    let run = ada.start("own.sh", &json!({}));
    let mut watcher = Watcher::open(&server, &other.token, &format!("/api/runs/{run}/events"));
    watcher.until(|event| event.name == "output");

    let sign_out = Request::post("/web/auth/logout").api_token(&other.token).same_origin();
    assert_eq!(server.send(&sign_out).unwrap().status, 200);
    let since = Instant::now();
    assert_eq!(watcher.rest(), []);

    assert!(since.elapsed() < MOST, "{:?}", since.elapsed());
    assert_eq!(ada.record(&run)["state"], "running");
    ada.post(&format!("/api/runs/{run}/kill"), &json!({}));
    ada.end(&run);
}

#[test]
fn a_stream_ends_when_the_account_is_disabled() {
    let server = server();
    let (ada, viewer) = (Runs::of(&server, "ada"), Runs::of(&server, "viewer"));
    let run = ada.start("shown.sh", &json!({}));
    let mut watcher = Watcher::open(&server, &viewer.token, &format!("/api/runs/{run}/events"));
    watcher.until(|event| event.name == "output");

    server.instance().run(["user", "disable", "viewer"]).unwrap().success().unwrap();
    let since = Instant::now();
    assert_eq!(watcher.rest(), []);

    assert!(since.elapsed() < MOST, "{:?}", since.elapsed());
    ada.post(&format!("/api/runs/{run}/kill"), &json!({}));
    ada.end(&run);
}

#[test]
fn a_stream_ends_when_a_group_is_taken_away() {
    let server = server();
    let (ada, viewer) = (Runs::of(&server, "ada"), Runs::of(&server, "viewer"));
    let run = ada.start("shown.sh", &json!({}));
    let events = format!("/api/runs/{run}/events");
    let mut own = Watcher::open(&server, &ada.token, &events);
    let mut watcher = Watcher::open(&server, &viewer.token, &events);
    watcher.until(|event| event.name == "output");

    server.instance().run(["group", "delete", "600"]).unwrap().success().unwrap();
    let since = Instant::now();
    let path = format!("/web/runs/{run}");
    assert_eq!(viewer.get(&path).status, 404, "the next request");
    for part in ["", "/events", "/poll", "/output", "/files/", "/screen", "/document"] {
        let answer = viewer.get(&format!("/api/runs/{run}{part}"));
        assert_eq!(answer.status, 404, "{part}: {}", answer.text());
    }
    assert_eq!(viewer.get("/api/runs/").json().unwrap()["runs"], json!([]));
    assert_eq!(watcher.rest(), []);

    assert!(since.elapsed() < MOST, "{:?}", since.elapsed());
    assert_eq!(viewer.get("/api/session/csrf").status, 200, "the session stays");
    ada.post(&format!("/api/runs/{run}/input"), &json!({"text": "x\n"}));
    let rest = texts(&own.rest());
    assert_eq!(rest.last().unwrap().1, "done\n", "others watch on");
}

#[test]
fn whom_a_script_names_follows_its_runs() {
    let keys = |user: i64| {
        json!({"interactive": true, "view_groups": [600], "stop_groups": [700],
            "view_users": [user]})
    };
    let server = instance()
        .script("shown.sh", WAITS, &keys(FIRST_USER))
        .script("quick.sh", "#!/bin/sh\n", &json!({}))
        .group(600, "Viewers")
        .group(700, "Stoppers")
        .account(Account::user("named"))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .account(Account::in_groups("viewer", &[50, 600]))
        .account(Account::in_groups("stopper", &[50, 700]))
        .start()
        .unwrap();
    let ada = Runs::of(&server, "ada");
    let named = Runs::of(&server, "named");
    let own = named.start("quick.sh", &json!({}));
    assert_eq!(named.end(&own)["user"]["id"], FIRST_USER);
    let run = ada.start("shown.sh", &json!({}));
    ada.until_printed(&run, "ready\n");
    let path = format!("/api/runs/{run}/events");
    let open = |name: &str| {
        let who = Runs::of(&server, name);
        Watcher::open(&server, &who.token, &path)
    };

    assert_eq!(open("eve").status, 404);
    let watching = ["ada", "named", "viewer", "stopper"];
    let mut watchers = watching.map(open);
    for watcher in &mut watchers {
        assert_eq!(watcher.status, 200);
        watcher.until(|event| event.name == "output");
    }
    ada.post(&format!("/api/runs/{run}/input"), &json!({"text": "x\n"}));
    let rests = watchers.map(|mut watcher| watcher.rest());

    for (name, rest) in watching.iter().zip(&rests) {
        let printed: String = texts(rest).into_iter().map(|(_, text)| text).collect();
        assert_eq!(printed, "done\n", "{name}");
        let end = rest.last().unwrap();
        assert_eq!((end.name.as_str(), &end.data["state"]), ("end", &json!("succeeded")));
    }
}

#[test]
fn visitors_of_different_addresses_do_not_see_each_other() {
    let server = instance()
        .script("quick.sh", "#!/bin/sh\necho quick\n", &json!({}))
        .setting("accept_unauthenticated_user", true)
        .start()
        .unwrap();
    let start = Request::post("/api/runs/").same_origin();
    let body = json!({"script": "quick.sh", "answer": "result"});
    let run = server.send(&start.json(&body)).unwrap().json().unwrap()["run"].clone();
    let get = Request::get(&format!("/api/runs/{}", run["id"].as_str().unwrap()));

    assert_eq!(server.send(&get).unwrap().status, 200);
    assert_eq!(server.send(&get.clone().from([127, 0, 0, 4].into())).unwrap().status, 404);
    let list = Request::get("/api/runs/").from([127, 0, 0, 4].into());
    assert_eq!(server.send(&list).unwrap().json().unwrap()["runs"], json!([]));
}
