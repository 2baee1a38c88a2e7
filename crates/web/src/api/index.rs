//! `GET /api/`: every script the caller may run.

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use webscripts_app::Configuration;
use webscripts_domain::description::{describe, python_json, write_string};
use webscripts_domain::identity::Caller;

use crate::caller::WhoCalls;
use crate::edge::InForce;

/// The entry of the built-in accounts: what the reference says of its authentication script.
const BUILT_IN: &str = "{\"documentation_content_type\": \"text/html\", \
    \"stderr_content_type\": \"text/plain\", \"content_type\": \"text/plain\", \
    \"description\": \"This script authenticates users.\", \"category\": \"Authentication\", \
    \"name\": \"/auth/\", \"args\": [{\"javascript_attributs\": {}, \"default_value\": null, \
    \"is_advanced\": false, \"html_type\": \"text\", \
    \"description\": \"Your username (to log in)\", \"example\": \"user\", \"input\": null, \
    \"name\": \"--username\"}, {\"javascript_attributs\": {}, \"default_value\": null, \
    \"is_advanced\": false, \"html_type\": \"password\", \
    \"description\": \"Your password (to log in)\", \"example\": \"password\", \"input\": null, \
    \"name\": \"--password\"}]}";

/// Lists the scripts as a JSON object, in the order of registration.
pub async fn index(
    Extension(InForce(configuration)): Extension<InForce>,
    WhoCalls(caller): WhoCalls,
) -> Response {
    let text = listing(&configuration, &caller);
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

fn listing(configuration: &Configuration, caller: &Caller) -> String {
    let mut out = String::from("{");
    let mut entry = |name: &str, description: &str| {
        if out.len() > 1 {
            out.push_str(", ");
        }
        write_string(&mut out, name);
        out.push_str(": ");
        out.push_str(description);
    };
    if configuration.settings.access.active_auth {
        entry("/auth/", &sign_in_entry(configuration));
    }
    if !configuration.must_sign_in(caller) {
        for (script, description) in configuration.scripts_for(caller) {
            entry(script.name.as_str(), description);
        }
    }
    out.push('}');
    out
}

fn sign_in_entry(configuration: &Configuration) -> String {
    let Some(script) = configuration.auth_script() else { return BUILT_IN.to_owned() };
    let mut description = describe(&script);
    for (key, value) in [("name", "/auth/"), ("category", "Authentication")] {
        description.insert(key.to_owned(), value.into());
    }
    python_json(&description.into())
}
