//! What an answer must be: as recorded, or as a rule says.

use serde_json::{Value, json};
use webscripts_testkit::json::python_text;

use crate::intended::Ours;
use crate::listings::{Listings, plain_page};
use crate::placeholders::Placeholders;
use crate::stage::{PYTHON, STAND_IN_OUTPUT};
use crate::transcript::{Request, Response, Text};

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const COOKIE: &str = "; Path=/; SameSite=Strict; Max-Age=3600; Secure; HttpOnly";

/// What must come back.
#[derive(Debug, Clone)]
pub enum Expected {
    /// No answer at all.
    Nothing,
    /// A body without a head, as for HTTP/0.9. No answer of ours is like that.
    Headless,
    /// An answer.
    Answer(Box<Demand>),
}

/// What an answer must be.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Status code.
    pub status: u16,
    /// Whether the page layer answers: with all security headers, type, cookie and body.
    pub from_page: bool,
    /// `Content-Type`; `None`: not compared.
    pub content_type: Option<String>,
    /// `Location`; `None`: absent.
    pub location: Option<String>,
    /// `Set-Cookie`, with a placeholder; `None`: absent.
    pub set_cookie: Option<String>,
    /// The body.
    pub body: Body,
    /// How long it may take.
    pub time: Time,
}

/// What a body must be.
#[derive(Debug, Clone)]
pub enum Body {
    /// No bytes.
    Empty,
    /// These characters.
    Text(String),
    /// This JSON, with keys in this order.
    Json(Value),
    /// Bytes of this digest.
    Digest(String),
    /// A page of ours: type and presence count.
    Page,
    /// Not compared.
    Any,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// Not compared.
    Any,
    /// At least so many seconds.
    AtLeast(f64),
    /// Fewer seconds.
    Below(f64),
}

/// What the expectations of a part are made from.
pub struct Context<'a> {
    /// Values of placeholders.
    pub known: &'a Placeholders,
    /// Recorded listings.
    pub listings: &'a Listings,
    /// The working directory.
    pub directory: String,
}

