//! A server that is killed loses nothing that it has acknowledged.
//!
//! In every round three things go on at the same time: sign-ins over HTTP, new accounts and new
//! passwords by commands. After a few acknowledged sign-ins the server is killed, with whatever it
//! was doing; the commands are killed as well. The next server has to know every session whose
//! cookie arrived, every account whose command ended well, and the last password that was set.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use webscripts_testkit::{Account, Connection, Instance, Outcome, Request, Server, python};

use crate::program::{PROGRAM, describe};

/// Kills.
const ROUNDS: usize = 50;
/// Threads that sign in.
const CLIENTS: usize = 2;

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    sessions: Vec<String>,
    accounts: BTreeSet<String>,
    /// The last password that was set, and one whose command was killed: it may hold or not.
    passwords: Passwords,
}

#[derive(Clone, Default)]
struct Passwords {
    sure: String,
    perhaps: Option<String>,
}

/// A command of the program that can be killed from another thread.
#[derive(Default)]
struct Commands {
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    children: Vec<Child>,
    is_over: bool,
}

impl Commands {
    /// Runs a command to its end; false: it was killed, or not even begun.
    fn run(&self, directory: &Path, arguments: &[&OsStr]) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--directory").arg(directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let (mut out, id) = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.is_over {
                return false;
            }
            let mut child = command.spawn().unwrap();
            let out = child.stdout.take().unwrap();
            let id = child.id();
            running.children.push(child);
            (out, id)
        };
        // The end of its output is the end of the program, without holding the lock.
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let at = running.children.iter().position(|child| child.id() == id).unwrap();
        let mut child = running.children.swap_remove(at);
        let status = child.wait().unwrap();
        let was_killed = running.is_over && !status.success();
        assert!(status.success() || was_killed, "{arguments:?}: {status}");
        status.success()
    }

    fn kill(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.is_over = true;
        for child in &mut running.children {
            child.kill().unwrap();
        }
    }
}

/// Something that was acknowledged.
enum Event {
    /// The cookie of a session arrived.
    Session(String),
    /// The command that adds this account ended well.
    Account(String),
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_server_is_killed() {
    let instance = describe()
        .setting("max_sessions_per_user", 10_000)
        .account(Account::user("robot").with_api_key())
        .account(Account::user("alice"))
        .create()
        .unwrap();
    let key = instance.account("robot").unwrap().api_key.clone().unwrap();
    let mut known = Acknowledged::default();
    known.passwords.sure.clone_from(&instance.account("alice").unwrap().password);

    let mut server = instance.serve().unwrap();
    for round in 0..ROUNDS {
        let verified = known.sessions.len();
        server = kill_during_changes(server, round, &key, &mut known).serve().unwrap();
        verify(&server, &mut known, verified);
    }

    verify(&server, &mut known, 0);
    println!(
        "{ROUNDS} rounds: {} sessions and {} accounts were acknowledged; none was lost",
        known.sessions.len(),
        known.accounts.len()
    );
}

/// Lets everything go on at the same time until enough was acknowledged, then kills.
fn kill_during_changes(
    server: Server,
    round: usize,
    key: &str,
    known: &mut Acknowledged,
) -> Instance {
    let address = server.address();
    let directory = server.directory().to_owned();
    let commands = Commands::default();
    let (acknowledge, events) = mpsc::channel();
    let sure = known.passwords.sure.clone();
    let (instance, passwords) = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let acknowledge = acknowledge.clone();
            scope.spawn(move || sign_in_until_killed(address, key, &acknowledge));
        }
        let (commands, directory) = (&commands, &directory);
        scope.spawn(move || add_accounts(commands, directory, round, &acknowledge));
        let changing = scope.spawn(move || change_passwords(commands, directory, round, sure));
        wait_for(&events, round, known);
        let stopped = server.end_with(Signal::KILL).unwrap();
        commands.kill();
        known.extend(events);
        (stopped.instance, changing.join().unwrap())
    });
    known.passwords = passwords;
    instance
}

/// Waits in turn for some sessions, another number in every round, and for an account, so that the
/// kill meets everything in every state.
fn wait_for(events: &Receiver<Event>, round: usize, known: &mut Acknowledged) {
    let (sessions, accounts) = (known.sessions.len(), known.accounts.len());
    let is_enough = |known: &Acknowledged| match round % 2 {
        0 => known.sessions.len() >= sessions + 5 + round * 7 % 23,
        _ => known.accounts.len() > accounts,
    };
    while !is_enough(known) {
        known.extend([events.recv().unwrap()]);
    }
}

