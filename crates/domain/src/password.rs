//! What a password must be before it is hashed.

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;
/// Most bytes of a password; longer ones are refused before any hashing.
pub const MAX_BYTES: usize = 1024;

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("a password has at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Equal to the name, whatever the case.
    #[error("a password is not the user name")]
    IsTheName,
    /// One character over and over.
    #[error("a password is more than one repeated character")]
    Repeated,
}

/// Checks a new password for the account `name`.
///
/// # Errors
///
/// The first rule that is broken.
pub fn check(name: &str, password: &str) -> Result<(), WeakPassword> {
    if password.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    if password.chars().count() < MIN_CHARACTERS {
        return Err(WeakPassword::TooShort);
    }
    if password.to_lowercase() == name.to_lowercase() {
        return Err(WeakPassword::IsTheName);
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return Err(WeakPassword::Repeated);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_named() {
        assert_eq!(check("bob", "short"), Err(WeakPassword::TooShort));
        assert_eq!(check("bob", &"x".repeat(1025)), Err(WeakPassword::TooLong));
        assert_eq!(check("Administrator", "administrator"), Err(WeakPassword::IsTheName));
        assert_eq!(check("bob", "aaaaaaaaaaaa"), Err(WeakPassword::Repeated));
        assert_eq!(check("bob", "correct horse"), Ok(()));
    }
}
