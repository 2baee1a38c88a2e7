//! Text with escape sequences becomes text in colours. Nothing but colours and links is interpreted:
//! text that is not meant for a terminal keeps its blanks and line ends.

use avt::parser::{Function, Parser};
use avt::terminal::Terminal;
use avt::{Color, Pen};

use super::links::Links;
use super::{Colour, Span, Style};

/// Interprets the text of one stream, piece by piece.
#[derive(Debug)]
pub struct StyledText {
    parser: Parser,
    /// A terminal of one line that is written to after a change of colours: the emulation alone
    /// knows what such a sequence means.
    pen: Terminal,
    style: Style,
    links: Links,
}

impl Default for StyledText {
    fn default() -> Self {
        Self {
            parser: Parser::new(),
            pen: Terminal::new((2, 1), Some(0)),
            style: Style::default(),
            links: Links::default(),
        }
    }
}

impl StyledText {
    /// The next piece in its colours. Neighbours never look alike.
    pub fn push(&mut self, text: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for character in text.chars() {
            self.links.push(character);
            let Some(function) = self.parser.feed(character) else { continue };
            let shown = match function {
                Function::Print(character) => character,
                Function::Lf | Function::Nel => '\n',
                Function::Cr => '\r',
                Function::Ht => '\t',
                Function::Bs => '\u{8}',
                change @ Function::Sgr(_) => {
                    self.style = self.style_after(change);
                    continue;
                }
                _ => continue,
            };
            let link = self.links.address();
            match spans.last_mut() {
                Some(last) if last.style == self.style && last.link.as_ref() == link => {
                    last.text.push(shown);
                }
                _ => spans.push(Span {
                    text: shown.to_string(),
                    style: self.style,
                    link: link.cloned(),
                }),
            }
        }
        spans
    }

    fn style_after(&mut self, change: Function) -> Style {
        self.pen.execute(change);
        self.pen.execute(Function::Cr);
        self.pen.execute(Function::Print('x'));
        let cell = self.pen.line(0).cells().first();
        cell.map(|cell| style_of(cell.pen())).unwrap_or_default()
    }
}

/// The look of a cell of the emulation.
pub fn style_of(pen: &Pen) -> Style {
    let colour = |colour: Option<Color>| {
        colour.map(|colour| match colour {
            Color::Indexed(number) => Colour::Indexed(number),
            Color::RGB(rgb) => Colour::Rgb(rgb.r, rgb.g, rgb.b),
        })
    };
    Style {
        foreground: colour(pen.foreground()),
        background: colour(pen.background()),
        bold: pen.is_bold(),
        faint: pen.is_faint(),
        italic: pen.is_italic(),
        underline: pen.is_underline(),
        strike: pen.is_strikethrough(),
        inverse: pen.is_inverse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Span {
        Span { text: text.to_owned(), style: Style::default(), link: None }
    }

    #[test]
    fn colours_become_spans_also_when_a_sequence_is_split() {
        let mut text = StyledText::default();
        let red = Style { foreground: Some(Colour::Indexed(1)), ..Style::default() };
        let bold_red = Style { bold: true, ..red };

        assert_eq!(text.push("a\tb\n\x1b[3"), [plain("a\tb\n")]);
        assert_eq!(
            text.push("1mred\x1b[1mbold\x1b[22mred"),
            [
                Span { text: "red".to_owned(), style: red, link: None },
                Span { text: "bold".to_owned(), style: bold_red, link: None },
                Span { text: "red".to_owned(), style: red, link: None },
            ]
        );
        assert_eq!(text.push("\x1b[0m end"), [plain(" end")]);
    }

    #[test]
    fn all_colours_of_terminals_are_known() {
        let mut text = StyledText::default();

        let spans = text.push("\x1b[38;5;208;48;2;1;2;3mx");

        let style = Style {
            foreground: Some(Colour::Indexed(208)),
            background: Some(Colour::Rgb(1, 2, 3)),
            ..Style::default()
        };
        assert_eq!(spans, [Span { text: "x".to_owned(), style, link: None }]);
    }

    #[test]
    fn everything_else_is_left_out() {
        let mut text = StyledText::default();

        let spans = text.push("a\x1b[2J\x1b]0;title\x07\x1b]9;4;1;5\x1b\\b\x1b[5;5H\x07\0c<b>");

        assert_eq!(spans, [plain("abc<b>")]);
    }

    #[test]
    fn links_are_told_also_when_they_are_split() {
        let mut text = StyledText::default();
        let linked = |part: &str| Span { link: Some("https://x/".into()), ..plain(part) };

        assert_eq!(text.push("see \x1b]8;;https"), [plain("see ")]);
        assert_eq!(text.push("://x/\x1b\\the "), [linked("the ")]);
        assert_eq!(text.push("page\x1b]8;;\x07."), [linked("page"), plain(".")]);
    }
}
