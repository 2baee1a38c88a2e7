//! Events of a run as data, the same in an event stream and in answers to polls.

use serde::Serialize;
use webscripts_app::runs::follow::{Cut, OutputText, RunEvent};
use webscripts_app::runs::screen::{Colour, Line, Screen, Span, Style};
use webscripts_domain::clock::Timestamp;

use super::record::{Progress, Record, to_json};

/// An event, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventData {
    /// What kind it is.
    pub name: &'static str,
    /// The number to come back with; events without one leave it as it was.
    pub id: Option<u64>,
    /// A JSON object in one line.
    pub data: String,
}

impl EventData {
    /// What the viewer is told of an event.
    pub fn new(event: &RunEvent, now: Timestamp) -> Self {
        let plain = |name, data| Self { name, id: None, data };
        match event {
            RunEvent::State(view) => plain("state", to_json(&Record::new(view, now))),
            RunEvent::End(view) => plain("end", to_json(&Record::new(view, now))),
            RunEvent::Progress(progress) => plain("progress", to_json(&Progress::from(*progress))),
            RunEvent::Screen(screen) => plain("screen", screen_json(screen)),
            RunEvent::Output { text, spans } => Self {
                name: "output",
                id: Some(text.sequence),
                data: output_json(text, spans.as_deref()),
            },
            RunEvent::Cut(cut) => {
                Self { name: "cut", id: cut.sequences.end.checked_sub(1), data: cut_json(cut) }
            }
        }
    }

    /// Appends it to an event stream (`text/event-stream`).
    pub fn write_to(&self, out: &mut String) {
        out.push_str("event: ");
        out.push_str(self.name);
        if let Some(id) = self.id {
            out.push_str("\nid: ");
            out.push_str(&id.to_string());
        }
        out.push_str("\ndata: ");
        out.push_str(&self.data);
        out.push_str("\n\n");
    }

    /// Appends it to a JSON list, with its kind as a member.
    pub fn write_tagged(&self, out: &mut String) {
        out.push_str("{\"event\":\"");
        out.push_str(self.name);
        out.push_str("\",");
        out.push_str(self.data.strip_prefix('{').unwrap_or("}"));
    }
}

#[derive(Serialize)]
struct OutputJson<'a> {
    sequence: u64,
    stream: &'static str,
    offset: u64,
    time_ms: u32,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<Vec<SpanJson<'a>>>,
}

/// With spans the text is that of the spans, without escape sequences; they themselves are only told
/// when one of them has a look.
fn output_json(text: &OutputText, spans: Option<&[Span]>) -> String {
    let clean: Option<String> =
        spans.map(|spans| spans.iter().map(|span| span.text.as_str()).collect());
    let is_styled = |span: &Span| span.style != Style::default() || span.link.is_some();
    let styled = spans.filter(|spans| spans.iter().any(is_styled));
    to_json(&OutputJson {
        sequence: text.sequence,
        stream: text.stream.name(),
        offset: text.offset,
        time_ms: text.time_ms,
        text: clean.as_deref().unwrap_or(&text.text),
        spans: styled.map(|spans| spans.iter().map(span_json).collect()),
    })
}

#[derive(Serialize)]
struct CutJson {
    from_sequence: u64,
    to_sequence: u64,
    stdout_bytes: u64,
    stderr_bytes: u64,
}

fn cut_json(cut: &Cut) -> String {
    let length = |range: &std::ops::Range<u64>| range.end.saturating_sub(range.start);
    to_json(&CutJson {
        from_sequence: cut.sequences.start,
        to_sequence: cut.sequences.end,
        stdout_bytes: length(&cut.stdout),
        stderr_bytes: length(&cut.stderr),
    })
}

