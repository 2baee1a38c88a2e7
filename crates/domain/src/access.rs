//! May this caller run this script?

use crate::catalogue::{AccessRule, Script};
use crate::glob::Glob;
use crate::identity::{Caller, Identity};

/// Proof that a caller may run a script. Only [`authorize`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Authorized<'a> {
    script: &'a Script,
    caller: &'a Caller,
    grant: Grant,
}

impl<'a> Authorized<'a> {
    /// The script.
    pub fn script(self) -> &'a Script {
        self.script
    }

    /// The caller.
    pub fn caller(self) -> &'a Caller {
        self.caller
    }

    /// The rule that allowed it.
    pub fn grant(self) -> Grant {
        self.grant
    }
}

/// Which of the access keys let a caller in (scripts.md §9, first match decides).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A group of the user is in `access_groups`.
    Group,
    /// The user is in `access_users`.
    User,
    /// A group of the user is at least `minimum_access`.
    MinimumAccess,
    /// The script has no access key.
    Unrestricted,
    /// It is the authentication script, which everybody runs to sign in.
    SignIn,
}

impl std::fmt::Display for Grant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Group => "a group of the user is in `access_groups`",
            Self::User => "the user is in `access_users`",
            Self::MinimumAccess => "a group of the user is at least `minimum_access`",
            Self::Unrestricted => "the script has no access key",
            Self::SignIn => "everybody runs the authentication script to sign in",
        })
    }
}

/// Why a caller may not run a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// None of the access keys fits.
    #[error("none of `minimum_access`, `access_groups`, `access_users` fits the user")]
    AccessKeys,
    /// The account is limited to other categories and scripts.
    #[error("neither `categories` nor `scripts` of the account fits this script")]
    CategoriesAndScripts,
}

/// Decides by scripts.md §9; refuses unless a rule allows.
///
/// # Errors
///
/// The part of the rule that refused.
pub fn authorize<'a>(caller: &'a Caller, script: &'a Script) -> Result<Authorized<'a>, Denied> {
    let grant = granted_by(&caller.identity, &script.access).ok_or(Denied::AccessKeys)?;
    if !fits_categories_or_scripts(&caller.identity, script) {
        return Err(Denied::CategoriesAndScripts);
    }
    Ok(Authorized { script, caller, grant })
}

/// Lets anybody run `script` to sign in: access rules do not apply to the authentication script
/// (security.md §8). Only for the script that `auth_script` names.
pub fn authorize_sign_in<'a>(caller: &'a Caller, script: &'a Script) -> Authorized<'a> {
    Authorized { script, caller, grant: Grant::SignIn }
}

fn granted_by(user: &Identity, rule: &AccessRule) -> Option<Grant> {
    let AccessRule { minimum, groups, users } = rule;
    if groups.as_ref().is_some_and(|allowed| user.groups.iter().any(|g| allowed.contains(g))) {
        return Some(Grant::Group);
    }
    if users.as_ref().is_some_and(|allowed| allowed.contains(&user.id)) {
        return Some(Grant::User);
    }
    if minimum.is_some_and(|minimum| user.groups.iter().any(|group| group.0 >= minimum)) {
        return Some(Grant::MinimumAccess);
    }
    (minimum.is_none() && groups.is_none() && users.is_none()).then_some(Grant::Unrestricted)
}

fn fits_categories_or_scripts(user: &Identity, script: &Script) -> bool {
    let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
    any(&user.categories, &script.category) || any(&user.scripts, script.name.as_str())
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::testkit::{caller, script};

    fn decide(caller: &Caller, script: &Script) -> Result<Grant, Denied> {
        authorize(caller, script).map(Authorized::grant)
    }

    #[test]
    fn a_larger_group_than_the_minimum_is_enough() {
        let backup = script("backup.py").minimum_access(50).build();

        assert_eq!(
            decide(&caller("alice").groups([50]).build(), &backup),
            Ok(Grant::MinimumAccess)
        );
        assert_eq!(
            decide(&caller("root").groups([0, 1000]).build(), &backup),
            Ok(Grant::MinimumAccess)
        );
        assert_eq!(decide(&caller("guest").groups([49]).build(), &backup), Err(Denied::AccessKeys));
    }

    #[test]
    fn the_keys_are_alternatives() {
        let both = script("x").minimum_access(1000).access_users([7]).build();

        assert_eq!(decide(&caller("seven").id(7).groups([0]).build(), &both), Ok(Grant::User));
    }

    #[test]
    fn an_empty_list_alone_refuses_everybody() {
        let closed = script("x").access_groups([]).build();

        assert_eq!(
            decide(&caller("root").groups([1000]).build(), &closed),
            Err(Denied::AccessKeys)
        );
    }

    #[test]
    fn an_account_may_be_limited_to_categories_or_scripts() {
        let backup = script("backup.py").category("Ops").build();
        let by_category = caller("a").categories(["O*"]).scripts([]).build();
        let by_name = caller("b").categories([]).scripts(["backup.*"]).build();
        let neither = caller("c").categories(["Office"]).scripts(["x"]).build();

        assert_eq!(decide(&by_category, &backup), Ok(Grant::Unrestricted));
        assert_eq!(decide(&by_name, &backup), Ok(Grant::Unrestricted));
        assert_eq!(decide(&neither, &backup), Err(Denied::CategoriesAndScripts));
    }

    #[test]
    fn a_star_fits_the_empty_category() {
        let hidden = script("x").category("").build();

        assert_eq!(
            decide(&caller("a").categories(["*"]).scripts([]).build(), &hidden),
            Ok(Grant::Unrestricted)
        );
    }
}
