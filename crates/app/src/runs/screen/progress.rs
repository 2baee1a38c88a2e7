//! Progress that programs report to their terminal: `OSC 9 ; 4 ; state ; percent`.

use anstyle_parse::{Parser, Perform};

use super::{TaskProgress, TaskState};

/// Finds reports in the text of one stream, piece by piece.
#[derive(Debug, Default)]
pub struct ProgressReports {
    parser: Parser,
    found: Found,
}

impl ProgressReports {
    /// The last report that ends in this piece.
    pub fn push(&mut self, text: &str) -> Option<TaskProgress> {
        if !self.found.inside && !text.contains('\u{1b}') {
            return None;
        }
        for byte in text.bytes() {
            self.found.inside |= byte == 0x1b;
            self.parser.advance(&mut self.found, byte);
        }
        self.found.report.take()
    }
}

#[derive(Debug, Default)]
struct Found {
    report: Option<TaskProgress>,
    /// Whether a sequence has begun and not ended: other text is not looked at.
    inside: bool,
}

impl Perform for Found {
    fn print(&mut self, _: char) {
        self.inside = false;
    }

    fn unhook(&mut self) {
        self.inside = false;
    }

    fn csi_dispatch(&mut self, _: &anstyle_parse::Params, _: &[u8], _: bool, _: u8) {
        self.inside = false;
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.inside = false;
    }

    fn osc_dispatch(&mut self, parameters: &[&[u8]], _: bool) {
        self.inside = false;
        let [b"9", b"4", state, rest @ ..] = parameters else { return };
        let state = match *state {
            b"0" => TaskState::Hidden,
            b"1" => TaskState::Normal,
            b"2" => TaskState::Error,
            b"3" => TaskState::Indeterminate,
            b"4" => TaskState::Paused,
            _ => return,
        };
        let percent = rest
            .first()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse::<u16>().ok())
            .map(|percent| u8::try_from(percent.min(100)).unwrap_or(100))
            .filter(|_| !matches!(state, TaskState::Hidden | TaskState::Indeterminate));
        self.report = Some(TaskProgress { state, percent });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(percent: u8) -> TaskProgress {
        TaskProgress { state: TaskState::Normal, percent: Some(percent) }
    }

    #[test]
    fn the_last_report_counts() {
        let mut reports = ProgressReports::default();

        assert_eq!(reports.push("no report"), None);
        assert_eq!(reports.push("\x1b]9;4;1;10\x07text\x1b]9;4;1;250\x1b\\"), Some(normal(100)));
        let hidden = TaskProgress { state: TaskState::Hidden, percent: None };
        assert_eq!(reports.push("\x1b]9;4;0;\x07"), Some(hidden));
    }

    #[test]
    fn a_report_may_come_in_pieces() {
        let mut reports = ProgressReports::default();

        assert_eq!(reports.push("x\x1b]9;"), None);
        assert_eq!(reports.push("4;1;4"), None);
        assert_eq!(reports.push("2\x07"), Some(normal(42)));
    }

    #[test]
    fn other_sequences_are_no_reports() {
        let mut reports = ProgressReports::default();

        for other in ["\x1b]9;hello\x07", "\x1b]9;4;7\x07", "\x1b]0;9;4;1\x07", "\x1b[9;4;1m"] {
            assert_eq!(reports.push(other), None, "{other:?}");
        }
    }
}
