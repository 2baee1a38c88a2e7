//! The terminal of a run: what it shows, and what has changed since somebody looked.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use avt::Line as Row;
use avt::parser::{Function, Parser};
use avt::terminal::Terminal as Emulation;
use webscripts_domain::invocation::TerminalSize;

use super::text::style_of;
use super::{Line, SCROLLBACK, Screen, Span, TaskProgress};
use crate::runs::output::{Entry, Reader};

/// Largest size that is emulated: a terminal holds all its cells in memory.
const MAX_SIZE: TerminalSize = TerminalSize { columns: 500, rows: 200 };
/// Steps after which lines that left the screen are collected.
const STEPS: usize = 512;

/// Bytes of output that are shown at once.
const STEP_BYTES: usize = 64 * 1024;

/// The terminal of a run, read from its output for all who watch it.
#[derive(Debug)]
pub struct Screens(Mutex<State>);

#[derive(Debug)]
struct State {
    size: Option<TerminalSize>,
    shown: Option<(Terminal, Reader)>,
}

/// What somebody who watches a terminal gets.
#[derive(Debug)]
pub struct Glance {
    /// What has changed.
    pub screen: Screen,
    /// The state to ask with next.
    pub state: u64,
    /// The number of the output that is not shown yet.
    pub next: u64,
    /// The last report of progress since.
    pub progress: Option<TaskProgress>,
    /// Whether there is no more output on disk.
    pub is_current: bool,
}

impl Screens {
    /// The terminal of a run that has one of this size, or has none.
    pub fn new(size: Option<TerminalSize>) -> Self {
        Self(Mutex::new(State { size: size.map(bounded), shown: None }))
    }

    /// Its size; `None`: the run has no terminal.
    pub fn size(&self) -> Option<TerminalSize> {
        self.lock().size
    }

    /// Changes its size.
    pub fn resize(&self, size: TerminalSize) {
        let mut state = self.lock();
        state.size = Some(bounded(size));
        if let Some((terminal, _)) = &mut state.shown {
            terminal.resize(size);
        }
    }

