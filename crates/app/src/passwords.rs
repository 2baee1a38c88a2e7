//! Hashing and verifying passwords, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use webscripts_domain::random::{self, NoRandomness, Random};
use webscripts_store::accounts::PasswordHash;

/// Hashes computed at the same time: each takes 19 MiB and a core.
const AT_A_TIME: usize = 2;
/// Requests that may wait for their turn.
const MAX_WAITING: usize = 256;
/// Most rounds of an imported hash that are computed.
const MAX_ROUNDS: u32 = 2_000_000;

/// The password hasher of the server.
pub struct Passwords {
    turns: Semaphore,
    waiting: Semaphore,
    random: Arc<dyn Random>,
    dummy: PasswordHash,
}

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many sign-ins wait already.
    #[error("too many sign-ins are waiting")]
    Busy,
    /// The parameters or the stored hash are not usable.
    #[error("the stored password cannot be read: {0}")]
    Unusable(String),
    /// No randomness for a salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Whether a password fits, and what to store instead of an old kind of hash.
#[derive(Debug)]
pub struct Verdict {
    /// It is the password.
    pub fits: bool,
    /// A hash of today's kind for the same password.
    pub better: Option<PasswordHash>,
}

impl Passwords {
    /// Makes the hasher and the dummy hash that unknown names are compared with.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn new(random: Arc<dyn Random>) -> Result<Self, HashError> {
        let unknowable = hex::encode(random::bytes::<32>(random.as_ref())?);
        let dummy = hash_now(&SecretString::from(unknowable), salt(random.as_ref())?)?;
        Ok(Self {
            turns: Semaphore::new(AT_A_TIME),
            waiting: Semaphore::new(MAX_WAITING),
            random,
            dummy,
        })
    }

    /// Hashes a new password with Argon2id.
    ///
    /// # Errors
    ///
    /// When too many wait, or hashing fails.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, HashError> {
        let salt = salt(self.random.as_ref())?;
        let password = password.clone();
        self.in_turn(move || hash_now(&password, salt)).await
    }

    /// Compares a password with a stored hash. Without one, the same work is done for nothing, so
    /// that unknown names cannot be told by time.
    ///
    /// # Errors
    ///
    /// When too many wait, or the stored hash is damaged.
    pub async fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &SecretString,
    ) -> Result<Verdict, HashError> {
        let known = stored.is_some();
        let against = stored.unwrap_or(&self.dummy).clone();
        let salt = salt(self.random.as_ref())?;
        let password = password.clone();
        self.in_turn(move || {
            let fits = verify_now(&against, &password)? && known;
            let old = !matches!(against, PasswordHash::Argon2id(_));
            let better = if fits && old { Some(hash_now(&password, salt)?) } else { None };
            Ok(Verdict { fits, better })
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| HashError::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| HashError::Busy)?
    }
}

fn salt(random: &dyn Random) -> Result<[u8; 16], NoRandomness> {
    random::bytes(random)
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash_now(password: &SecretString, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
    let hash: phc::PasswordHash = argon2()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map_err(|error| HashError::Unusable(error.to_string()))?;
    Ok(PasswordHash::Argon2id(hash.to_string()))
}

fn verify_now(stored: &PasswordHash, password: &SecretString) -> Result<bool, HashError> {
    let password = password.expose_secret().as_bytes();
    match stored {
        PasswordHash::Argon2id(text) => {
            let hash = phc::PasswordHash::new(text)
                .map_err(|error| HashError::Unusable(error.to_string()))?;
            Ok(argon2().verify_password(password, &hash).is_ok())
        }
        PasswordHash::Pbkdf2Sha512 { hash, salt, rounds } => {
            if hash.len() != 64 || *rounds == 0 || *rounds > MAX_ROUNDS {
                return Err(HashError::Unusable("an imported hash is damaged".to_owned()));
            }
            let mut computed = zeroize::Zeroizing::new([0; 64]);
            pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, *rounds, computed.as_mut());
            Ok(bool::from(computed.ct_eq(hash.as_slice())))
        }
    }
}

#[cfg(test)]
mod tests {
    use webscripts_domain::random::SeededRandom;

    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(Arc::new(SeededRandom::new(1))).unwrap()
    }

    #[tokio::test]
    async fn the_password_fits_and_others_do_not() {
        let passwords = passwords();
        let stored = passwords.hash(&"correct horse".into()).await.unwrap();

        assert!(passwords.verify(Some(&stored), &"correct horse".into()).await.unwrap().fits);
        assert!(!passwords.verify(Some(&stored), &"correct".into()).await.unwrap().fits);
        assert!(!passwords.verify(None, &"correct horse".into()).await.unwrap().fits);
    }

    /// data-files.md §9: the shipped administrator, 1000 rounds, salt `salt`.
    #[tokio::test]
    async fn an_imported_hash_is_verified_and_replaced_by_a_better_one() {
        let mut hash = vec![0; 64];
        pbkdf2::pbkdf2_hmac::<sha2::Sha512>(b"Admin", b"salt", 1000, &mut hash);
        let imported = PasswordHash::Pbkdf2Sha512 { hash, salt: b"salt".to_vec(), rounds: 1000 };
        let passwords = passwords();

        let verdict = passwords.verify(Some(&imported), &"Admin".into()).await.unwrap();

        assert!(verdict.fits);
        let better = verdict.better.unwrap();
        assert!(matches!(better, PasswordHash::Argon2id(_)));
        assert!(passwords.verify(Some(&better), &"Admin".into()).await.unwrap().fits);
        assert!(!passwords.verify(Some(&imported), &"admin".into()).await.unwrap().fits);
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_not_a_refusal() {
        let damaged = PasswordHash::Pbkdf2Sha512 { hash: vec![1], salt: vec![], rounds: 1 };

        assert!(matches!(
            passwords().verify(Some(&damaged), &"x".into()).await,
            Err(HashError::Unusable(_))
        ));
    }
}
