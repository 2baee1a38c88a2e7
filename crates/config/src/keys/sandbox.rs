//! Keys of a section that `sandbox` names.

use super::Key;
use super::Kind::{Network, Text, Texts, Word};

const fn key(name: &'static str, kind: super::Kind, meaning: &'static str) -> Key {
    Key::new(name, kind, None, meaning)
}

/// Keys of a section that `sandbox` names.
pub const SANDBOX_KEYS: &[Key] = &[
    Key::new(
        "preset",
        Word(&["none", "default", "strict"]),
        Some(r#""default""#),
        "What the other keys are added to.",
    ),
    key("read", Texts, "Files and directories that runs may read and execute besides."),
    key("write", Texts, "Files and directories that runs may read and change besides."),
    key(
        "network",
        Network,
        "Connections: true, false, or the TCP ports to connect to; unset: as the preset says.",
    ),
    key("user", Text, "Account that runs have; the server must be allowed to change accounts."),
    key("group", Text, "Group that runs have; unset: that of `user`."),
];
