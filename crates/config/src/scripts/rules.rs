//! How the runs of a script are started, limited and shown.

use webscripts_domain::catalogue::{RunRight, RunRules, SecretsVia};
use webscripts_domain::identity::{GroupId, UserId};

use super::{Declaration, Defaults, Used};
use crate::load::Loader;
use crate::typed::Typed;
use crate::{runs, sandbox};

/// Reads the keys of a script that are about its runs.
pub fn read(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
    keys: &Typed<'_>,
    used: &mut Used,
) -> RunRules {
    let size = |name: &str| keys.whole_if_set(name).and_then(|size| usize::try_from(size).ok());
    RunRules {
        terminal: keys.flag("terminal"),
        interactive: keys.flag("interactive"),
        max_concurrent: size("max_concurrent"),
        queue_length: size("queue_length"),
        rate_limit: runs::rate_limit(keys),
        resources: runs::resources(keys),
        output_bytes: keys.whole_if_set("run_output_bytes"),
        sandbox: sandbox::read(loader, defaults.secluded, declared.sections, keys, used),
        secrets_via: secrets_via(keys),
        sha256: keys.text_if_set("sha256").and_then(digest),
        view: right(keys, "view_groups", "view_users"),
        stop: right(keys, "stop_groups", "stop_users"),
    }
}

/// `secrets_via`.
pub fn secrets_via(keys: &Typed<'_>) -> SecretsVia {
    match keys.text("secrets_via").as_str() {
        "stdin" => SecretsVia::Stdin,
        "fd" => SecretsVia::Descriptor,
        _ => SecretsVia::Argv,
    }
}

fn right(keys: &Typed<'_>, groups: &str, users: &str) -> RunRight {
    let numbers = |name: &str| keys.wholes_if_set(name).unwrap_or_default().into_iter();
    RunRight {
        groups: numbers(groups).map(GroupId).collect(),
        users: numbers(users).map(UserId).collect(),
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let mut digits = text.as_bytes().chunks_exact(2);
    for byte in &mut digest {
        let pair = digits.next().and_then(|pair| std::str::from_utf8(pair).ok())?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}