#[derive(Serialize)]
struct SpanJson<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<StyleJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "terminals have this many attributes")]
struct StyleJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    fg: Option<ColourJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bg: Option<ColourJson>,
    #[serde(skip_serializing_if = "is_off")]
    bold: bool,
    #[serde(skip_serializing_if = "is_off")]
    faint: bool,
    #[serde(skip_serializing_if = "is_off")]
    italic: bool,
    #[serde(skip_serializing_if = "is_off")]
    underline: bool,
    #[serde(skip_serializing_if = "is_off")]
    strike: bool,
    #[serde(skip_serializing_if = "is_off")]
    inverse: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ColourJson {
    Indexed(u8),
    Rgb(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_off(flag: &bool) -> bool {
    !flag
}

fn span_json(span: &Span) -> SpanJson<'_> {
    let style = span.style;
    SpanJson {
        text: &span.text,
        link: span.link.as_deref(),
        style: (style != Style::default()).then(|| StyleJson {
            fg: style.foreground.map(colour_json),
            bg: style.background.map(colour_json),
            bold: style.bold,
            faint: style.faint,
            italic: style.italic,
            underline: style.underline,
            strike: style.strike,
            inverse: style.inverse,
        }),
    }
}

fn colour_json(colour: Colour) -> ColourJson {
    match colour {
        Colour::Indexed(number) => ColourJson::Indexed(number),
        Colour::Rgb(red, green, blue) => {
            ColourJson::Rgb(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
    }
}

#[derive(Serialize)]
struct ScreenJson<'a> {
    columns: u16,
    rows: u16,
    first: u64,
    top: u64,
    whole: bool,
    lines: Vec<LineJson<'a>>,
    cursor: Option<CursorJson>,
}

#[derive(Serialize)]
struct LineJson<'a> {
    number: u64,
    spans: Vec<SpanJson<'a>>,
}

#[derive(Serialize)]
struct CursorJson {
    line: u64,
    column: usize,
}

fn line_json(line: &Line) -> LineJson<'_> {
    LineJson { number: line.number, spans: line.spans.iter().map(span_json).collect() }
}

/// What a terminal shows.
pub fn screen_json(screen: &Screen) -> String {
    to_json(&ScreenJson {
        columns: screen.size.columns,
        rows: screen.size.rows,
        first: screen.first,
        top: screen.top,
        whole: screen.whole,
        lines: screen.lines.iter().map(line_json).collect(),
        cursor: screen.cursor.map(|(line, column)| CursorJson { line, column }),
    })
}

#[cfg(test)]
mod tests {
    use webscripts_domain::invocation::TerminalSize;
    use webscripts_domain::run::Stream;

    use super::*;

    fn output(text: &str) -> OutputText {
        OutputText {
            sequence: 3,
            stream: Stream::Stderr,
            offset: 9,
            time_ms: 5,
            text: text.to_owned(),
        }
    }

    fn span(text: &str, style: Style) -> Span {
        Span { text: text.to_owned(), style, link: None }
    }

    #[test]
    fn output_is_one_line_of_json_whatever_it_holds() {
        assert_eq!(
            output_json(&output("a\nb\r\u{1b}[1m\"\u{2028}"), None),
            "{\"sequence\":3,\"stream\":\"stderr\",\"offset\":9,\"time_ms\":5,\
             \"text\":\"a\\nb\\r\\u001b[1m\\\"\u{2028}\"}"
        );
    }

    #[test]
    fn spans_are_told_only_when_one_has_a_look() {
        let plain = [span("a", Style::default()), span("b", Style::default())];
        let json = output_json(&output("\u{1b}[0mab"), Some(&plain));
        assert!(json.ends_with(r#""text":"ab"}"#), "{json}");

        let red = Style {
            foreground: Some(Colour::Indexed(1)),
            background: Some(Colour::Rgb(0, 171, 255)),
            bold: true,
            ..Style::default()
        };
        let json = output_json(&output("?"), Some(&[span("a", Style::default()), span("b", red)]));
        let spans =
            r##""spans":[{"text":"a"},{"text":"b","style":{"fg":1,"bg":"#00abff","bold":true}}]}"##;
        assert!(json.ends_with(&format!("\"text\":\"ab\",{spans}")), "{json}");
    }

    #[test]
    fn an_event_is_written_for_streams_and_for_polls() {
        let cut = Cut { sequences: 2..7, stdout: 10..30, stderr: 0..0 };
        let data = cut_json(&cut);
        let event = EventData { name: "cut", id: Some(6), data };
        let (mut stream, mut poll) = (String::new(), String::new());
        event.write_to(&mut stream);
        event.write_tagged(&mut poll);

        let members = r#""from_sequence":2,"to_sequence":7,"stdout_bytes":20,"stderr_bytes":0}"#;
        assert_eq!(stream, format!("event: cut\nid: 6\ndata: {{{members}\n\n"));
        assert_eq!(poll, format!("{{\"event\":\"cut\",{members}"));
    }

    #[test]
    fn a_screen_tells_its_lines_and_its_cursor() {
        let screen = Screen {
            size: TerminalSize { columns: 80, rows: 24 },
            first: 2,
            top: 4,
            lines: vec![Line { number: 4, spans: vec![span("x", Style::default())] }],
            cursor: Some((4, 1)),
            whole: true,
        };

        assert_eq!(
            screen_json(&screen),
            "{\"columns\":80,\"rows\":24,\"first\":2,\"top\":4,\"whole\":true,\
             \"lines\":[{\"number\":4,\"spans\":[{\"text\":\"x\"}]}],\
             \"cursor\":{\"line\":4,\"column\":1}}"
        );
    }
}
