//! The query of an address, read strictly: what nobody knows is refused instead of ignored, so that
//! a misspelled filter does not show everything.

use axum::http::StatusCode;

use crate::edge::Facts;
use crate::pages::Prefill;
use crate::problem::Problem;

/// Names and values; every name at most once.
pub struct Query(Prefill);

impl Query {
    /// Reads the query of a request.
    pub fn read(facts: &Facts, known: &[&str]) -> Result<Self, Problem> {
        let query = Prefill::parse(&facts.context.query);
        let unknown = query.unknown(|name| known.contains(&name));
        let mut fields: Vec<_> =
            unknown.into_iter().map(|name| (name, "is not known here".to_owned())).collect();
        let repeated = known.iter().filter(|name| query.values(name).len() > 1);
        fields.extend(repeated.map(|name| ((*name).to_owned(), "occurs twice".to_owned())));
        if fields.is_empty() { Ok(Self(query)) } else { Err(refused(fields)) }
    }

    /// A value; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.value(name).filter(|value| !value.is_empty())
    }

    /// A value that `parse` understands.
    pub fn parsed<T>(
        &self,
        name: &str,
        must: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let value = parse(text).ok_or_else(|| refused(vec![(name.to_owned(), must.to_owned())]))?;
        Ok(Some(value))
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.parsed(name, "must be a whole number", |text| text.parse().ok())
    }

    /// `true` or `false`, also `1` or `0`; absent: false.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        let flag = self.parsed(name, "must be `true` or `false`", |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })?;
        Ok(flag.unwrap_or_default())
    }
}

fn refused(fields: Vec<(String, String)>) -> Problem {
    let sentences: Vec<_> =
        fields.iter().take(20).map(|(name, why)| format!("`{name}` {why}")).collect();
    let message = format!("{}.", sentences.join("; "));
    Problem { fields, ..Problem::new(StatusCode::BAD_REQUEST, "query", message) }
}
