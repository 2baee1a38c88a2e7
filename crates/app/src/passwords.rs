//! Hashing and verifying passwords, a few at a time.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use webscripts_domain::random::{self, NoRandomness, Random};
use webscripts_store::accounts::PasswordHash;
use zeroize::Zeroizing;

/// Hashes computed at the same time: each takes 19 MiB and a core.
const AT_A_TIME: usize = 2;
/// Requests that may wait for their turn.
const MAX_WAITING: usize = 256;
/// Most rounds of an imported hash that are computed.
const MAX_ROUNDS: u32 = 2_000_000;
/// Most memory a stored hash may ask for, in blocks of 1 KiB.
const MAX_BLOCKS: usize = 64 * 1024;
/// Bytes of a new hash.
const HASH_BYTES: usize = 32;

/// The password hasher of the server.
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Semaphore,
    memories: Arc<Memories>,
    random: Arc<dyn Random>,
    dummy: PasswordHash,
}

/// The memory of hashes that are not being computed now. It is used again: given back to the
/// allocator, it would stay behind in the arena of every thread that ever computed a hash.
#[derive(Default)]
struct Memories(Mutex<Vec<Vec<Block>>>);

impl Memories {
    /// Does work with some memory, as large as the work left it the last time.
    fn lend<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let free =
            |memories: &Self| memories.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = free(self).unwrap_or_default();
        let result = work(&mut memory);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        result
    }
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
        let dummy = dummy(random.as_ref())?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Semaphore::new(MAX_WAITING),
            memories: Arc::default(),
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
        self.in_turn(move |memory| hash_now(&password, salt, memory)).await
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
        self.in_turn(move |memory| {
            let fits = verify_now(&against, &password, memory)? && known;
            let old = !matches!(against, PasswordHash::Argon2id(_));
            let better = if fits && old { Some(hash_now(&password, salt, memory)?) } else { None };
            Ok(Verdict { fits, better })
        })
        .await
    }

    /// A digest of bytes that hold secrets: as hard to search as a stored password, and the same for
    /// the same bytes and salt, also after a restart.
    ///
    /// # Errors
    ///
    /// When too many wait, or hashing fails.
    pub(crate) async fn digest(
        &self,
        secret: Zeroizing<Vec<u8>>,
        salt: [u8; 32],
    ) -> Result<[u8; HASH_BYTES], HashError> {
        self.in_turn(move |memory| {
            let mut out = [0; HASH_BYTES];
            argon2id(Params::default(), &secret, &salt, &mut out, memory)?;
            Ok(out)
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| HashError::Busy)?;
        let memories = Arc::clone(&self.memories);
        let work = move || {
            // The work goes on when nobody waits for it any more; its turn ends with it.
            let _turn = turn;
            memories.lend(work)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| HashError::Busy)?
    }
}

/// What unknown names are compared with: a salt and a hash that no password is known for. Comparing
/// costs what it costs for any other hash; making it costs nothing.
fn dummy(random: &dyn Random) -> Result<PasswordHash, NoRandomness> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    let params = Params::default();
    let salt = STANDARD_NO_PAD.encode(salt(random)?);
    let hash = STANDARD_NO_PAD.encode(random::bytes::<HASH_BYTES>(random)?);
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(PasswordHash::Argon2id(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}")))
}

fn salt(random: &dyn Random) -> Result<[u8; 16], NoRandomness> {
    random::bytes(random)
}

/// Argon2id over `password`, in memory that is made large enough.
fn argon2id(
    params: Params,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), HashError> {
    let blocks = params.block_count();
    if blocks > MAX_BLOCKS {
        return Err(HashError::Unusable(format!("it asks for {blocks} KiB of memory")));
    }
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    hasher.hash_password_into_with_memory(password, salt, out, memory).map_err(unusable)
}

fn unusable(error: impl std::fmt::Display) -> HashError {
    HashError::Unusable(error.to_string())
}

