//! The key a client gives a request, so that it is done once, with a digest of what it asks for.

use sha2::{Digest as _, Sha256};
use webscripts_domain::arguments::CheckedArguments;
use webscripts_domain::catalogue::Script;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{RecordedArgument, RecordedValue};
use webscripts_store::runs::RequestKey;
use zeroize::Zeroizing;

use super::queue::NoPlace;
use super::start::{MAX_KEY_LENGTH, StartRun};
use crate::App;
use crate::run_script::RunError;

impl App {
    /// The key of a request; `None`: it has none.
    ///
    /// The digest covers every value. It is stored, so that of a request with secrets is Argon2id at
    /// the cost of a password: who reads the database can only guess one secret after the other, as
    /// with the passwords that stand beside it. The salt is made from user, script and key and needs
    /// no state of its own: the same request is recognised after a restart.
    pub(super) async fn request_key(
        &self,
        user: UserId,
        order: &StartRun<'_>,
        script: &Script,
        checked: &CheckedArguments<'_>,
        recorded: &[RecordedArgument],
    ) -> Result<Option<RequestKey>, RunError> {
        let Some(key) = order.idempotency_key else { return Ok(None) };
        let fits = !key.is_empty()
            && key.len() <= MAX_KEY_LENGTH
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(RunError::InvalidKey);
        }
        let asked = what_is_asked(order, script);
        let is_secret = checked.secrets().next().is_some()
            || recorded.iter().any(|argument| argument.value == RecordedValue::Secret);
        let digest = if is_secret {
            let salt = salt(user, script, key);
            // Hashing fails only when too many requests wait for it.
            self.request_digests.digest(asked, salt).await.map_err(|_| RunError::from(NoPlace))?
        } else {
            Sha256::digest(&*asked).into()
        };
        Ok(Some(RequestKey { key: key.to_owned(), digest }))
    }
}

/// Everything that makes one request differ from another, in one way only.
fn what_is_asked(order: &StartRun<'_>, script: &Script) -> Zeroizing<Vec<u8>> {
    let mut asked = Zeroizing::new(Vec::new());
    add(&mut asked, script.name.as_str());
    let size = order.wishes.terminal.map(|size| (size.columns, size.rows));
    add(&mut asked, &format!("{size:?}"));
    for argument in &order.request.arguments {
        add(&mut asked, &argument.name);
        add(&mut asked, &Zeroizing::new(argument.value.to_json()));
        add(&mut asked, if argument.input { "input" } else { "word" });
    }
    asked
}

fn salt(user: UserId, script: &Script, key: &str) -> [u8; 32] {
    let mut parts = Vec::new();
    add(&mut parts, "webscripts request");
    add(&mut parts, &user.0.to_string());
    add(&mut parts, script.name.as_str());
    add(&mut parts, key);
    Sha256::digest(&parts).into()
}

/// Appends a part with its length, so that no two lists of parts are the same bytes.
fn add(parts: &mut Vec<u8>, part: &str) {
    parts.extend_from_slice(&part.len().to_le_bytes());
    parts.extend_from_slice(part.as_bytes());
}
