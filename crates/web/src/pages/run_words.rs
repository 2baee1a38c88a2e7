//! States, times and sizes of runs in words. The modules of the pages say the same in the browser.

use std::time::Duration;

use webscripts_domain::clock::Timestamp;
use webscripts_domain::run::{Outcome, RecordedArgument, RecordedValue, RunRecord, RunState};

/// Most characters of one value in a summary.
const LONGEST_VALUE: usize = 60;
/// Most characters of a summary.
const LONGEST_SUMMARY: usize = 240;
/// What stands for a secret.
pub(super) const SECRET: &str = "••••••";

/// A state in a word and as an icon.
pub(super) fn state(state: RunState, has_started: bool) -> (&'static str, &'static str) {
    match state {
        RunState::Queued => ("Queued", "queued"),
        RunState::Running => ("Running", "running"),
        RunState::Succeeded => ("Succeeded", "check-circle"),
        RunState::Failed if !has_started => ("Could not start", "cross-circle"),
        RunState::Failed => ("Failed", "cross-circle"),
        RunState::TimedOut => ("Timed out", "clock"),
        RunState::Stopped => ("Stopped", "stopped"),
        RunState::Lost => ("Lost", "lost"),
    }
}

/// How long something took: `0.4 s`, `1 min 03 s`, `1 h 02 min 03 s`. Never rounded up.
pub(super) fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match seconds {
        0..=59 => format!("{seconds}.{} s", took.subsec_millis() / 100),
        60..=3599 => format!("{minutes} min {rest:02} s"),
        _ => format!("{} h {:02} min {rest:02} s", minutes / 60, minutes % 60),
    }
}

/// A number of bytes: `812 B`, `4.2 kB`, `64 MB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut tenths = count / 100;
    for unit in UNITS {
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        if tenths < 10_000 || unit == "TB" {
            return format!("{} {unit}", tenths / 10);
        }
        tenths /= 1000;
    }
    format!("{count} B")
}

/// A reason as a sentence: `stopped by Admin` becomes `Stopped by Admin.`
pub(super) fn sentence(reason: &str) -> String {
    let mut rest = reason.chars();
    let Some(first) = rest.next() else { return String::new() };
    let stop = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), rest.as_str())
}

/// A time as machines read it.
pub(super) fn machine_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A time as people read it, in UTC: the server does not know the zone of the reader.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What the script ended with: `exit 3`, `signal 9`; empty while it runs and when it has no end.
pub(super) fn exit(record: &RunRecord) -> String {
    match record.end.map(|end| end.outcome) {
        Some(Outcome::Exited(code)) => format!("exit {code}"),
        Some(Outcome::Signalled(signal)) => format!("signal {signal}"),
        Some(Outcome::TimedOut | Outcome::Cancelled) | None => String::new(),
    }
}

/// How long the run took, or has taken up to `now`; `None`: it has not started.
pub(super) fn took(record: &RunRecord, now: Timestamp) -> Option<Duration> {
    if let Some(end) = record.end {
        return Some(end.took);
    }
    let since = record.ended.unwrap_or(now).duration_since(record.started?);
    Some(Duration::try_from(since).unwrap_or_default())
}

/// The recorded value as text; `None`: it is a secret.
pub(super) fn value(argument: &RecordedArgument) -> Option<String> {
    let RecordedValue::Json(json) = &argument.value else { return None };
    let text = match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Array(values)) => {
            let each = values.iter().map(|value| match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            each.collect::<Vec<_>>().join(", ")
        }
        _ => json.clone(),
    };
    let text = visible(&text);
    Some(if argument.cut { format!("{text}…") } else { text })
}

/// Text in which control characters are symbols, except for tabs and line ends.
fn visible(text: &str) -> String {
    let symbol = |character: char| match character {
        '\t' | '\n' => character,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(character),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        other => other,
    };
    text.chars().map(symbol).collect()
}

/// The arguments in one line, those without a value left out.
pub(super) fn summary(arguments: &[RecordedArgument]) -> String {
    let mut text = String::new();
    for argument in arguments {
        let value = value(argument).unwrap_or_else(|| SECRET.to_owned());
        if matches!(value.as_str(), "" | "false" | "null") {
            continue;
        }
        if !text.is_empty() {
            text.push_str("  ");
        }
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(argument.name.trim_start_matches('-'));
        text.push('=');
        text.push_str(&cut(&value, LONGEST_VALUE));
    }
    cut(&text, LONGEST_SUMMARY)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        let words = [0, 999, 1000, 4_250, 99_999, 812_345, 64_000_000, 5_000_000_000].map(bytes);
        assert_eq!(
            words,
            ["0 B", "999 B", "1.0 kB", "4.2 kB", "99 kB", "812 kB", "64 MB", "5.0 GB"]
        );
    }

    #[test]
    fn durations_are_never_rounded_up() {
        let words = [449, 59_999, 63_000, 3_723_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(words, ["0.4 s", "59.9 s", "1 min 03 s", "1 h 02 min 03 s"]);
    }

    #[test]
    fn reasons_become_sentences() {
        let sentences = ["its time limit passed", "Ended.", "é", ""].map(sentence);
        assert_eq!(sentences, ["Its time limit passed.", "Ended.", "É.", ""]);
    }

    #[test]
    fn control_characters_are_shown_as_symbols() {
        assert_eq!(visible("a\x1b[31m\r\nb\tc\x7f\u{9b}é"), "a␛[31m␍\nb\tc␡\u{fffd}é");
    }

    #[test]
    fn a_summary_names_what_was_given_and_no_secret() {
        let argument = |name: &str, value| RecordedArgument {
            name: name.to_owned(),
            value,
            input: false,
            cut: false,
        };
        let json = |text: &str| RecordedValue::Json(text.to_owned());
        let long = format!("\"{}\"", "x".repeat(100));

        let text = summary(&[
            argument("--host", json("\"srv-01\"")),
            argument("--empty", json("\"\"")),
            argument("--all", json("false")),
            argument("tags", json("[\"a b\",\"c\\nd\"]")),
            argument("--password", RecordedValue::Secret),
            argument("long", json(&long)),
        ]);
        assert_eq!(
            text,
            format!("host=srv-01  tags=a b, c d  password=••••••  long={}…", "x".repeat(60))
        );
    }
}