fn hash_now(
    password: &SecretString,
    salt: [u8; 16],
    memory: &mut Vec<Block>,
) -> Result<PasswordHash, HashError> {
    let params = Params::default();
    let mut out = Zeroizing::new([0; HASH_BYTES]);
    let password = password.expose_secret().as_bytes();
    argon2id(params.clone(), password, &salt, out.as_mut(), memory)?;
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: phc::ParamsString::try_from(&params).map_err(unusable)?,
        salt: Some(phc::Salt::new(&salt).map_err(unusable)?),
        hash: Some(phc::Output::new(out.as_ref()).map_err(unusable)?),
    };
    Ok(PasswordHash::Argon2id(hash.to_string()))
}

fn verify_now(
    stored: &PasswordHash,
    password: &SecretString,
    memory: &mut Vec<Block>,
) -> Result<bool, HashError> {
    let password = password.expose_secret().as_bytes();
    match stored {
        PasswordHash::Argon2id(text) => {
            let stored = phc::PasswordHash::new(text).map_err(unusable)?;
            let fits_kind = stored.algorithm == Algorithm::Argon2id.ident()
                && stored.version == Some(Version::V0x13.into());
            let (true, Some(salt), Some(hash)) = (fits_kind, &stored.salt, &stored.hash) else {
                return Err(HashError::Unusable("it is no Argon2id hash".to_owned()));
            };
            let params = Params::try_from(&stored).map_err(unusable)?;
            let mut computed = Zeroizing::new(vec![0; hash.len()]);
            argon2id(params, password, salt, &mut computed, memory)?;
            Ok(bool::from(computed.ct_eq(hash.as_bytes())))
        }
        PasswordHash::Pbkdf2Sha512 { hash, salt, rounds } => {
            if hash.len() != 64 || *rounds == 0 || *rounds > MAX_ROUNDS {
                return Err(HashError::Unusable("an imported hash is damaged".to_owned()));
            }
            let mut computed = Zeroizing::new([0; 64]);
            pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, *rounds, computed.as_mut());
            Ok(bool::from(computed.ct_eq(hash.as_slice())))
        }
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;
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
    async fn the_parameters_of_a_stored_hash_are_used_up_to_a_limit() {
        let passwords = passwords();
        let stored = passwords.hash(&"password".into()).await.unwrap();
        let PasswordHash::Argon2id(text) = &stored else { panic!("{stored:?}") };
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let standard = Argon2::default();
        assert!(
            standard.verify_password(b"password", &phc::PasswordHash::new(text).unwrap()).is_ok()
        );

        let greedy = PasswordHash::Argon2id(text.replace("m=19456", "m=4000000"));
        assert!(matches!(
            passwords.verify(Some(&greedy), &"password".into()).await,
            Err(HashError::Unusable(_))
        ));
        let other = PasswordHash::Argon2id(text.replace("m=19456", "m=1024"));
        assert!(!passwords.verify(Some(&other), &"password".into()).await.unwrap().fits);
        assert!(passwords.verify(Some(&stored), &"password".into()).await.unwrap().fits);
    }

    #[tokio::test]
    async fn a_digest_tells_secrets_apart_and_is_the_same_after_a_restart() {
        let digest = async |random, secret: &[u8], salt| {
            let passwords = Passwords::new(Arc::new(SeededRandom::new(random))).unwrap();
            passwords.digest(Zeroizing::new(secret.to_vec()), salt).await.unwrap()
        };

        let first = digest(1, b"1234", [1; 32]).await;

        assert_eq!(digest(2, b"1234", [1; 32]).await, first);
        assert_ne!(digest(1, b"1235", [1; 32]).await, first);
        assert_ne!(digest(1, b"1234", [2; 32]).await, first);
    }

    #[tokio::test]
    async fn memory_is_used_again() {
        let passwords = passwords();
        for _ in 0..5 {
            passwords.verify(None, &"x".into()).await.unwrap();
        }

        assert_eq!(passwords.memories.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_name_nobody_has_costs_as_much_as_one_somebody_has() {
        let passwords = passwords();
        let stored = passwords.hash(&"correct horse".into()).await.unwrap();
        let parameters = |hash: &PasswordHash| match hash {
            PasswordHash::Argon2id(text) => text.rsplitn(3, '$').last().unwrap().to_owned(),
            PasswordHash::Pbkdf2Sha512 { .. } => panic!("today's kind is Argon2id"),
        };

        assert_eq!(parameters(&passwords.dummy), parameters(&stored));
        assert!(!passwords.verify(None, &"x".into()).await.unwrap().fits);
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
