//! The list of scripts (web-ui.md B6.2).

use askama::Template;

use super::Shell;
use super::words::comparable;

/// A script in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptEntry {
    /// Name in addresses.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// Short text.
    pub description: Option<String>,
    /// Words about it, such as `live` or `table`.
    pub badges: Vec<String>,
    /// Whether there is documentation.
    pub has_doc: bool,
    /// Whether it does not match; set by [`IndexPage::new`].
    pub hidden: bool,
}

/// Scripts under one heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryView {
    /// The heading.
    pub name: String,
    /// Its scripts, in order.
    pub scripts: Vec<ScriptEntry>,
    /// Whether these have no category of their own: they are shown when they are looked for.
    pub uncategorised: bool,
    /// Whether none of them matches; set by [`IndexPage::new`].
    pub hidden: bool,
}

impl CategoryView {
    /// How many of the scripts match.
    pub fn shown(&self) -> usize {
        self.scripts.iter().filter(|script| !script.hidden).count()
    }
}

/// All scripts that the reader may run.
#[derive(Debug, Clone, Template)]
#[template(path = "index.html")]
pub struct IndexPage {
    /// The frame.
    pub shell: Shell,
    /// Words to look for; empty: everything is shown.
    pub query: String,
    /// The one category to show; empty: all.
    pub category: String,
    /// The scripts. All are in the page, so that the filter needs no request.
    pub categories: Vec<CategoryView>,
    /// How many scripts there are.
    pub count: usize,
    /// How many of them match.
    pub shown: usize,
}

impl IndexPage {
    /// Marks what does not match `query` (words, joined by AND, looked for in label, name, category
    /// and description, without regard to case and accents) or is not in `category`.
    pub fn new(
        shell: Shell,
        query: &str,
        category: &str,
        mut categories: Vec<CategoryView>,
    ) -> Self {
        let query_text = comparable(query);
        let words: Vec<&str> = query_text.split_whitespace().collect();
        for section in &mut categories {
            let looked_for = !words.is_empty() || section.name == category;
            let other = (!category.is_empty() && section.name != category)
                || (section.uncategorised && !looked_for);
            for script in &mut section.scripts {
                let description = script.description.as_deref().unwrap_or_default();
                let text = comparable(&format!(
                    "{} {} {} {description}",
                    script.label, script.name, section.name
                ));
                script.hidden = other || !words.iter().all(|word| text.contains(word));
            }
            section.hidden = section.shown() == 0;
        }
        let count = categories.iter().map(|section| section.scripts.len()).sum();
        let shown = categories.iter().map(CategoryView::shown).sum();
        Self {
            shell,
            query: query.to_owned(),
            category: category.to_owned(),
            categories,
            count,
            shown,
        }
    }
}
