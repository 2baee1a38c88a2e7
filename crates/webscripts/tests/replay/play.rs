//! Playing a theme against the server.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use webscripts_testkit::json::{python_text, run_body};
use webscripts_testkit::{Answer, Connection, Outcome, Request as Simple, Server};

use crate::compare::{self, Measured, compare};
use crate::credentials::Credentials;
use crate::expected::{Context, Expected};
use crate::intended::{RULES, Rule, Steps};
use crate::listings::Listings;
use crate::placeholders::{self, Placeholders};
use crate::report::{Report, Result as StepResult, Verdict};
use crate::transcript::{HeaderSets, Part, Request, Response, Step, Text, Theme};
use crate::{effects, generated, stage};

/// Plays every part of a theme.
pub fn play(theme: &Theme) -> Result<Report> {
    let listings = Listings::load(&stage::probe()?)?;
    let sets = HeaderSets::load()?;
    let mut results = Vec::new();
    for part in &theme.parts {
        let (server, credentials) = stage::start(theme, part, &listings)?;
        let mut player = Player {
            theme,
            known: Placeholders::new(&server.host()),
            server,
            credentials,
            listings: &listings,
            sets: &sets,
            first_answer: Instant::now(),
            last: None,
        };
        player.sign_in_beforehand(part)?;
        for (index, step) in part.steps.iter().enumerate() {
            let verdict = player
                .step(step, index == 0)
                .with_context(|| format!("step {} of part `{}`", step.id, part.name))?;
            let note = step.note.clone();
            results.push(StepResult {
                step: format!("[{}] {}", part.name, step.id),
                note,
                verdict,
            });
        }
        let stopped = player.server.stop()?;
        if !stopped.is_clean() {
            bail!(
                "the server of part `{}` ended with {}\n{}",
                part.name,
                stopped.status,
                stopped.log
            );
        }
    }
    Ok(Report { theme: theme.name.clone(), about: theme.about.clone(), results })
}

struct Player<'a> {
    theme: &'a Theme,
    server: Server,
    known: Placeholders,
    credentials: Credentials,
    listings: &'a Listings,
    sets: &'a HeaderSets,
    first_answer: Instant,
    last: Option<Answer>,
}

