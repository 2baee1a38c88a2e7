//! Error pages.

use askama::Template as _;
use webscripts_app::Configuration;
use webscripts_domain::identity::Caller;

use super::shell;
use crate::Web;
use crate::edge::Facts;
use crate::pages::{ErrorPage, ScriptView, Suggestion};
use crate::problem::Problem;

/// Most scripts that a "not found" page suggests.
const MAX_SUGGESTIONS: usize = 5;

/// The page of a failure; plain text if even that fails.
pub fn error_page(
    web: &Web,
    configuration: &Configuration,
    facts: &Facts,
    caller: Option<&Caller>,
    problem: &Problem,
) -> String {
    let Ok(shell) = shell(web, configuration, facts, caller, "") else {
        return problem.message.clone();
    };
    let mut page = ErrorPage::new(shell, problem.status.as_u16());
    page.sentence.clone_from(&problem.message);
    if let Some(until) = problem.until {
        let seconds = until.duration_since(web.app.now()).as_secs().max(1);
        "Too many attempts".clone_into(&mut page.title);
        page.advice = format!("Try again in {seconds} seconds.");
    }
    if problem.status.as_u16() == 404
        && let Some(caller) = caller
        && !configuration.must_sign_in(caller)
    {
        page.suggestions = suggestions(configuration, caller, &facts.path);
    }
    page.render().unwrap_or_else(|_| problem.message.clone())
}

/// Scripts the caller may run whose names share the most with the last part of the address.
fn suggestions(configuration: &Configuration, caller: &Caller, path: &str) -> Vec<Suggestion> {
    let wanted = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    if wanted.is_empty() || wanted.len() > 255 {
        return Vec::new();
    }
    let mut near: Vec<(usize, Suggestion)> = configuration
        .scripts_for(caller)
        .map(|(script, _)| {
            let view = ScriptView::new(script, false);
            let shared = shared_pairs(&wanted, &view.name.to_lowercase());
            (shared, Suggestion { name: view.name, label: view.label })
        })
        .filter(|(shared, _)| *shared * 2 >= wanted.chars().count().saturating_sub(1).max(1))
        .collect();
    near.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, suggestion)| suggestion).collect()
}

/// How many pairs of neighbouring characters of `wanted` also stand in `name`.
fn shared_pairs(wanted: &str, name: &str) -> usize {
    let pairs =
        |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let of_name = pairs(name);
    pairs(wanted).into_iter().filter(|pair| of_name.contains(pair)).count()
}
