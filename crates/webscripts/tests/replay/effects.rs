//! What happened between recorded steps beside the exchanges: files changed, time passed, and the
//! work of tools that come later, which the command line does instead.

use std::time::{Duration, Instant};

use anyhow::Result;
use webscripts_testkit::{Request, Server};

use crate::credentials::password;

/// An effect.
enum Effect {
    Remove(&'static str),
    Write(&'static str, &'static str),
    Wait(Duration),
    ChangePassword(&'static str, &'static str),
    DeleteUser(&'static str),
    /// The runs that have begun have ended meanwhile.
    RunsEnd,
    /// As `RunsEnd`; they wait for this file.
    RunsEndAfter(&'static str),
}

/// Brings about what happened right before the step.
pub fn before(theme: &str, id: &str, server: &Server, first_answer: Instant) -> Result<()> {
    let effect = match (theme, id) {
        ("17-static-and-js", "deleted-file") => Effect::Remove("static/files/f.txt"),
        ("17-static-and-js", "changed-file") => Effect::Write("static/files/f.css", "changed"),
        ("17-static-and-js", "new-file") => Effect::Write("static/files/new.css", "x"),
        ("21-script-behaviour", "removed") => Effect::Remove("scripts/probe/silent.py"),
        ("04-real-time", "plain-line-12") => Effect::RunsEndAfter("go"),
        ("04-real-time", "late-get" | "slow-nowait-1") => Effect::RunsEnd,
        // A session of 2 s; the sign-in was the first step of its part.
        ("02-authentication", "short-expired") => Effect::Wait(Duration::from_millis(2300)),
        _ => return Ok(()),
    };
    effect.happen(server, first_answer)
}

/// Brings about what the step itself did in the recording.
pub fn after(theme: &str, id: &str, server: &Server, first_answer: Instant) -> Result<()> {
    let effect = match (theme, id) {
        ("05-accounts", "bob-pw-ok") => Effect::ChangePassword("bob", "new"),
        ("05-accounts", "reset") => Effect::ChangePassword("bob", "reset"),
        ("05-accounts", "del-user") => Effect::DeleteUser("bob"),
        _ => return Ok(()),
    };
    effect.happen(server, first_answer)
}

/// Whether our side of the connection is closed after sending although the recording left it open:
/// a server that rightly waits for the rest of a body would never answer.
pub fn must_close_sending(theme: &str, id: &str) -> bool {
    (theme, id) == ("03-arguments", "chunked")
}

impl Effect {
    fn happen(&self, server: &Server, first_answer: Instant) -> Result<()> {
        match self {
            Self::Remove(path) => std::fs::remove_file(server.directory().join(path))?,
            Self::Write(path, content) => {
                std::fs::write(server.directory().join(path), content)?;
            }
            Self::Wait(after) => wait_until(first_answer + *after),
            Self::ChangePassword(name, recorded) => {
                server.instance().change_password(name, &password(recorded))?;
            }
            Self::DeleteUser(name) => {
                server.instance().run(["user", "delete", name])?.success()?;
            }
            Self::RunsEnd => wait_for_runs(server)?,
            Self::RunsEndAfter(path) => {
                std::fs::write(server.directory().join(path), "")?;
                wait_for_runs(server)?;
            }
        }
        Ok(())
    }
}

/// Waits until nothing runs or is queued any more.
fn wait_for_runs(server: &Server) -> Result<()> {
    let token = server.sign_in("Admin")?;
    let get = |path: &str| server.send(&Request::get(path).api_token(&token));
    loop {
        let list = get("/api/runs/?state=queued,running")?.json()?;
        let Some(run) = list["runs"][0]["id"].as_str() else { return Ok(()) };
        let next = list["runs"][0]["next_sequence"].as_u64().unwrap_or_default();
        get(&format!("/api/runs/{run}/poll?from={next}&wait=20"))?;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the recorded step waits for the end of a session; the server has no event for it"
)]
fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
