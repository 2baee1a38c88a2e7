//! The pages as data: what each template shows, and nothing else.
//!
//! A handler fills one of the page structs and calls [`askama::Template::render`]. The templates
//! escape every value; pages hold no script, style or handler of their own (web-ui.md B9).
//! Addresses in view models are relative to the root of the site; templates put [`Shell::base`] in
//! front of them, so that pages work behind any prefix.

mod about;
mod attributes;
mod documentation;
mod error;
mod field;
mod index;
mod prefill;
mod run;
mod run_words;
mod runs;
mod script;
mod shell;
mod sign_in;
#[cfg(test)]
mod tests;
mod words;

pub use about::AboutPage;
pub use attributes::refused_attributes;
pub use documentation::DocumentationPage;
pub use error::{ErrorPage, Suggestion};
pub use field::{Attribute, Choice, Control, FieldView};
pub use index::{CategoryView, IndexPage, ScriptEntry};
pub use prefill::Prefill;
pub use run::{RunArgument, RunPage};
pub use runs::{FilterLink, RunRow, RunsFilter, RunsPage};
pub use script::{ScriptPage, ScriptView};
pub use shell::{NavEntry, Shell, Theme, UserView};
pub use sign_in::SignInPage;