impl Context<'_> {
    /// The recorded answer.
    pub fn recorded(&self, request: &Request, response: &Response) -> Expected {
        let Some(status) = response.status() else {
            return if response.body.empty { Expected::Nothing } else { Expected::Headless };
        };
        let type_of_set = response.header_set.as_ref().map(|_| HTML.to_owned());
        let content_type = response.own_header("Content-Type").map(str::to_owned).or(type_of_set);
        let body = self.recorded_body(request, response, status);
        let is_bare = matches!(body, Body::Empty) && request.target().0 != "HEAD";
        let slow = response.elapsed_seconds_rounded.filter(|seconds| *seconds > 5.0);
        Expected::Answer(Box::new(Demand {
            status,
            from_page: response.header_set.is_some(),
            // The type of no bytes means nothing.
            content_type: content_type.filter(|_| !is_bare),
            location: response.own_header("Location").map(str::to_owned),
            set_cookie: response.own_header("Set-Cookie").map(str::to_owned),
            body,
            time: slow.map_or(Time::Any, |seconds| Time::AtLeast(seconds - 1.0)),
        }))
    }

    fn recorded_body(&self, request: &Request, response: &Response, status: u16) -> Body {
        let body = &response.body;
        if body.empty {
            return Body::Empty;
        }
        let (_, path) = request.target();
        let is_page = status == 301 || (status == 200 && path.starts_with("/web/"));
        if is_page {
            return Body::Page;
        }
        if body.html.is_some() {
            // Its own page, which no answer of ours can be equal to, but for the type.
            return Body::Page;
        }
        if let Some(json) = &body.json {
            return Body::Json(self.fill(json));
        }
        if let Some(Text::Whole(text)) = &body.text {
            return Body::Text(self.known.fill(text));
        }
        let Some(sha256) = &body.sha256 else { return Body::Any };
        if let Some(listing) = self.listings.with_digest(sha256) {
            return Body::Json(listing);
        }
        match self.listings.text_with_digest(sha256) {
            Some(text) => Body::Text(text),
            None => Body::Digest(sha256.clone()),
        }
    }

    /// What a rule says our answer is; one of them is enough.
    pub fn ours(&self, ours: &Ours, request: &Request, response: &Response) -> Vec<Expected> {
        if let Ours::AnyOf(choices) = ours {
            return choices.iter().flat_map(|one| self.ours(one, request, response)).collect();
        }
        if matches!(ours, Ours::Nothing) {
            return vec![Expected::Nothing];
        }
        self.demand(ours, request, response)
            .into_iter()
            .map(|mut demand| {
                if request.target().0 == "HEAD" {
                    demand.body = Body::Empty;
                }
                Expected::Answer(Box::new(demand))
            })
            .collect()
    }

    fn demand(&self, ours: &Ours, request: &Request, response: &Response) -> Option<Demand> {
        let recorded = || match self.recorded(request, response) {
            Expected::Answer(demand) => Some(*demand),
            _ => None,
        };
        Some(match ours {
            Ours::Plain(status) => error_page(*status),
            Ours::PlainAsRecorded => error_page(response.status()?),
            Ours::Refusal(status) => Demand {
                from_page: false,
                content_type: None,
                body: Body::Any,
                ..error_page(*status)
            },
            Ours::Echo { argv, stdin } => {
                let printed = python_text(&json!({"argv": argv, "stdin": stdin})) + "\n";
                json_answer(run_of(&printed, "", 0))
            }
            Ours::TimedOut { code } => {
                let mut demand = recorded()?;
                if let Body::Json(Value::Object(run)) = &mut demand.body {
                    run.insert("code".to_owned(), json!(code));
                }
                if let Time::AtLeast(seconds) = demand.time {
                    demand.time = Time::Below(seconds);
                }
                demand
            }
            Ours::Run { stdout, stderr, code } => json_answer(run_of(stdout, stderr, *code)),
            Ours::StandIn => {
                let mut demand = recorded()?;
                let Body::Json(Value::Object(run)) = &mut demand.body else { return None };
                for (key, value) in
                    [("stdout", json!(STAND_IN_OUTPUT)), ("stderr", json!("")), ("code", json!(0))]
                {
                    run.insert(key.to_owned(), value);
                }
                demand
            }
            Ours::Cookie(user) => Demand {
                set_cookie: Some(format!("SessionID={user}:<SESSION>{COOKIE}")),
                ..answer(302, None, Body::Empty)
            },
            Ours::SignInFirst => Demand {
                location: Some(format!("{}web/auth/", upwards(request.target().1))),
                ..answer(302, Some(HTML), Body::Text(self.listings.sign_in().to_owned()))
            },
            Ours::ToIndex => Demand {
                location: Some(format!("{}web/", upwards(request.target().1))),
                ..answer(301, Some(HTML), Body::Page)
            },
            Ours::Page => answer(200, Some(HTML), Body::Page),
            Ours::Listing(who) => json_answer(self.listings.of(*who)),
            Ours::WithoutBody => Demand { body: Body::Empty, ..recorded()? },
            Ours::Nothing | Ours::AnyOf(_) => return None,
        })
    }

    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                // What the reference installs lies in the working directory here.
                let text = text.replace("<RUN>", &self.directory).replace("<LIB>", &self.directory);
                Value::String(self.known.fill(&text.replace("<PYTHON>", &PYTHON)))
            }
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(entries) => {
                entries.iter().map(|(key, item)| (key.clone(), self.fill(item))).collect()
            }
            other => other.clone(),
        }
    }
}

fn answer(status: u16, content_type: Option<&str>, body: Body) -> Demand {
    Demand {
        status,
        from_page: true,
        content_type: content_type.map(str::to_owned),
        location: None,
        set_cookie: None,
        body,
        time: Time::Any,
    }
}

fn error_page(status: u16) -> Demand {
    answer(status, Some(PLAIN), Body::Text(plain_page(status)))
}

fn json_answer(body: Value) -> Demand {
    answer(200, Some(JSON), Body::Json(body))
}

fn run_of(stdout: &str, stderr: &str, code: i32) -> Value {
    json!({
        "stdout": stdout, "stderr": stderr, "code": code, "Content-Type": "text/plain",
        "Stderr-Content-Type": "text/plain", "error": "No errors",
    })
}

/// The way from a path to the top, as relative links need it (http-api.md §2).
fn upwards(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    "../".repeat(path.matches('/').count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_go_up_once_for_each_folder() {
        assert_eq!(upwards("/"), "");
        assert_eq!(upwards("/web"), "");
        assert_eq!(upwards("/web/?a=/b/"), "../");
        assert_eq!(upwards("/a/b/c/d/e"), "../../../../");
    }

    #[test]
    fn an_echo_is_what_the_probe_prints() {
        let run = run_of("{\"argv\": [\"x\"], \"stdin\": \"\"}\n", "", 0);

        assert_eq!(run["error"], "No errors");
    }
}
