//! Recorded answers that other steps name by their digest alone: the listings of `/api/`, and two
//! texts. Knowing them turns "another digest" into a readable difference.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use webscripts_testkit::json::python_text;

use crate::transcript::{self, Response, Text, Theme};

/// Scripts of the reference that everybody may run, by name (scripts.md §11).
const OPEN_TOOLS: [&str; 4] =
    ["show_license.py", "password_generator.py", "get_password_share.py", "new_password_share.py"];

/// What `/api/` lists, for whom.
#[derive(Debug)]
pub struct Listings {
    full: Map<String, Value>,
    anonymous: Map<String, Value>,
    users: Map<String, Value>,
    restricted: Map<String, Value>,
    open: Map<String, Value>,
    sign_in: String,
}

/// A caller whose listing is known.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// A visitor who has to sign in.
    Anonymous,
    /// Everybody, when nobody signs in: every script without a rule of access.
    Everybody,
}

impl Listings {
    /// Reads them from the recorded themes.
    pub fn load(probe: &Value) -> Result<Self> {
        let entry = transcript::theme("01-index-and-redirects")?;
        let accounts = transcript::theme("05-accounts")?;
        let full = json_of(&entry, "in-api")?;
        let only = |names: &[&str]| -> Map<String, Value> {
            let listed = full.iter().filter(|(name, _)| names.contains(&name.as_str()));
            listed.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let mut open: Vec<&str> = vec!["/auth/"];
        open.extend(OPEN_TOOLS);
        open.extend(open_probes(probe));
        let (users, restricted) =
            (names_of(&accounts, "bob-api-names")?, names_of(&accounts, "carol-api-names")?);
        Ok(Self {
            anonymous: json_of(&entry, "anon-api")?,
            users: only(&users),
            restricted: only(&restricted),
            open: only(&open),
            sign_in: text_of(&entry, "anon-00")?,
            full,
        })
    }

    /// The listing of an administrator: every script of the reference and every probe.
    pub fn full(&self) -> &Map<String, Value> {
        &self.full
    }

    /// Whether the group of users (50) opens this script of the reference to somebody.
    pub fn is_for_users(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// Whether a script of the reference has no rule of access.
    pub fn is_open(&self, name: &str) -> bool {
        self.open.contains_key(name)
    }

    /// What `who` sees.
    pub fn of(&self, who: Who) -> Value {
        let mut listing = match who {
            Who::Anonymous => self.anonymous.clone(),
            Who::Everybody => self.open.clone(),
        };
        if matches!(who, Who::Everybody) {
            listing.shift_remove("/auth/");
        }
        Value::Object(listing)
    }

    /// The text that asks to sign in.
    pub fn sign_in(&self) -> &str {
        &self.sign_in
    }

    /// The listing with this digest.
    pub fn with_digest(&self, sha256: &str) -> Option<Value> {
        [&self.full, &self.anonymous, &self.users, &self.restricted, &self.open]
            .into_iter()
            .map(|listing| Value::Object(listing.clone()))
            .find(|listing| digest(python_text(listing).as_bytes()) == sha256)
    }

    /// The text with this digest: the one that asks to sign in, or a plain error page.
    pub fn text_with_digest(&self, sha256: &str) -> Option<String> {
        let pages = [400, 403, 404, 406, 500].map(plain_page);
        std::iter::once(self.sign_in.clone())
            .chain(pages)
            .find(|text| digest(text.as_bytes()) == sha256)
    }
}

/// SHA-256 as lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    digits.concat()
}

/// The plain error page (http-api.md §8).
pub fn plain_page(status: u16) -> String {
    format!("---------------\n** ERROR {status} **\n---------------\n")
}

fn open_probes(probe: &Value) -> Vec<&str> {
    let has_rule = |section: &Value| {
        ["access_groups", "access_users", "minimum_access"]
            .iter()
            .any(|key| section.get(key).is_some())
    };
    let scripts = probe.get("scripts").and_then(Value::as_object).into_iter().flatten();
    scripts
        .filter(|(_, section)| {
            let section = section.as_str().and_then(|name| probe.get(name));
            section.is_some_and(|section| !has_rule(section))
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

fn response<'a>(theme: &'a Theme, id: &str) -> Result<&'a Response> {
    let mut steps = theme.parts.iter().flat_map(|part| &part.steps);
    let step = steps.find(|step| step.id == id).with_context(|| format!("no step {id}"))?;
    step.response.as_ref().with_context(|| format!("no response in {id}"))
}

fn json_of(theme: &Theme, id: &str) -> Result<Map<String, Value>> {
    let json = response(theme, id)?.body.json.as_ref().and_then(Value::as_object);
    json.cloned().with_context(|| format!("no object in {id}"))
}

fn text_of(theme: &Theme, id: &str) -> Result<String> {
    match &response(theme, id)?.body.text {
        Some(Text::Whole(text)) => Ok(text.clone()),
        _ => anyhow::bail!("no text in {id}"),
    }
}

fn names_of<'a>(theme: &'a Theme, id: &str) -> Result<Vec<&'a str>> {
    let mut steps = theme.parts.iter().flat_map(|part| &part.steps);
    let step = steps.find(|step| step.id == id).with_context(|| format!("no step {id}"))?;
    let names = step.observed.as_ref().and_then(Value::as_array).into_iter().flatten();
    Ok(names.filter_map(Value::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listing_of_the_recording_is_known_by_its_digest() {
        let listings = Listings::load(&crate::stage::probe().unwrap()).unwrap();
        let mut found = 0;
        for name in crate::THEMES {
            for step in transcript::theme(name).unwrap().parts.into_iter().flat_map(|p| p.steps) {
                let Some(response) = step.response else { continue };
                let json =
                    response.own_header("Content-Type") == Some("application/json; charset=utf-8");
                if let Some(sha256) =
                    response.body.sha256.filter(|_| json && !step.id.starts_with("type-"))
                {
                    let empty = sha256 == digest(b"{}");
                    assert!(empty || listings.with_digest(&sha256).is_some(), "{name} {}", step.id);
                    found += 1;
                }
            }
        }
        assert_eq!(found, 16);
    }

    #[test]
    fn a_digest_is_written_in_lower_case() {
        assert!(digest(b"x").starts_with("2d711642b726b044"));
    }
}
