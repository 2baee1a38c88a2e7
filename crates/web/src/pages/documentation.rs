//! The documentation of a script (web-ui.md B6.13).

use askama::Template;

use super::{FieldView, ScriptView, Shell};

/// Documentation in a sandboxed frame, or a reference made from the configuration.
#[derive(Debug, Clone, Template)]
#[template(path = "documentation.html")]
pub struct DocumentationPage {
    /// The frame around the page.
    pub shell: Shell,
    /// The script.
    pub script: ScriptView,
    /// Address of the document, relative to the root of the site; it is served with the policy of
    /// frames. `None`: there is none, the reference is shown.
    pub document: Option<String>,
    /// A sentence above, such as that the documentation could not be written.
    pub notice: Option<String>,
    /// The arguments, for the reference.
    pub fields: Vec<FieldView>,
}
