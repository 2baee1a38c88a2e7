//! Files of the administrator: small ones in memory, with their compressed forms; large ones stay
//! on disk. A file is looked at again on every request, so a change shows at once.

use std::io::{self, Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::content::Content;
use super::serve::{Accepted, Variant};

/// Largest file that is handed out.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Largest file that is kept in memory; of larger ones the digest and an open file are kept.
const MAX_CACHED: u64 = 4 * 1024 * 1024;
/// What a file on disk counts like, so that few are kept open.
const DISK_WEIGHT: u64 = 1024 * 1024;
/// Bytes of all files kept in memory.
const MAX_TOTAL: u64 = 64 * 1024 * 1024;

/// The cache.
pub struct FileCache(moka::sync::Cache<PathBuf, Arc<CachedFile>>);

impl Default for FileCache {
    fn default() -> Self {
        let weight = |_: &PathBuf, file: &Arc<CachedFile>| {
            let bytes = match &file.identity {
                Content::Memory(bytes) => bytes.len() as u64 * 2,
                Content::Disk { .. } => DISK_WEIGHT,
            };
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(MAX_TOTAL).weigher(weight).build())
    }
}

/// A file and its compressed forms.
pub struct CachedFile {
    version: Version,
    digest: String,
    identity: Content,
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
        let of = |content: Content, suffix: &str, encoding| Variant {
            content,
            etag: format!("\"{}{suffix}\"", self.digest),
            encoding,
        };
        let memory = |bytes: &Bytes| Content::Memory(bytes.clone());
        match (&self.brotli, &self.gzip) {
            (Some(body), _) if accepted.brotli => of(memory(body), "-br", Some("br")),
            (_, Some(body)) if accepted.gzip => of(memory(body), "-gz", Some("gzip")),
            _ => of(self.identity.clone(), "", None),
        }
    }
}

impl FileCache {
    /// The file as it is now.
    pub async fn get(&self, path: &Path, kind: &'static str) -> io::Result<Arc<CachedFile>> {
        let known = self.0.get(path);
        let owned = path.to_owned();
        let read = move || read(&owned, known, kind);
        let file = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        self.0.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }
}

fn read(path: &Path, known: Option<Arc<CachedFile>>, kind: &str) -> io::Result<Arc<CachedFile>> {
    if let Some(known) = known
        && Version::of(&std::fs::metadata(path)?) == known.version
    {
        return Ok(known);
    }
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if metadata.len() > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if metadata.len() > MAX_CACHED {
        return Ok(Arc::new(CachedFile {
            version: Version::of(&metadata),
            digest: digest_of(&file, metadata.len())?,
            brotli: None,
            gzip: None,
            identity: Content::Disk { file: Arc::new(file), length: metadata.len() },
        }));
    }
    let mut content = Vec::new();
    file.take(MAX_CACHED).read_to_end(&mut content)?;
    let compressible = kind.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|part| kind.contains(part));
    let worth_it = compressible && content.len() >= 256;
    let smaller = |body: Vec<u8>| (body.len() < content.len()).then(|| Bytes::from(body));
    Ok(Arc::new(CachedFile {
        version: Version::of(&metadata),
        digest: short_hex(&Sha256::digest(&content)),
        brotli: if worth_it { smaller(brotli(&content)?) } else { None },
        gzip: if worth_it { smaller(gzip(&content)?) } else { None },
        identity: Content::Memory(Bytes::from(content)),
    }))
}

/// The digest of a file that is not held in memory.
fn digest_of(mut file: &std::fs::File, length: u64) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut rest = Read::by_ref(&mut file).take(length);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = rest.read(&mut piece)?;
        match piece.get(..count) {
            Some([]) | None => return Ok(short_hex(&digest.finalize())),
            Some(bytes) => digest.update(bytes),
        }
    }
}

fn short_hex(digest: &[u8]) -> String {
    hex::encode(digest.get(..16).unwrap_or_default())
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 64 * 1024, 5, 22);
    writer.write_all(content)?;
    writer.flush()?;
    drop(writer);
    Ok(out)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(content)?;
    writer.finish()
}