impl Player<'_> {
    /// Signs in for the sessions that the part uses and no step of it opens.
    fn sign_in_beforehand(&mut self, part: &Part) -> Result<()> {
        let mut opened: Vec<String> = Vec::new();
        for step in &part.steps {
            let Some(request) = &step.request else { continue };
            for text in texts_of(request) {
                for (user, session) in placeholders::sessions(&text) {
                    if !opened.iter().any(|known| known == session) {
                        self.open_session(user, session, request.client_address)?;
                        opened.push(session.to_owned());
                    }
                }
            }
            let cookie =
                step.response.as_ref().and_then(|response| response.own_header("Set-Cookie"));
            let given = cookie.map(placeholders::sessions).into_iter().flatten();
            opened.extend(given.map(|(_, session)| session.to_owned()));
        }
        Ok(())
    }

    fn open_session(&mut self, user: &str, session: &str, from: Option<Ipv4Addr>) -> Result<()> {
        let number: usize = user.parse()?;
        let account =
            number.checked_sub(2).and_then(|at| self.server.instance().accounts().get(at));
        let (name, password) = match account {
            Some(account) => (account.name.as_str(), account.password.as_str()),
            // The recorded session is that of a failed sign-in.
            None => ("nobody", "x"),
        };
        let body = run_body(&json!({"--username": name, "--password": password}));
        let mut request = Simple::post("/auth/").same_origin().json(&body);
        if let Some(from) = from {
            request = request.from(from);
        }
        let answer = self.server.send(&request)?;
        let cookie = answer.header("Set-Cookie").unwrap_or_default();
        if !cookie.starts_with(&format!("SessionID={user}:")) {
            bail!("the sign-in of {name} for user {user} gave {} {cookie:?}", answer.status);
        }
        self.known.learn_cookie(&format!("SessionID={user}:<{session}>"), cookie);
        Ok(())
    }

    fn step(&mut self, step: &Step, is_first: bool) -> Result<Verdict> {
        effects::before(&self.theme.name, &step.id, &self.server, self.first_answer)?;
        let verdict = match (&step.request, &step.response, &step.observed) {
            (Some(request), Some(response), _) => self.exchange(step, request, response)?,
            (_, _, Some(observed)) => self.observe(step, observed)?,
            _ => bail!("neither an exchange nor an observation"),
        };
        if is_first {
            self.first_answer = Instant::now();
        }
        effects::after(&self.theme.name, &step.id, &self.server, self.first_answer)?;
        Ok(verdict)
    }

    fn exchange(&mut self, step: &Step, request: &Request, response: &Response) -> Result<Verdict> {
        let bytes = self.bytes(&step.id, request)?;
        let mut connection = Connection::open(self.server.address(), request.client_address)?;
        if let Some(seconds) = patience(response) {
            connection = connection.patience(Duration::from_secs(seconds))?;
        }
        let closes = request.client_closes_its_side_after_sending
            || effects::must_close_sending(&self.theme.name, &step.id);
        let (method, _) = request.target();
        let began = Instant::now();
        let outcome = if closes {
            connection.exchange_and_close_sending(&bytes, method)?
        } else {
            connection.exchange(&bytes, method)?
        };
        let measured = Measured { outcome, seconds: began.elapsed().as_secs_f64() };
        if let Outcome::Answered(answer) = &measured.outcome {
            if let (Some(recorded), Some(ours)) =
                (response.own_header("Set-Cookie"), answer.header("Set-Cookie"))
            {
                self.known.learn_cookie(recorded, ours);
            }
            self.learn_key(response, answer);
            self.last = Some(answer.clone());
        }
        Ok(self.judge(step, request, response, &measured))
    }

    /// Learns the key of a run whose output is fetched line by line.
    fn learn_key(&mut self, response: &Response, answer: &Answer) {
        let recorded = response.body.json.as_ref().and_then(|body| body["key"].as_str());
        let name = recorded.and_then(|key| key.strip_prefix('<')?.strip_suffix('>'));
        let Some(name) = name else { return };
        if let Ok(ours) = answer.json()
            && let Some(key) = ours["key"].as_str()
        {
            self.known.learn(name, key);
        }
    }

    fn judge(
        &self,
        step: &Step,
        request: &Request,
        response: &Response,
        measured: &Measured,
    ) -> Verdict {
        let number = self.theme.name.split('-').next().unwrap_or_default();
        let secure = self.sets.secure();
        let context = Context {
            known: &self.known,
            listings: self.listings,
            directory: self.server.directory().display().to_string(),
        };
        let differences = |expected: &Expected| compare(measured, expected, request, secure);
        let recorded = differences(&context.recorded(request, response));
        let mut rules = RULES.iter().filter(|rule| rule.concerns(number, step, request, response));
        if recorded.is_empty() {
            let must_differ =
                |rule: &&Rule| !rule.or_as_recorded && matches!(rule.steps, Steps::Named(_));
            return rules.find(must_differ).map_or(Verdict::Equal, Verdict::Stale);
        }
        let mut nearest = None;
        for rule in rules {
            for expected in context.ours(&rule.ours, request, response) {
                let differences = differences(&expected);
                if differences.is_empty() {
                    return Verdict::Intended(rule);
                }
                nearest.get_or_insert((rule, differences));
            }
        }
        Verdict::Unexplained { recorded, rule: nearest }
    }

    /// Compares what was looked at instead of an exchange, where it is something of the API.
    fn observe(&mut self, step: &Step, observed: &Value) -> Result<Verdict> {
        let ours = match (step.id.as_str(), observed) {
            ("script-config", _) => self.script_config()?,
            (_, Value::Array(names)) if names.iter().all(Value::is_string) => {
                let listing = self.last.as_ref().context("no answer before")?.json()?;
                listing
                    .as_object()
                    .map(|entries| entries.keys().cloned().collect())
                    .unwrap_or_default()
            }
            (_, Value::Object(entry)) if entry.contains_key("args") => {
                let name = entry["name"].as_str().unwrap_or_default();
                self.get("/api/")?.json()?[name].clone()
            }
            _ => return Ok(Verdict::NotCompared),
        };
        let recorded = compare::json(observed, &ours, "observed");
        if recorded.is_empty() {
            return Ok(Verdict::Equal);
        }
        Ok(Verdict::Unexplained { recorded, rule: None })
    }

    fn script_config(&self) -> Result<Value> {
        let run = Simple::post("/api/scripts/env_dump.py").run(&json!({}));
        let answer = self.server.send(&run.api_token(&self.server.sign_in("Admin")?))?;
        let environment: Value =
            serde_json::from_str(answer.json()?["stdout"].as_str().unwrap_or_default())?;
        let config = environment["SCRIPT_CONFIG"].as_str().context("no SCRIPT_CONFIG")?;
        Ok(serde_json::from_str(config)?)
    }

    fn get(&self, path: &str) -> Result<Answer> {
        self.server.send(&Simple::get(path).api_token(&self.server.sign_in("Admin")?))
    }

    /// The request on the wire, with our values in place of the recorded ones.
    fn bytes(&self, id: &str, request: &Request) -> Result<Vec<u8>> {
        if let Some(raw) = &request.raw {
            let raw = match raw {
                Text::Whole(text) => text.clone(),
                Text::Described { .. } => generated::raw(id)?,
            };
            return Ok(one_byte_each(&self.known.fill(&raw)));
        }
        let recorded_body = recorded_body(id, request)?;
        let body = self.our_body(request, &recorded_body);
        let path = self.known.fill(&request.path);
        let mut head = format!("{} {path} HTTP/1.1\r\n", request.method);
        for (name, value) in &request.headers {
            let is_length = name == "Content-Length" && *value == recorded_body.len().to_string();
            let value = if is_length {
                // The length was right; it still has to be, with our credentials in the body.
                body.len().to_string()
            } else {
                self.known.fill(&self.credentials.in_header(name, value))
            };
            head.extend([name.as_str(), ": ", &value, "\r\n"]);
        }
        head.push_str("\r\n");
        let mut bytes = one_byte_each(&head);
        bytes.extend(body);
        Ok(bytes)
    }

    fn our_body(&self, request: &Request, recorded: &[u8]) -> Vec<u8> {
        match &request.json {
            Some(json) if request.path == "/auth/" => {
                python_text(&self.credentials.in_sign_in(json)).into_bytes()
            }
            _ => recorded.to_vec(),
        }
    }
}

