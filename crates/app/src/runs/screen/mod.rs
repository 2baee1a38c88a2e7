//! What escape sequences in the output of a run mean: the one place that interprets them.

mod links;
pub(crate) mod progress;
pub(crate) mod terminal;
pub(crate) mod text;

use std::sync::Arc;

use webscripts_domain::identity::Caller;
use webscripts_domain::invocation::TerminalSize;
use webscripts_domain::run::RunId;

use super::RunAccessError;
use super::follow::{Follow, RunEvent};
use crate::App;

/// Lines of a terminal that are kept above its screen.
pub const SCROLLBACK: usize = 1000;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One of the 256 of terminals; 0 to 15 are those of the theme.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "terminals have this many attributes")]
pub struct Style {
    /// Colour of the letters; `None`: that of the page.
    pub foreground: Option<Colour>,
    /// Colour behind them; `None`: that of the page.
    pub background: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub faint: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// Foreground and background exchanged.
    pub inverse: bool,
}

/// Text of one look. Holds no escape sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Its look.
    pub style: Style,
    /// The page of the web to which it leads (OSC 8). Terminals keep none.
    pub link: Option<Arc<str>>,
}

/// A line of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number: lines are counted from the first one that was ever shown.
    pub number: u64,
    /// What it shows, without blanks at its end.
    pub spans: Vec<Span>,
}

/// What a terminal shows, or what has changed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Its size.
    pub size: TerminalSize,
    /// Number of the first line that is kept; those before it are to be forgotten.
    pub first: u64,
    /// Number of the line at the top of the screen.
    pub top: u64,
    /// The lines (all, or those that have changed), in order. Lines that are not mentioned in a
    /// whole screen are empty.
    pub lines: Vec<Line>,
    /// Number of the line and column (from 0) of the cursor; `None`: it is hidden.
    pub cursor: Option<(u64, usize)>,
    /// Whether `lines` holds everything that is kept: what was shown before is to be forgotten.
    pub whole: bool,
}

/// Progress that a script reports of itself (OSC 9;4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskProgress {
    /// What kind.
    pub state: TaskState,
    /// 0 to 100; `None` when it is not known.
    pub percent: Option<u8>,
}

/// The kinds of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// There is no progress to show any more.
    Hidden,
    /// All is well.
    Normal,
    /// Something went wrong.
    Error,
    /// It goes on, but nobody knows how far it is.
    Indeterminate,
    /// It waits, or something needs attention.
    Paused,
}

impl TaskState {
    /// Its word in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Normal => "normal",
            Self::Error => "error",
            Self::Indeterminate => "indeterminate",
            Self::Paused => "paused",
        }
    }
}

impl App {
    /// What the terminal of a run shows now, or showed last. `None`: it has none.
    ///
    /// # Errors
    ///
    /// When there is no such run for the caller.
    pub async fn screen(
        self: &Arc<Self>,
        caller: &Caller,
        id: RunId,
    ) -> Result<Option<Screen>, RunAccessError> {
        let how = Follow { from: 0, rendered: true };
        let mut follower = self.follow(caller, id, how).await?;
        if !follower.has_terminal() {
            return Ok(None);
        }
        let events = follower.picture().await.map_err(RunAccessError::Output)?;
        Ok(events.into_iter().find_map(|event| match event {
            RunEvent::Screen(screen) => Some(*screen),
            _ => None,
        }))
    }
}
