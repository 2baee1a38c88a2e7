//! `webscripts user` and `webscripts group`, also while the server runs.

use std::fs;

use serde_json::{Value, json};
use webscripts_testkit::{Account, Answer, Instance, Request, Server};

use crate::program::{assert_ended, describe, value_of};

fn run(instance: &Instance, line: &str) -> webscripts_testkit::Finished {
    instance.run(line.split(' ')).unwrap()
}

/// What the table of accounts says, without times.
fn listed(instance: &Instance) -> Vec<Value> {
    let printed = run(instance, "user list --json").success().unwrap();
    let Value::Array(mut users) = serde_json::from_str(&printed.stdout).unwrap() else {
        panic!("no list: {}", printed.stdout)
    };
    for user in &mut users {
        let user = user.as_object_mut().unwrap();
        assert!(user.remove("created").unwrap().is_string());
        user.remove("last_sign_in").unwrap();
    }
    users
}

fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    server.send(&Request::sign_in(name, password)).unwrap()
}

#[track_caller]
fn assert_signed_in(answer: &Answer, id: u32) {
    let cookie = answer.header("Set-Cookie").unwrap_or_default();
    let is_theirs = cookie.starts_with(&format!("SessionID={id}:"));
    assert!(answer.status == 302 && is_theirs, "{answer:?}");
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    let cookie = answer.header("Set-Cookie").unwrap_or_default();
    assert!(cookie.is_empty() || cookie.starts_with("SessionID=0:"), "{answer:?}");
}

/// 200 with a session, a redirection to the sign-in page without.
fn session(server: &Server, token: &str) -> u16 {
    server.send(&Request::get("/api/session").api_token(token)).unwrap().status
}

#[test]
fn a_new_account_gets_a_password_that_is_printed_once_and_signs_in() {
    let instance = describe().create().unwrap();

    let added = run(&instance, "user add alice").success().unwrap();

    let password = value_of(&added.stdout, "Password");
    assert_eq!(added.stdout, format!("User `alice` has the number 2\nPassword: {password}\n"));
    assert_eq!(added.stderr, "");
    let server = instance.serve().unwrap();
    assert_signed_in(&sign_in(&server, "alice", password), 2);
}

#[test]
fn an_api_key_is_printed_once_and_is_stored_as_a_digest_only() {
    let instance = describe().create().unwrap();

    let added = run(&instance, "user add robot --api-key").success().unwrap();

    let key = value_of(&added.stdout, "API key");
    assert_eq!(key.len(), 168);
    let server = instance.serve().unwrap();
    let answer = server.send(&Request::get("/api/").header("Api-Key", key)).unwrap();
    assert_eq!(answer.status, 200);
    let stopped = server.stop().unwrap();
    let data = stopped.instance.directory().join("data");
    let paths = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.is_file()) {
        let content = fs::read(path).unwrap();
        assert!(!content.windows(key.len()).any(|bytes| bytes == key.as_bytes()));
    }
}

#[test]
fn groups_and_patterns_of_an_account_are_those_that_were_asked_for() {
    let instance = describe().create().unwrap();

    run(&instance, "user add plain").success().unwrap();
    run(
        &instance,
        "user add ada --group 500 --group 1000 --category Ops* --script a.py --script b.py \
         --ip 127.0.0.* --ip ::1",
    )
    .success()
    .unwrap();

    assert_eq!(
        listed(&instance),
        [
            json!({"id": 2, "name": "plain", "disabled": false, "groups": [50],
                   "categories": ["*"], "scripts": ["*"], "addresses": ["*"]}),
            json!({"id": 3, "name": "ada", "disabled": false, "groups": [500, 1000],
                   "categories": ["Ops*"], "scripts": ["a.py", "b.py"],
                   "addresses": ["127.0.0.*", "::1"]}),
        ]
    );
}

