//! The one way a failure reaches a client: every error of a use case becomes a [`Problem`] in an
//! exhaustive `match`, and `respond` writes it in the form the client asked for.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use webscripts_app::documentation::DocumentationError;
use webscripts_app::identify::IdentifyError;
use webscripts_app::live_output::FetchError;
use webscripts_app::run_script::RunError;
use webscripts_app::runs::RunAccessError;
use webscripts_app::runs::control::ControlError;
use webscripts_app::runs::history::{AgainError, DeleteError};
use webscripts_app::sign_in::SignInError;
use webscripts_app::{RunStartError, StoreError};
use webscripts_domain::arguments::ValueError;
use webscripts_domain::clock::Timestamp;
use webscripts_domain::random::NoRandomness;
use webscripts_domain::request::BodyError;

/// A failure as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Status of the answer.
    pub status: StatusCode,
    /// Stable name of the kind of failure.
    pub code: &'static str,
    /// A sentence for the person who asked.
    pub message: String,
    /// What is wrong with which argument.
    pub fields: Vec<(String, String)>,
    /// When to try again: the end of a block.
    pub until: Option<Timestamp>,
    /// Methods that are accepted, for 405.
    pub allow: &'static [&'static str],
}

impl Problem {
    /// A failure without details.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new(), until: None, allow: &[] }
    }

    /// There is nothing at this address.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing at this address.")
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The method does not fit the address.
    pub fn method_not_allowed(allow: &'static [&'static str]) -> Self {
        let message = format!("This address takes {} requests only.", allow.join(" and "));
        Self { allow, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message) }
    }

    /// The address or name has to wait.
    pub fn blocked(until: Timestamp) -> Self {
        let message = "Too many failed sign-ins. Try again later.";
        Self { until: Some(until), ..Self::new(StatusCode::FORBIDDEN, "blocked", message) }
    }

    /// Nothing the caller did. The cause is logged here, once, and not told.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(error), "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The request failed for a reason that is not yours. It has been logged.",
        )
    }

    fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(error), "saved state cannot be reached");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The server cannot reach its database at the moment. Try again later.",
        )
    }

    fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
    }
}

/// An error with all its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        Self::internal(&error)
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Blocked { until } => Self::blocked(until),
            SignInError::Busy => Self::busy(error.to_string()),
            SignInError::Store(error) => Self::unavailable(&error),
            SignInError::NoRandomness(_) => Self::internal(&error),
            SignInError::Broken(_) => Self {
                code: "sign-in-broken",
                message: "Sign-in is not working at the moment.".to_owned(),
                ..Self::internal(&error)
            },
        }
    }
}

impl From<IdentifyError> for Problem {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::SignIn(error) => error.into(),
            IdentifyError::Store(error) => error.into(),
            IdentifyError::BrowserCredential => {
                Self { code: "browser-credential", ..Self::forbidden(error.to_string()) }
            }
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NoSuchScript => Self {
                code: "no-such-script",
                message: "There is no script of this name.".to_owned(),
                ..Self::not_found()
            },
            RunError::Denied(_) => Self {
                code: "script-denied",
                ..Self::forbidden("Your account may not run this script.")
            },
            RunError::CsrfToken => Self {
                code: "csrf-token",
                ..Self::forbidden("This page is too old. Load it again and retry.")
            },
            RunError::Values(errors) => values(&errors),
            RunError::NoPlace(_) => Self::busy("Too many runs are waiting. Try again in a moment."),
            RunError::RateLimited(wait) => Self::busy(format!(
                "You have started too many runs. Try again in {} s.",
                wait.as_secs().max(1)
            )),
            RunError::InvalidKey => Self::new(
                StatusCode::BAD_REQUEST,
                "idempotency-key",
                "An idempotency key has 1 to 255 visible ASCII characters.",
            ),
            RunError::KeyReused => Self::new(
                StatusCode::CONFLICT,
                "idempotency-key-reused",
                "This idempotency key was used for another request.",
            ),
            RunError::Stopping => Self::busy("The server is stopping. Try again in a moment."),
            RunError::Output(_) => Self::internal(&error),
            RunError::Store(error) => error.into(),
            RunError::Start(error) => start(&error),
            RunError::NoRandomness(error) => error.into(),
        }
    }
}

