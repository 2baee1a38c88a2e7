//! Style sheet, scripts and images of the pages: embedded, compressed when built, kept by browsers.
//!
//! All assets share one version in their address, `web/assets/<version>/<name>`, so that script
//! modules can import each other by relative addresses. The version changes when any asset does;
//! what an address answers therefore never changes (`Cache-Control: immutable`, web-ui.md B2).

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// `Content-Encoding: gzip`.
    Gzip,
    /// `Content-Encoding: br`.
    Brotli,
}

/// An embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Name behind the version in the address, such as `style.css` or `js/index.js`.
    pub name: &'static str,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    digest: &'static str,
    identity: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
    imports: &'static [&'static str],
}

impl Asset {
    /// The bytes to send.
    pub fn body(&self, encoding: Encoding) -> &'static [u8] {
        match encoding {
            Encoding::Identity => self.identity,
            Encoding::Gzip => self.gzip,
            Encoding::Brotli => self.brotli,
        }
    }

    /// Strong entity tag with its quotes; another one per encoding (RFC 9110 §8.8.3.3).
    pub fn etag(&self, encoding: Encoding) -> String {
        match encoding {
            Encoding::Identity => format!("\"{}\"", self.digest),
            Encoding::Gzip => format!("\"{}-gz\"", self.digest),
            Encoding::Brotli => format!("\"{}-br\"", self.digest),
        }
    }
}

/// The asset at `web/assets/<version>/<name>`. Names may hold `/`.
pub fn find(version: &str, name: &str) -> Option<&'static Asset> {
    if version == VERSION { named(name) } else { None }
}

/// Address of an asset, relative to the root of the site.
pub fn address(name: &str) -> String {
    format!("web/assets/{VERSION}/{name}")
}

/// Names of the modules that `entry` needs, so that a page can ask for all of them at once.
pub fn modules(entry: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut waiting: Vec<&'static str> = named(entry).map_or_else(Vec::new, |a| a.imports.to_vec());
    while let Some(name) = waiting.pop() {
        if !found.contains(&name) {
            found.push(name);
            waiting.extend(named(name).map_or(&[][..], |asset| asset.imports));
        }
    }
    found.sort_unstable();
    found
}

fn named(name: &str) -> Option<&'static Asset> {
    let at = ASSETS.binary_search_by(|asset| asset.name.cmp(name)).ok()?;
    ASSETS.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that would turn text into markup or code (web-ui.md B9).
    const SINKS: [&str; 15] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTML",
        "createContextualFragment",
        "DOMParser",
        "document.write",
        "srcdoc",
        "eval(",
        "new Function",
        "setTimeout('",
        "trustedTypes",
        "javascript:",
        ".setAttribute('on",
        ".setAttribute('style",
    ];

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.body(Encoding::Identity)).unwrap()
    }

    #[test]
    fn an_asset_is_found_at_its_address_alone() {
        let address = address("style.css");
        let (version, name) = address.strip_prefix("web/assets/").unwrap().split_once('/').unwrap();

        let style = find(version, name).unwrap();
        assert_eq!((style.name, style.content_type), ("style.css", "text/css; charset=utf-8"));
        assert!(find("0", "style.css").is_none());
        assert!(find(version, "../style.css").is_none());
    }

    #[test]
    fn every_encoding_has_its_own_entity_tag() {
        let style = named("style.css").unwrap();
        let tags =
            [Encoding::Identity, Encoding::Gzip, Encoding::Brotli].map(|each| style.etag(each));

        assert!(tags.iter().all(|tag| tag.starts_with('"') && tag.ends_with('"')));
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    }

    #[test]
    fn every_imported_module_exists() {
        for asset in &ASSETS {
            for import in asset.imports {
                assert!(named(import).is_some(), "{} imports {import}", asset.name);
            }
        }
    }

    #[test]
    fn no_module_uses_a_markup_sink() {
        for asset in ASSETS.iter().filter(|asset| asset.name.starts_with("js/")) {
            for sink in SINKS {
                assert!(!text(asset).contains(sink), "{} contains {sink}", asset.name);
            }
        }
    }

    #[test]
    fn every_module_is_checked_for_types() {
        for asset in ASSETS.iter().filter(|asset| asset.name.starts_with("js/")) {
            assert!(text(asset).starts_with("// @ts-check\n"), "{}", asset.name);
        }
    }

    #[test]
    fn pages_stay_within_their_budget() {
        let size = |entry: &str| -> usize {
            let of = |name: &str| named(name).unwrap().body(Encoding::Brotli).len();
            modules(entry).into_iter().map(of).sum::<usize>() + of(entry)
        };

        assert!(size("js/script.js") <= 70_000, "{}", size("js/script.js"));
        assert!(size("js/index.js") <= 35_000, "{}", size("js/index.js"));
        assert!(named("style.css").unwrap().body(Encoding::Brotli).len() <= 25_000);
    }
}
