//! Files of the administrator in memory, with their compressed forms. A file is looked at again
//! on every request, so a change shows at once.

use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::serve::{Accepted, Variant};

/// Largest file that is handed out.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Largest file that is kept in memory; larger ones are read on each request.
const MAX_CACHED: u64 = 4 * 1024 * 1024;
/// Bytes of all files kept in memory.
const MAX_TOTAL: u64 = 64 * 1024 * 1024;

/// The cache.
pub struct FileCache(moka::sync::Cache<PathBuf, Arc<CachedFile>>);

impl Default for FileCache {
    fn default() -> Self {
        let weight = |_: &PathBuf, file: &Arc<CachedFile>| {
            u32::try_from(file.identity.len() * 2).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(MAX_TOTAL).weigher(weight).build())
    }
}

/// A file and its compressed forms.
pub struct CachedFile {
    version: Version,
    digest: String,
    identity: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

/// What changes when a file changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Version {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl CachedFile {
    /// The smallest form the client takes.
    pub fn variant(&self, accepted: Accepted) -> Variant {
        let of = |body: &Bytes, suffix: &str, encoding| Variant {
            body: body.clone(),
            etag: format!("\"{}{suffix}\"", self.digest),
            encoding,
        };
        match (&self.brotli, &self.gzip) {
            (Some(body), _) if accepted.brotli => of(body, "-br", Some("br")),
            (_, Some(body)) if accepted.gzip => of(body, "-gz", Some("gzip")),
            _ => of(&self.identity, "", None),
        }
    }
}

impl FileCache {
    /// The file as it is now.
    pub async fn get(&self, path: &Path, kind: &'static str) -> std::io::Result<Arc<CachedFile>> {
        let known = self.0.get(path);
        let owned = path.to_owned();
        let read = move || read(&owned, known, kind);
        let file = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)??;
        if file.version.length <= MAX_CACHED {
            self.0.insert(path.to_owned(), Arc::clone(&file));
        }
        Ok(file)
    }
}

fn read(
    path: &Path,
    known: Option<Arc<CachedFile>>,
    kind: &str,
) -> std::io::Result<Arc<CachedFile>> {
    if let Some(known) = known
        && Version::of(&std::fs::metadata(path)?) == known.version
    {
        return Ok(known);
    }
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    if metadata.len() > MAX_FILE {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    let mut content = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut content)?;
    let compressible = kind.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|part| kind.contains(part));
    let small = compressible && (256..=MAX_CACHED).contains(&metadata.len());
    let smaller = |body: Vec<u8>| (body.len() < content.len()).then(|| Bytes::from(body));
    Ok(Arc::new(CachedFile {
        version: Version::of(&metadata),
        digest: hex::encode(Sha256::digest(&content).get(..16).unwrap_or_default()),
        brotli: if small { smaller(brotli(&content)?) } else { None },
        gzip: if small { smaller(gzip(&content)?) } else { None },
        identity: Bytes::from(content),
    }))
}

fn brotli(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 64 * 1024, 5, 22);
    writer.write_all(content)?;
    writer.flush()?;
    drop(writer);
    Ok(out)
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(content)?;
    writer.finish()
}
