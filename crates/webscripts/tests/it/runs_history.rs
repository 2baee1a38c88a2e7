//! The list of runs: filters, pages, and the pages of the interface.

use serde_json::{Value, json};
use webscripts_testkit::{Account, Request, Server};

use crate::runs_stage::Runs;
use crate::stage::instance;

fn server() -> Server {
    instance()
        .script("good.sh", "#!/bin/sh\necho \"$1\"\n", &json!({"args": {"word": {}}}))
        .script("bad.sh", "#!/bin/sh\nexit 2\n", &json!({"label": "Bad one"}))
        .account(Account::administrator("Admin"))
        .account(Account::user("ada"))
        .account(Account::user("eve"))
        .start()
        .unwrap()
}

fn run(who: &Runs<'_>, script: &str, arguments: &Value) -> String {
    let answer = who.try_start(script, arguments, "result").json().unwrap();
    answer["run"]["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn list(who: &Runs<'_>, query: &str) -> Vec<String> {
    let answer = who.get(&format!("/api/runs/?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let runs = answer.json().unwrap()["runs"].as_array().unwrap().clone();
    runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn filters_find_what_they_name() {
    let server = server();
    let (ada, eve, admin) =
        (Runs::of(&server, "ada"), Runs::of(&server, "eve"), Runs::of(&server, "Admin"));
    let first = run(&ada, "good.sh", &json!({"word": "needle in hay"}));
    let second = run(&ada, "bad.sh", &json!({}));
    let third = run(&eve, "good.sh", &json!({"word": "other"}));
    let own = run(&admin, "good.sh", &json!({"word": "mine"}));
    let ids = |runs: &[&String]| runs.iter().map(|id| (*id).clone()).collect::<Vec<_>>();

    assert_eq!(list(&ada, ""), ids(&[&second, &first]));
    assert_eq!(list(&admin, ""), ids(&[&own, &third, &second, &first]));
    assert_eq!(list(&admin, "mine=true"), ids(&[&own]));
    assert_eq!(list(&admin, "user=ada"), ids(&[&second, &first]));
    assert_eq!(list(&admin, "script=good.sh"), ids(&[&own, &third, &first]));
    assert_eq!(list(&admin, "state=failed"), ids(&[&second]));
    assert_eq!(list(&admin, "state=failed,succeeded&user=eve"), ids(&[&third]));
    assert_eq!(list(&admin, "q=NEEDLE"), ids(&[&first]));
    assert_eq!(list(&admin, "state=running"), ids(&[]));
    let created = ada.record(&second)["created"].as_str().unwrap().to_owned();
    assert!(list(&ada, &format!("from={created}")).contains(&second));
    assert!(!list(&ada, &format!("to={created}")).contains(&second));
    assert_eq!(list(&eve, "user=ada"), ids(&[]), "nobody lists what is not theirs");
    for wrong in ["state=asleep", "from=yesterday", "limit=x", "cursor=1", "usr=ada", "mine=2"] {
        assert_eq!(ada.get(&format!("/api/runs/?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let server = server();
    let ada = Runs::of(&server, "ada");
    let mut runs: Vec<_> = (0..7).map(|_| run(&ada, "bad.sh", &json!({}))).collect();
    runs.reverse();

    let mut found = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let page = ada.get(&format!("/api/runs/?limit=3{cursor}")).json().unwrap();
        let ids = page["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap());
        found.extend(ids.map(str::to_owned));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What is new belongs to no later page.
        run(&ada, "bad.sh", &json!({}));
    }

    assert_eq!(found, runs);
    assert!(pages >= 3);
}

#[test]
fn the_pages_show_the_same_runs() {
    let server = server();
    let (ada, eve) = (Runs::of(&server, "ada"), Runs::of(&server, "eve"));
    let shown = run(&ada, "good.sh", &json!({"word": "<b>x</b>"}));
    let page = |who: &Runs<'_>, path: &str| {
        let request = Request::get(path).api_token(&who.token).header("Accept", "text/html");
        server.send(&request).unwrap()
    };

    let history = page(&ada, "/web/runs/");
    assert_eq!(history.status, 200);
    assert!(history.text().contains(&shown) && !history.text().contains("<b>x"));
    assert!(!page(&ada, "/web/runs/?state=failed").text().contains(&shown));
    assert!(!page(&eve, "/web/runs/").text().contains(&shown));
    assert_eq!(page(&ada, "/web/runs/?state=asleep").status, 400);
    let one = page(&ada, &format!("/web/runs/{shown}"));
    assert!(one.status == 200 && one.text().contains("good.sh") && !one.text().contains("<b>x"));
    assert_eq!(page(&eve, &format!("/web/runs/{shown}")).status, 404);
    assert!(page(&ada, "/web/").text().contains("href=\"../web/runs/\""));
}
