//! The history of runs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use webscripts_app::Configuration;
use webscripts_app::runs::history::RunQuery;
use webscripts_domain::clock::{SignedDuration, Timestamp};
use webscripts_domain::identity::Caller;
use webscripts_domain::run::RunId;

use super::{page, shell};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::{Prefill, RunsFilter, RunsPage};
use crate::problem::Problem;

/// Runs of one page.
const LIMIT: u32 = 50;

/// `GET /web/runs/`, filtered by what its address asks for.
pub async fn runs(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    let now = web.app.now();
    let prefill = Prefill::parse(&facts.context.query);
    let filter = RunsFilter::read(&prefill);
    let query = read(&filter, prefill.value("cursor").unwrap_or_default(), now)?;
    let found = web.app.list_runs(&caller, &query).await?;
    let shell = shell(&web, &configuration, &facts, Some(&caller), "web/runs/")?;
    let settings = &configuration.settings;
    page(&RunsPage {
        is_later_page: query.cursor.is_some(),
        scripts: scripts(&configuration, &caller),
        administrator: caller.identity.is_administrator(&settings.access.admin_groups),
        keep_days: Some(settings.runs.keep_days.into()),
        ..RunsPage::new(shell, filter, &found.runs, now).with_next(found.next)
    })
}

/// Names and labels of the scripts the reader may run.
fn scripts(configuration: &Configuration, caller: &Caller) -> Vec<(String, String)> {
    let all = configuration.scripts_for(caller);
    let named = all.map(|(script, _)| {
        let name = script.name.as_str();
        (name.to_owned(), script.label.as_deref().unwrap_or(name).to_owned())
    });
    named.collect()
}

fn read(filter: &RunsFilter, cursor: &str, now: Timestamp) -> Result<RunQuery, Problem> {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let known = RunsFilter::PERIODS.iter().find(|(word, ..)| *word == filter.period);
    let since = known.and_then(|(_, hours, _)| {
        now.checked_sub(SignedDuration::from_hours(i64::from(*hours))).ok()
    });
    let last_day = day(&filter.to)?;
    Ok(RunQuery {
        states: filter.states().ok_or_else(|| unreadable("state"))?,
        script: text(&filter.script),
        user: text(&filter.user),
        text: text(&filter.text),
        from: day(&filter.from)?.or(since),
        to: last_day.and_then(|day| day.checked_add(SignedDuration::from_hours(24)).ok()),
        mine: filter.mine,
        limit: LIMIT,
        cursor: match cursor {
            "" => None,
            text => Some(RunId::parse(text).ok_or_else(|| unreadable("cursor"))?),
        },
    })
}

/// The beginning of a day, `YYYY-MM-DD`, in UTC.
fn day(text: &str) -> Result<Option<Timestamp>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let begin = format!("{text}T00:00:00Z").parse().ok().filter(|_| text.len() == 10);
    begin.map(Some).ok_or_else(|| unreadable("from and to"))
}

fn unreadable(what: &str) -> Problem {
    let message = format!("The address asks for something that cannot be read: {what}.");
    Problem::new(StatusCode::BAD_REQUEST, "query", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Option<RunQuery> {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        read(&RunsFilter::read(&Prefill::parse(text)), "", now).ok()
    }

    fn period(text: &str) -> Option<(Option<String>, Option<String>)> {
        let query = query(text)?;
        Some((query.from.map(|t| t.to_string()), query.to.map(|t| t.to_string())))
    }

    #[test]
    fn days_of_an_address_are_whole_and_periods_end_now() {
        let time = |text: &str| Some(text.to_owned());

        assert_eq!(
            period("from=2026-11-01&to=2026-11-02"),
            Some((time("2026-11-01T00:00:00Z"), time("2026-11-03T00:00:00Z")))
        );
        assert_eq!(period("period=24h"), Some((time("2026-11-24T12:00:00Z"), None)));
        assert_eq!(
            period("period=24h&from=2026-11-25"),
            Some((time("2026-11-25T00:00:00Z"), None))
        );
        assert_eq!(period("period=x"), Some((None, None)));
        for wrong in ["from=2026-13-01", "to=yesterday", "from=+002026-11-25", "state=asleep"] {
            assert_eq!(period(wrong), None, "{wrong}");
        }
    }
}