fn values(errors: &[ValueError]) -> Problem {
    let sentences: Vec<String> = errors.iter().take(20).map(ToString::to_string).collect();
    Problem {
        fields: errors.iter().map(|e| (e.argument.clone(), e.problem.to_string())).collect(),
        ..Problem::new(StatusCode::BAD_REQUEST, "values", format!("{}.", sentences.join("; ")))
    }
}

fn start(error: &RunStartError) -> Problem {
    let code = "not-started";
    match error {
        RunStartError::TooLarge(_) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "arguments-too-large",
            "The arguments are larger than the system accepts.",
        ),
        RunStartError::Exhausted(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "exhausted",
            "The server cannot start another process at the moment. Try again later.",
        ),
        RunStartError::NotFound { .. }
        | RunStartError::NotExecutable { .. }
        | RunStartError::Unsafe { .. }
        | RunStartError::Sandbox { .. }
        | RunStartError::Failed { .. } => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code,
            "The script could not be started. Tell an administrator; the cause is in the log.",
        ),
    }
}

impl From<RunAccessError> for Problem {
    fn from(error: RunAccessError) -> Self {
        match error {
            RunAccessError::NotFound => Self {
                code: "no-such-run",
                message: "There is no run of this number for you. It may have been deleted."
                    .to_owned(),
                ..Self::not_found()
            },
            RunAccessError::Store(error) => error.into(),
            RunAccessError::Output(_) => Self::internal(&error),
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let message = format!("{}.", capitalised(&error.to_string()));
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, message.clone());
        match error {
            ControlError::Access(error) => error.into(),
            ControlError::NotAllowed => Self { code: "run-denied", ..Self::forbidden(message) },
            ControlError::NotRunning => conflict("not-running"),
            ControlError::NoInput => conflict("no-input"),
            ControlError::NoTerminal => conflict("no-terminal"),
            ControlError::TooLong => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "input-too-long", message)
            }
        }
    }
}

impl From<AgainError> for Problem {
    fn from(error: AgainError) -> Self {
        match error {
            AgainError::Access(error) => error.into(),
            AgainError::NotRecorded(ref missing) => Self {
                fields: missing
                    .arguments
                    .iter()
                    .map(|name| (name.clone(), "was not recorded".to_owned()))
                    .collect(),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "not-recorded",
                    format!("{}.", capitalised(&error.to_string())),
                )
            },
            AgainError::Run(error) => error.into(),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Self {
        let message = format!("{}.", capitalised(&error.to_string()));
        match error {
            DeleteError::Access(error) => error.into(),
            DeleteError::NotAllowed => Self { code: "run-denied", ..Self::forbidden(message) },
            DeleteError::NotOver => Self::new(StatusCode::CONFLICT, "not-over", message),
        }
    }
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unknown => Self { code: "no-such-key", ..Self::not_found() },
            FetchError::Foreign => Self::forbidden("Somebody else started this script."),
            FetchError::Output(_) => Self::internal(&error),
        }
    }
}

impl From<DocumentationError> for Problem {
    fn from(error: DocumentationError) -> Self {
        match error {
            DocumentationError::Script(error) => error.into(),
            DocumentationError::None => Self {
                code: "no-documentation",
                message: "This script has no documentation.".to_owned(),
                ..Self::not_found()
            },
            DocumentationError::Template(_)
            | DocumentationError::Read(_)
            | DocumentationError::Command(_) => Self::internal(&error),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let message = format!("{}.", capitalised(&error.to_string()));
        match error {
            BodyError::NotARequest(_) => {
                Self::new(StatusCode::NOT_ACCEPTABLE, "not-a-request", message)
            }
            BodyError::TooMany(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many", message),
            BodyError::NotJson(_) | BodyError::NotUtf8(_) => {
                Self::new(StatusCode::BAD_REQUEST, "not-json", message)
            }
            BodyError::Duplicate(ref name) => Self {
                fields: vec![(name.clone(), "occurs twice".to_owned())],
                ..Self::new(StatusCode::BAD_REQUEST, "duplicate-name", message)
            },
            BodyError::NoValue(ref name) => Self {
                fields: vec![(name.clone(), "has no `value`".to_owned())],
                ..Self::new(StatusCode::BAD_REQUEST, "no-value", message)
            },
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
