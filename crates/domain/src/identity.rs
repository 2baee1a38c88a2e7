//! Who is calling.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::glob::Glob;

/// Number of a user. 0 and 1 are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl UserId {
    /// Nobody has signed in (security.md §2).
    pub const NOT_AUTHENTICATED: Self = Self(0);
    /// Signed in, but the record does not fit the caller (security.md §2). Spelled as the reference does.
    pub const UNKNOW: Self = Self(1);
}

impl std::fmt::Display for UserId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// Number of a group. By convention 50 users, 500 developers, 750 maintainers, 1000 administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub i64);

impl std::fmt::Display for GroupId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// A user as access rules and scripts see them.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Number; unique.
    pub id: UserId,
    /// Name as it was given, not escaped.
    pub name: String,
    /// Groups, in the order of the account.
    pub groups: Vec<GroupId>,
    /// Categories of scripts the user may run, as patterns.
    pub categories: Vec<Glob>,
    /// Names of scripts the user may run, as patterns.
    pub scripts: Vec<Glob>,
    /// Further attributes of an authentication script, handed to scripts in `USER`.
    pub custom: serde_json::Map<String, serde_json::Value>,
}

impl Identity {
    /// The visitor who has not signed in: id 0, group 0, may see everything that asks for no group.
    pub fn not_authenticated() -> Self {
        Self::built_in(UserId::NOT_AUTHENTICATED, "Not Authenticated", vec![GroupId(0)])
    }

    /// The caller whose session does not belong to this address: id 1, groups 0 and 1.
    pub fn unknow() -> Self {
        Self::built_in(UserId::UNKNOW, "Unknow", vec![GroupId(0), GroupId(1)])
    }

    fn built_in(id: UserId, name: &str, groups: Vec<GroupId>) -> Self {
        Self {
            id,
            name: name.to_owned(),
            groups,
            categories: vec![Glob::any()],
            scripts: vec![Glob::any()],
            custom: serde_json::Map::new(),
        }
    }

    /// Whether this is a person or program with an account.
    pub fn is_signed_in(&self) -> bool {
        self.id != UserId::NOT_AUTHENTICATED && self.id != UserId::UNKNOW
    }

    /// Whether one of the groups is an administrators' group (`admin_groups`).
    pub fn is_administrator(&self, admin_groups: &[GroupId]) -> bool {
        self.is_signed_in() && self.groups.iter().any(|group| admin_groups.contains(group))
    }
}

/// How a caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Not at all.
    None,
    /// Session in the cookie `SessionID`; state changes need a CSRF token.
    SessionCookie,
    /// Session in the header `Api-Token`.
    ApiToken,
    /// `Authorization: Basic`.
    Basic,
    /// Header `Api-Key`.
    ApiKey,
}

/// Who is calling, from where, and how we know.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The user.
    pub identity: Identity,
    /// The address of the client (security.md §9).
    pub address: IpAddr,
    /// The kind of proof.
    pub credential: Credential,
    /// The session, when there is one.
    pub session: Option<crate::session::SessionKey>,
}

impl Caller {
    /// A visitor without credentials.
    pub fn anonymous(address: IpAddr) -> Self {
        Self {
            identity: Identity::not_authenticated(),
            address,
            credential: Credential::None,
            session: None,
        }
    }

    /// Whether a state change needs a CSRF token: browsers send cookies by themselves.
    pub fn needs_csrf_token(&self) -> bool {
        self.credential == Credential::SessionCookie
    }
}
