//! Error pages (web-ui.md B6.14).

use askama::Template;

use super::Shell;

/// A script with a similar name that the reader may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Name in addresses.
    pub name: String,
    /// Name for people.
    pub label: String,
}

/// What went wrong, in plain words, and what to do now.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame. Its request id is shown.
    pub shell: Shell,
    /// Status code.
    pub code: u16,
    /// Short title, such as `Page not found`.
    pub title: String,
    /// What happened.
    pub sentence: String,
    /// What to do; empty: nothing.
    pub advice: String,
    /// Where the reader perhaps wanted to go.
    pub suggestions: Vec<Suggestion>,
}

impl ErrorPage {
    /// The usual words for a status code. Callers may replace each of them.
    pub fn new(shell: Shell, code: u16) -> Self {
        let (title, sentence, advice) = words(code);
        Self {
            shell,
            code,
            title: title.to_owned(),
            sentence: sentence.to_owned(),
            advice: advice.to_owned(),
            suggestions: Vec::new(),
        }
    }
}

fn words(code: u16) -> (&'static str, &'static str, &'static str) {
    match code {
        400 => (
            "The request cannot be read",
            "The server does not understand what was sent.",
            "Go back, load the page again and retry.",
        ),
        401 => ("Sign in first", "This page is for people who have signed in.", ""),
        403 => (
            "You may not open this",
            "Your account does not have the right for this page.",
            "Ask an administrator for access, or sign in as another user.",
        ),
        404 => (
            "Page not found",
            "There is nothing at this address.",
            "Check the address, or look for the script in the list.",
        ),
        405 => (
            "Not this way",
            "This address cannot be used with this kind of request.",
            "Open the page from the list of scripts.",
        ),
        406 => (
            "The request is not accepted",
            "It did not come from a page of this server, or is not in the expected form.",
            "Load the page again and retry.",
        ),
        413 => (
            "Too much was sent",
            "The request is larger than the server accepts.",
            "Send less, for example a smaller file.",
        ),
        429 => (
            "Too many requests",
            "The server was asked too often in a short time.",
            "Wait a moment and retry.",
        ),
        503 => (
            "Busy at the moment",
            "The server cannot take this request now.",
            "Wait a moment and retry.",
        ),
        500..=599 => (
            "Something went wrong on the server",
            "The request failed for a reason that is not yours. It has been logged.",
            "Retry later. If it happens again, give the request number to an administrator.",
        ),
        _ => ("The request failed", "The server could not answer it.", "Go back and retry."),
    }
}
