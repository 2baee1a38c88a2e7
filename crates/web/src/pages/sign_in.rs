//! The sign-in page (web-ui.md B6.1).

use askama::Template;

use super::{FieldView, Shell};

/// Where people sign in.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub shell: Shell,
    /// What is asked for: [`SignInPage::built_in_fields`] or [`FieldView::for_sign_in`].
    pub fields: Vec<FieldView>,
    /// A text of the site above the fields.
    pub message: Option<String>,
    /// Where to go afterwards, relative to the root of the site. The page checks it again.
    pub next: Option<String>,
    /// Whether the connection is neither encrypted nor local, so that browsers drop the session.
    pub insecure_warning: bool,
    /// Name of the user who is signed in already.
    pub already: Option<String>,
}

impl SignInPage {
    /// The fields of the accounts built into the server.
    pub fn built_in_fields() -> Vec<FieldView> {
        vec![
            FieldView::built_in(0, "--username", "User name", "username"),
            FieldView::built_in(1, "--password", "Password", "current-password"),
        ]
    }
}