fn recorded_body(id: &str, request: &Request) -> Result<Vec<u8>> {
    if let Some(json) = &request.json {
        let is_described = json
            .as_object()
            .is_some_and(|json| json.len() == 1 && json.get("length").is_some_and(Value::is_u64));
        return if is_described { generated::body(id) } else { Ok(python_text(json).into_bytes()) };
    }
    match (&request.text, &request.base64) {
        (Some(Text::Whole(text)), _) => Ok(text.clone().into_bytes()),
        (Some(Text::Described { .. }), _) => generated::body(id),
        (None, Some(encoded)) => Ok(STANDARD.decode(encoded)?),
        (None, None) => Ok(Vec::new()),
    }
}

/// Bytes of a head: each character up to U+00FF is one byte.
fn one_byte_each(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|character| match u8::try_from(u32::from(character)) {
            Ok(byte) => vec![byte],
            Err(_) => character.to_string().into_bytes(),
        })
        .collect()
}

/// Everything of a request that may name a session.
fn texts_of(request: &Request) -> Vec<String> {
    let mut texts: Vec<String> = request.headers.iter().map(|(_, value)| value.clone()).collect();
    if let Some(Text::Whole(raw)) = &request.raw {
        texts.push(raw.clone());
    }
    texts
}

/// For how many seconds the recording waited for an answer that did not come.
fn patience(response: &Response) -> Option<u64> {
    let words = response.transport.as_deref()?.strip_prefix("no answer within ")?;
    words.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_lengths_are_those_of_the_bodies_we_send() {
        // Steps whose length is wrong on purpose.
        const WRONG: [&str; 5] =
            ["length-text", "length-negative", "length-short", "length-zero", "length-plus"];
        for name in crate::THEMES {
            for step in
                crate::transcript::theme(name).unwrap().parts.into_iter().flat_map(|p| p.steps)
            {
                let Some(request) = step.request else { continue };
                let Some(length) = request.header("Content-Length") else { continue };
                let body = recorded_body(&step.id, &request).unwrap();
                let is_right = length == body.len().to_string();
                assert_eq!(is_right, !WRONG.contains(&step.id.as_str()), "{name} {}", step.id);
            }
        }
    }

    #[test]
    fn heads_are_written_one_byte_for_a_character() {
        assert_eq!(one_byte_each("a²\u{c3}\u{a9}"), [b'a', 0xb2, 0xc3, 0xa9]);
    }

    #[test]
    fn the_patience_of_the_recording_is_read() {
        let response: Response = serde_json::from_value(json!({
            "status_line": null, "body": {"empty": true}, "transport": "no answer within 3 s",
        }))
        .unwrap();

        assert_eq!(patience(&response), Some(3));
    }
}
