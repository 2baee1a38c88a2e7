//! Embeds the assets of the pages: one style sheet, the script modules and the images, each with
//! its compressed forms, under one address that changes when any of them changes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The parts of the style sheet, in the order of the cascade.
const STYLE_PARTS: [&str; 11] = [
    "tokens.css",
    "base.css",
    "shell.css",
    "controls.css",
    "fields.css",
    "index.css",
    "script.css",
    "output.css",
    "runs.css",
    "pages.css",
    "adapt.css",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=build.rs");
    let out = folder("OUT_DIR")?;
    let source = folder("CARGO_MANIFEST_DIR")?.join("assets");

    let mut assets = BTreeMap::new();
    assets.insert("style.css".to_owned(), style(&source.join("css"))?);
    collect(&source.join("js"), "js", &mut assets)?;
    collect(&source.join("img"), "img", &mut assets)?;
    fs::write(out.join("assets.rs"), table(&out, &assets)?)?;
    Ok(())
}

/// A folder that Cargo names when it runs this: another working copy may have compiled it.
#[expect(clippy::disallowed_methods, reason = "Cargo names folders in the environment")]
fn folder(variable: &str) -> Result<PathBuf, String> {
    std::env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("{variable} is not set"))
}

/// The style sheet: its parts, one after the other.
fn style(folder: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut style = Vec::new();
    for part in STYLE_PARTS {
        style.extend(fs::read(folder.join(part)).map_err(|error| format!("{part}: {error}"))?);
    }
    let parts = fs::read_dir(folder)?.count();
    if parts != STYLE_PARTS.len() {
        return Err(format!("{parts} files in {}, not all are named", folder.display()).into());
    }
    Ok(style)
}

/// All files below `folder`, named by their path.
fn collect(
    folder: &Path,
    prefix: &str,
    assets: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let file_name = file_name.to_str().ok_or("the name of an asset is not Unicode")?;
        let name = format!("{prefix}/{file_name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, assets)?;
        } else {
            assets.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The Rust source of the table, sorted by name.
fn table(out: &Path, assets: &BTreeMap<String, Vec<u8>>) -> Result<String, Box<dyn Error>> {
    let mut version = Sha256::new();
    let mut rows = String::new();
    for (index, (name, bytes)) in assets.iter().enumerate() {
        version.update(name.as_bytes());
        version.update([0]);
        version.update(Sha256::digest(bytes));
        let file = |form: &str| format!("asset-{index}.{form}");
        fs::write(out.join(file("identity")), bytes)?;
        fs::write(out.join(file("br")), brotli(bytes)?)?;
        fs::write(out.join(file("gz")), gzip(bytes)?)?;
        writeln!(
            rows,
            "    Asset {{ name: {name:?}, content_type: {:?}, digest: {:?}, identity: \
             include_bytes!({:?}), brotli: include_bytes!({:?}), gzip: include_bytes!({:?}), \
             imports: &{:?} }},",
            content_type(name)?,
            short(&Sha256::digest(bytes)),
            file("identity"),
            file("br"),
            file("gz"),
            imports(name, bytes),
        )?;
    }
    Ok(format!(
        "const VERSION: &str = {:?};\n\nstatic ASSETS: [Asset; {}] = [\n{rows}];\n",
        short(&version.finalize()),
        assets.len(),
    ))
}

fn short(digest: &[u8]) -> String {
    hex::encode(digest.get(..10).unwrap_or(digest))
}

fn content_type(name: &str) -> Result<&'static str, String> {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        _ => Err(format!("{name}: assets of this kind have no content type yet")),
    }
}

/// Names of the modules that a module imports: the addresses in its `from '…'` clauses.
fn imports(name: &str, bytes: &[u8]) -> Vec<String> {
    let source = std::str::from_utf8(bytes).unwrap_or_default();
    source
        .lines()
        .filter(|line| line.starts_with("import ") || line.starts_with("} from "))
        .filter_map(|line| line.rsplit_once(" from '")?.1.split_once('\'').map(|(path, _)| path))
        .map(|path| resolve(name, path))
        .collect()
}

/// The name that a relative address in the file `name` stands for.
fn resolve(name: &str, path: &str) -> String {
    let mut folders: Vec<&str> = name.split('/').collect();
    folders.pop();
    for step in path.split('/') {
        match step {
            "." => {}
            ".." => {
                folders.pop();
            }
            _ => folders.push(step),
        }
    }
    folders.join("/")
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 4096, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