impl Acknowledged {
    fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            match event {
                Event::Session(cookie) => self.sessions.push(cookie),
                Event::Account(name) => drop(self.accounts.insert(name)),
            }
        }
    }
}

/// Signs in again and again; every cookie that arrives is reported.
fn sign_in_until_killed(address: SocketAddrV4, key: &str, acknowledge: &Sender<Event>) {
    let request = Request::post("/auth/").run(&serde_json::json!({"--api-key": key}));
    let bytes = request.bytes(&address.to_string());
    while let Ok(mut connection) = Connection::open(address, None) {
        while let Outcome::Answered(answer) = connection.exchange(&bytes, "POST").unwrap() {
            let cookie = answer.header("Set-Cookie").unwrap_or_default();
            assert!(answer.status == 302 && cookie.starts_with("SessionID=2:"), "{answer:?}");
            acknowledge.send(Event::Session(cookie.to_owned())).unwrap();
        }
    }
}

/// Adds accounts until killed; those whose command ended well are reported.
fn add_accounts(commands: &Commands, directory: &Path, round: usize, acknowledge: &Sender<Event>) {
    for number in 0.. {
        let name = format!("user-{round}-{number}");
        if !commands.run(directory, &["user", "add", &name].map(OsStr::new)) {
            return;
        }
        acknowledge.send(Event::Account(name)).unwrap();
    }
}

/// Changes the password of `alice` until killed.
fn change_passwords(
    commands: &Commands,
    directory: &Path,
    round: usize,
    sure: String,
) -> Passwords {
    let file: PathBuf = directory.with_file_name("next-password");
    let mut passwords = Passwords { sure, perhaps: None };
    for number in 0.. {
        let next = format!("password {number} of round {round}");
        fs::write(&file, &next).unwrap();
        let words = ["user", "passwd", "alice", "--password-file"].map(OsStr::new);
        let arguments: Vec<&OsStr> = words.into_iter().chain([file.as_os_str()]).collect();
        if !commands.run(directory, &arguments) {
            passwords.perhaps = Some(next);
            break;
        }
        passwords.sure = next;
    }
    passwords
}

/// Everything that was acknowledged is there, and the database is sound.
fn verify(server: &Server, known: &mut Acknowledged, first_session: usize) {
    let mut connection = Connection::open(server.address(), None).unwrap();
    for token in known.sessions.iter().skip(first_session) {
        let request = Request::get("/api/session").api_token(token);
        let outcome = connection.exchange(&request.bytes(&server.host()), "GET").unwrap();
        let Outcome::Answered(answer) = outcome else { panic!("no answer: {outcome:?}") };
        assert_eq!(answer.status, 200, "a session is lost: {answer:?}\n{}", server.log());
    }
    let listed = server.instance().run(["user", "list", "--json"]).unwrap().success().unwrap();
    let users: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let names: BTreeSet<String> =
        users.iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<&String> = known.accounts.difference(&names).collect();
    assert!(lost.is_empty(), "accounts are lost: {lost:?}");
    known.passwords = password_in_force(server, &known.passwords);
    assert_eq!(integrity(server), "ok\n");
}

/// One of the two possible passwords of `alice` signs in.
fn password_in_force(server: &Server, passwords: &Passwords) -> Passwords {
    let signs_in = |password: &str| {
        let answer = server.send(&Request::sign_in("alice", password)).unwrap();
        answer.header("Set-Cookie").is_some_and(|cookie| cookie.starts_with("SessionID=3:"))
    };
    if let Some(perhaps) = passwords.perhaps.as_ref().filter(|perhaps| signs_in(perhaps)) {
        return Passwords { sure: perhaps.clone(), perhaps: None };
    }
    assert!(signs_in(&passwords.sure), "the password is lost: {}", server.log());
    Passwords { sure: passwords.sure.clone(), perhaps: None }
}

/// What SQLite itself says of the file.
fn integrity(server: &Server) -> String {
    const CHECK: &str = "import sqlite3, sys\n\
        connection = sqlite3.connect(sys.argv[1], timeout=60)\n\
        print(connection.execute('PRAGMA integrity_check').fetchone()[0])\n";
    #[expect(clippy::disallowed_methods, reason = "the judge of the test")]
    let mut command = Command::new(python().unwrap());
    let database = server.directory().join("data/webscripts.sqlite3");
    let output = command.args(["-c", CHECK]).arg(database).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
