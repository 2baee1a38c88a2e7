//! The page about the product.

use askama::Template;

use super::Shell;

/// Version and licence.
#[derive(Debug, Clone, Template)]
#[template(path = "about.html")]
pub struct AboutPage {
    /// The frame; product and version come from it.
    pub shell: Shell,
}
