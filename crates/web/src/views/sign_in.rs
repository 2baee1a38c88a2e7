//! The sign-in page.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::{page, shell};
use crate::Web;
use crate::caller::WhoCalls;
use crate::edge::{Facts, InForce};
use crate::pages::{FieldView, Prefill, SignInPage};
use crate::problem::Problem;

/// `GET /web/auth/`; 404 when nobody signs in.
pub async fn sign_in(
    State(web): State<Web>,
    Extension(InForce(configuration)): Extension<InForce>,
    Extension(facts): Extension<Arc<Facts>>,
    WhoCalls(caller): WhoCalls,
) -> Result<Response, Problem> {
    if !configuration.settings.access.active_auth {
        return Err(Problem::not_found());
    }
    let fields = match configuration.auth_script() {
        None => SignInPage::built_in_fields(),
        Some(script) => script
            .arguments
            .iter()
            .enumerate()
            .map(|(position, argument)| FieldView::for_sign_in(position, argument))
            .collect(),
    };
    let signed_in = caller.identity.is_signed_in();
    page(&SignInPage {
        fields,
        message: configuration.settings.pages.sign_in_message.clone(),
        next: Prefill::parse(&facts.context.query).value("next").and_then(local_path),
        insecure_warning: !facts.keeps_cookies
            && configuration.settings.listen.webproxy_number.unwrap_or(0) == 0,
        already: signed_in.then(|| caller.identity.name.clone()),
        shell: shell(&web, &configuration, &facts, Some(&caller), "web/auth/")?,
    })
}

/// A path of this origin relative to the root of the site, or nothing.
fn local_path(next: &str) -> Option<String> {
    let good = next.len() <= 2000
        && !next.starts_with(['/', '\\', '.'])
        && !next.contains(|c: char| c == '\\' || c.is_control())
        && !next.split(['?', '#']).next().unwrap_or_default().contains(':');
    good.then(|| next.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed_after_a_sign_in() {
        assert_eq!(local_path("web/scripts/a.py?x=1:2").as_deref(), Some("web/scripts/a.py?x=1:2"));
        for foreign in ["//evil", "/\\evil", "https://evil", "javascript:x", "../..//evil", "a\nb"]
        {
            assert_eq!(local_path(foreign), None, "{foreign}");
        }
    }
}