#[test]
fn the_list_is_a_table_without_secrets() {
    let described = describe()
        .account(Account::administrator("Admin"))
        .account(Account::user("bob").category("Ops*").script("x.py").with_api_key());
    let instance = described.create().unwrap();
    run(&instance, "user disable bob").success().unwrap();

    let printed = run(&instance, "user list").success().unwrap();

    insta::assert_snapshot!(printed.stdout, @r"
    ID  NAME   STATE     GROUPS   CATEGORIES  SCRIPTS  ADDRESSES  LAST SIGN-IN
    2   Admin  enabled   50,1000  *           *        *          never
    3   bob    disabled  50       Ops*        x.py     *          never
    ");
}

#[test]
fn an_account_that_cannot_be_made_is_refused_with_the_reason() {
    let instance = describe().account(Account::user("alice")).create().unwrap();
    let short = instance.root().join("short");
    fs::write(&short, "short\n").unwrap();
    let short = short.to_str().unwrap();

    for (arguments, why) in [
        (vec!["user", "add", "alice"], "`alice` exists already"),
        (
            vec!["user", "add", " bob"],
            "a user name has 1 to 255 characters, none of them a control character or at an end a \
             blank",
        ),
        (
            vec!["user", "add", "bob", "--password-file", short],
            "a password has at least 10 characters",
        ),
    ] {
        let refused = instance.run(&arguments).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert_eq!(refused.stdout, "", "{arguments:?}");
        assert!(refused.stderr.ends_with(&format!("webscripts: {why}\n")), "{}", refused.stderr);
    }
    assert_eq!(listed(&instance).len(), 1);
}

#[test]
fn an_account_that_does_not_exist_cannot_be_changed() {
    let instance = describe().create().unwrap();

    for line in
        ["user disable bob", "user enable bob", "user delete bob", "user passwd bob --generate"]
    {
        assert_ended(&run(&instance, line), 1, "", "webscripts: `bob` does not exist\n");
    }
}

#[test]
fn the_last_administrator_stays() {
    let instance = describe().account(Account::administrator("Admin")).create().unwrap();

    for line in ["user disable Admin", "user delete Admin"] {
        assert_ended(
            &run(&instance, line),
            1,
            "",
            "webscripts: `Admin` is the last enabled administrator; make another one first\n",
        );
    }
}

#[test]
fn a_password_is_asked_for_on_a_terminal_only() {
    let instance = describe().account(Account::user("alice")).create().unwrap();

    assert_ended(
        &run(&instance, "user passwd alice"),
        1,
        "",
        "webscripts: a password is asked for on a terminal only: use `--password-file FILE` (`-` is \
         standard input) or `--generate`\n",
    );
}

#[test]
fn a_session_ends_at_the_next_request_when_its_account_is_disabled() {
    let server =
        describe().account(Account::user("alice")).account(Account::user("bob")).start().unwrap();
    let (alice, bob) = (server.sign_in("alice").unwrap(), server.sign_in("bob").unwrap());
    assert_eq!((session(&server, &alice), session(&server, &bob)), (200, 200));

    let disabled = run(server.instance(), "user disable alice");

    assert_ended(&disabled, 0, "User `alice` is disabled; its sessions have ended\n", "");
    assert_eq!((session(&server, &alice), session(&server, &bob)), (302, 200));
    assert_refused(&sign_in(&server, "alice", "a long password of alice"));
    let enabled = run(server.instance(), "user enable alice");
    assert_ended(&enabled, 0, "User `alice` is enabled\n", "");
    assert_signed_in(&sign_in(&server, "alice", "a long password of alice"), 2);
    assert_eq!(session(&server, &alice), 302, "an ended session stays ended");
}

#[test]
fn a_changed_password_ends_sessions_and_replaces_the_old_one() {
    let server = describe().account(Account::user("alice")).start().unwrap();
    let token = server.sign_in("alice").unwrap();
    assert_eq!(session(&server, &token), 200);

    let changed = run(server.instance(), "user passwd alice --generate").success().unwrap();

    let password = value_of(&changed.stdout, "Password");
    assert_eq!(session(&server, &token), 302);
    assert_refused(&sign_in(&server, "alice", "a long password of alice"));
    assert_signed_in(&sign_in(&server, "alice", password), 2);
}

#[test]
fn a_deleted_account_is_gone_with_its_sessions_and_its_number() {
    let server = describe().account(Account::user("alice")).start().unwrap();
    let token = server.sign_in("alice").unwrap();
    assert_eq!(session(&server, &token), 200);

    let deleted = run(server.instance(), "user delete alice");
    let again = run(server.instance(), "user add alice").success().unwrap();

    assert_ended(&deleted, 0, "User `alice` was deleted\n", "");
    assert_eq!(session(&server, &token), 302);
    assert!(again.stdout.starts_with("User `alice` has the number 3\n"), "{}", again.stdout);
}

#[test]
fn groups_are_listed_added_and_taken_from_accounts() {
    let instance = describe().account(Account::in_groups("alice", &[50, 600])).create().unwrap();

    let added = run(&instance, "group add 600 Night");
    let taken = run(&instance, "group add 600 Day");
    let listed_groups = run(&instance, "group list").success().unwrap();
    let deleted = run(&instance, "group delete 600");
    let again = run(&instance, "group delete 600");

    assert_ended(&added, 0, "Group `Night` has the number 600\n", "");
    assert_ended(&taken, 1, "", "webscripts: `Day` exists already\n");
    insta::assert_snapshot!(listed_groups.stdout, @r"
    ID    NAME
    50    User
    500   Developers
    600   Night
    750   Maintainers
    1000  Administrators
    ");
    assert_ended(&deleted, 0, "Group 600 was deleted and taken from all accounts\n", "");
    assert_ended(&again, 1, "", "webscripts: `group 600` does not exist\n");
    assert_eq!(listed(&instance)[0]["groups"], json!([50]));
}
