//! What all pages share (web-ui.md B4).

use crate::assets;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// Name, as it was given.
    pub name: String,
}

impl UserView {
    /// First letter of the name, for the avatar.
    pub fn initial(&self) -> String {
        self.name
            .chars()
            .find(|c| c.is_alphanumeric())
            .map_or_else(|| "?".to_owned(), |first| first.to_uppercase().collect())
    }
}

/// Choice between dark and light.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the system of the reader says.
    #[default]
    System,
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

impl Theme {
    /// Name of the cookie in which pages keep the choice; it holds nothing else.
    pub const COOKIE: &str = "ws_ui";

    /// Reads the value of the cookie; everything unknown is [`Theme::System`].
    pub fn from_cookie(value: &str) -> Self {
        match value {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The word in the cookie and in `data-theme`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Value of `<meta name="color-scheme">`: what the browser paints before the style arrives.
    pub fn color_scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A destination in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavEntry {
    /// Text of the link.
    pub label: String,
    /// Address, relative to the root of the site.
    pub href: String,
    /// Whether the page is this destination or below it.
    pub current: bool,
}

/// The frame around every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// Name of the product in the header and in titles.
    pub product: String,
    /// Prefix that leads from the page to the root of the site: empty or `../` some times.
    pub base: String,
    /// Who is signed in; `None`: nobody.
    pub user: Option<UserView>,
    /// The choice of the reader.
    pub theme: Theme,
    /// Id of the request that this page answers.
    pub request_id: String,
    /// Token for the first state change of the page; empty when the caller needs none.
    pub csrf_token: String,
    /// Destinations in the header.
    pub nav: Vec<NavEntry>,
    /// Version of the product.
    pub version: String,
}

impl Shell {
    /// Address of an asset, relative to the page.
    pub fn asset(&self, name: &str) -> String {
        format!("{}{}", self.base, assets::address(name))
    }

    /// Addresses of the modules that the module `entry` imports, relative to the page.
    pub fn modules(&self, entry: &str) -> Vec<String> {
        assets::modules(entry).into_iter().map(|name| self.asset(name)).collect()
    }
}