    /// Shows the next output and answers what has changed since a state; `None`: everything. Works
    /// for milliseconds, and longer if the output makes it.
    ///
    /// # Errors
    ///
    /// When the output cannot be read.
    pub fn look(&self, place: &Path, since: Option<u64>, over: bool) -> io::Result<Option<Glance>> {
        let mut state = self.lock();
        let Some(size) = state.size else { return Ok(None) };
        if state.shown.is_none() {
            state.shown = Some((Terminal::new(size), Reader::open(place, 0)?));
        }
        let Some((terminal, reader)) = &mut state.shown else { return Ok(None) };
        let mut entries = reader.read(STEP_BYTES)?;
        let is_current = entries.is_empty();
        if is_current && over {
            entries = reader.finish()?;
        }
        let mut progress = None;
        for entry in &entries {
            match entry {
                Entry::Text(text) => terminal.feed(&text.text),
                Entry::Progress(_, report) => progress = Some(*report),
                Entry::Cut(_) => {}
            }
        }
        let screen = match since {
            Some(state) => terminal.since(state),
            None => terminal.whole(),
        };
        let (state, next) = (terminal.state(), reader.next());
        Ok(Some(Glance { screen, state, next, progress, is_current }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A terminal and the lines above its screen.
#[derive(Debug)]
pub struct Terminal {
    parser: Parser,
    emulation: Emulation,
    /// Lines that left the screen, oldest first, with the state in which they did.
    above: VecDeque<(u64, Vec<Span>)>,
    /// Number of the line at the top of the screen.
    top: u64,
    /// For each row of the screen the state in which it changed last.
    changed: Vec<u64>,
    /// Grows with every change.
    state: u64,
}

/// The size that is emulated in place of this one.
pub fn bounded(size: TerminalSize) -> TerminalSize {
    TerminalSize {
        columns: size.columns.clamp(2, MAX_SIZE.columns),
        rows: size.rows.clamp(1, MAX_SIZE.rows),
    }
}

impl Terminal {
    /// An empty terminal.
    pub fn new(size: TerminalSize) -> Self {
        let size = bounded(size);
        let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
        Self {
            parser: Parser::new(),
            emulation: Emulation::new((columns, rows), Some(0)),
            above: VecDeque::new(),
            top: 0,
            changed: vec![1; rows],
            state: 1,
        }
    }

    /// Shows more text.
    pub fn feed(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.state += 1;
        let mut steps = 0;
        for character in text.chars() {
            let Some(function) = self.parser.feed(character) else { continue };
            self.emulation.execute(bounded_function(function, self.emulation.size()));
            steps += 1;
            if steps % STEPS == 0 {
                self.collect();
            }
        }
        self.collect();
    }

    /// Changes the size.
    pub fn resize(&mut self, size: TerminalSize) {
        let size = bounded(size);
        self.state += 1;
        self.emulation.resize(usize::from(size.columns), usize::from(size.rows));
        self.changed = vec![self.state; usize::from(size.rows)];
        self.collect();
    }

    /// The state to ask [`Terminal::since`] with next.
    pub fn state(&self) -> u64 {
        self.state
    }

    /// Everything that is kept.
    pub fn whole(&self) -> Screen {
        Screen { whole: true, ..self.since(0) }
    }

    /// What has changed since a state.
    pub fn since(&self, state: u64) -> Screen {
        let first = self.top - u64::try_from(self.above.len()).unwrap_or(0);
        let above = (first..).zip(&self.above).filter(|(_, (changed, _))| *changed > state);
        let above = above.map(|(number, (_, spans))| Line { number, spans: spans.clone() });
        let rows = (self.top..).zip(self.emulation.view()).zip(&self.changed);
        let rows = rows.filter(|(_, changed)| **changed > state);
        let rows = rows.map(|((number, row), _)| Line { number, spans: spans_of(row) });
        let cursor = self.emulation.cursor();
        let row = u64::try_from(cursor.row).unwrap_or(0);
        let (columns, height) = self.emulation.size();
        Screen {
            size: TerminalSize {
                columns: u16::try_from(columns).unwrap_or(u16::MAX),
                rows: u16::try_from(height).unwrap_or(u16::MAX),
            },
            first,
            top: self.top,
            lines: above.chain(rows).collect(),
            cursor: cursor.visible.then_some((self.top + row, cursor.col)),
            whole: false,
        }
    }

    /// Takes over what left the screen and notes which rows have changed.
    fn collect(&mut self) {
        for row in self.emulation.changes() {
            if let Some(changed) = self.changed.get_mut(row) {
                *changed = self.state;
            }
        }
        let left: Vec<Vec<Span>> = self.emulation.gc().map(|row| spans_of(&row)).collect();
        self.top += u64::try_from(left.len()).unwrap_or(0);
        self.above.extend(left.into_iter().map(|spans| (self.state, spans)));
        let surplus = self.above.len().saturating_sub(SCROLLBACK);
        self.above.drain(..surplus);
    }
}

/// A few bytes must not cause the work of thousands: counts beyond the screen have no further
/// effect on it.
fn bounded_function(function: Function, (columns, rows): (usize, usize)) -> Function {
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    match function {
        Function::Rep(count) => Function::Rep(count.min(columns)),
        Function::Su(count) => Function::Su(count.min(rows)),
        Function::Sd(count) => Function::Sd(count.min(rows)),
        Function::Il(count) => Function::Il(count.min(rows)),
        Function::Dl(count) => Function::Dl(count.min(rows)),
        Function::Cht(count) => Function::Cht(count.min(columns)),
        Function::Cbt(count) => Function::Cbt(count.min(columns)),
        other => other,
    }
}

fn spans_of(row: &Row) -> Vec<Span> {
    let mut spans: Vec<Span> = row
        .chunks(|one, other| one.pen() != other.pen())
        .filter_map(|cells| {
            let style = style_of(cells.first()?.pen());
            Some(Span { text: cells.iter().map(avt::Cell::char).collect(), style, link: None })
        })
        .collect();
    if let Some(last) = spans.last_mut()
        && last.style == super::Style::default()
    {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if last.text.is_empty() {
            spans.pop();
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::screen::{Colour, Style};

    const SIZE: TerminalSize = TerminalSize { columns: 10, rows: 3 };

    fn texts(screen: &Screen) -> Vec<(u64, String)> {
        let text = |line: &Line| line.spans.iter().map(|span| span.text.as_str()).collect();
        screen.lines.iter().map(|line| (line.number, text(line))).collect()
    }

    fn lines(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut terminal = Terminal::new(SIZE);
        terminal.feed("one\r\ntwo");
        let state = terminal.state();
        assert_eq!(texts(&terminal.whole()), lines(&[(0, "one"), (1, "two"), (2, "")]));

        terminal.feed("\rTWO \x1b[31mred");

        let screen = terminal.since(state);
        let red = Style { foreground: Some(Colour::Indexed(1)), ..Style::default() };
        assert_eq!(
            screen.lines,
            [Line {
                number: 1,
                spans: vec![
                    Span { text: "TWO ".to_owned(), style: Style::default(), link: None },
                    Span { text: "red".to_owned(), style: red, link: None },
                ]
            }]
        );
        assert_eq!((screen.top, screen.cursor, screen.whole), (0, Some((1, 7)), false));
        assert_eq!(terminal.since(terminal.state()).lines, []);
    }

    #[test]
    fn lines_that_left_the_screen_keep_their_numbers() {
        let mut terminal = Terminal::new(SIZE);
        let state = terminal.state();

        terminal.feed("a\r\nb\r\nc\r\nd\r\ne");

        let screen = terminal.since(state);
        assert_eq!((screen.first, screen.top), (0, 2));
        assert_eq!(texts(&screen), lines(&[(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]));
    }

    #[test]
    fn old_lines_are_forgotten() {
        let mut terminal = Terminal::new(SIZE);

        terminal.feed(&"x\r\n".repeat(5_000));

        let screen = terminal.whole();
        let kept = u64::try_from(SCROLLBACK).unwrap();
        assert_eq!((screen.first, screen.top), (4_998 - kept, 4_998));
        assert_eq!(screen.lines.len(), SCROLLBACK + 3);
    }

    #[test]
    fn a_few_bytes_never_cause_endless_work_or_memory() {
        let mut terminal = Terminal::new(TerminalSize { columns: 60_000, rows: 60_000 });

        terminal.feed("\x1b[8;60000;60000t");
        terminal.feed(&"x\x1b[65535b\x1b[65535S\x1b[65535L\x1b[65535I".repeat(100));

        assert_eq!(terminal.whole().size, MAX_SIZE);
    }
}
