//! Keys about runs that the server and its scripts have in common.

use std::time::Duration;

use webscripts_domain::catalogue::RateLimit;
use webscripts_domain::sandbox::Resources;

use crate::typed::Typed;

/// `rate_limit`.
pub fn rate_limit(keys: &Typed<'_>) -> Option<RateLimit> {
    keys.text_if_set("rate_limit").and_then(RateLimit::parse)
}

/// The five limits of the kernel.
pub fn resources(keys: &Typed<'_>) -> Resources {
    Resources {
        memory_bytes: keys.whole_if_set("memory_limit"),
        cpu_s: keys.whole_if_set("cpu_limit"),
        processes: keys.whole_if_set("process_limit"),
        open_files: keys.whole_if_set("open_files_limit"),
        file_bytes: keys.whole_if_set("file_size_limit"),
    }
}

/// A key in seconds.
pub fn seconds(keys: &Typed<'_>, name: &str) -> Duration {
    Duration::from_secs(keys.whole(name))
}
