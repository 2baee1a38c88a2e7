//! The figures as text.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::figures::{Comparison, Figure, Figures, Spread, Target};

const BEGIN: &str = "<!-- figures:begin -->";
const END: &str = "<!-- figures:end -->";

const COMPARISON_COLUMNS: [&str; 8] = [
    "Goal",
    "Work",
    "Unit",
    "Server",
    "Compared with",
    "Ratio",
    "Goal of the ratio",
    "CPU µs/request",
];
const VALUE_COLUMNS: [&str; 5] = ["Goal", "What", "Unit", "Value", "Goal of the value"];

/// Everything for a terminal.
pub fn plain(figures: &Figures) -> String {
    format!("\n{}\n", markdown(figures))
}

/// Puts the figures between the two marks of a Markdown file and leaves the rest as it is.
pub fn write_section(path: &Path, figures: &Figures) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let replaced = replaced(&text, &markdown(figures))
        .with_context(|| format!("{} lacks the lines {BEGIN} and {END}", path.display()))?;
    fs::write(path, replaced).with_context(|| format!("cannot write {}", path.display()))
}

fn replaced(text: &str, section: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

fn markdown(figures: &Figures) -> String {
    let machine = &figures.machine;
    let comparisons = figures.comparisons.iter().map(comparison_row).collect::<Vec<_>>();
    let values = figures.values.iter().map(value_row).collect::<Vec<_>>();
    let notes: String = figures.notes.iter().flat_map(|note| ["\n", note, "\n"]).collect();
    format!(
        "Measured on {date} at commit {commit}: {processor}, {processors} processors, {memory} MiB of memory, \
         Linux {kernel}, {compiler}, load average {load} before the run. {rounds} rounds of {seconds} s per \
         point; medians, with the extremes in parentheses. P2 lists {scripts} scripts.\n\n{comparisons}\n{values}{notes}",
        date = figures.date,
        commit = figures.commit,
        processor = machine.processor,
        processors = machine.processors,
        memory = machine.memory_mib,
        kernel = machine.kernel,
        compiler = machine.compiler,
        load = machine.load,
        rounds = figures.rounds,
        seconds = figures.seconds_per_point,
        scripts = figures.scripts_listed,
        comparisons = aligned(COMPARISON_COLUMNS, &comparisons),
        values = aligned(VALUE_COLUMNS, &values),
    )
}

fn comparison_row(comparison: &Comparison) -> [String; 8] {
    let other_processor =
        comparison.other_processor_us.map_or_else(|| "?".to_owned(), |time| format!("{time:.0}"));
    [
        comparison.goal.to_owned(),
        comparison.work.clone(),
        comparison.unit.to_owned(),
        spread(comparison.server),
        format!("{} {}", comparison.against, spread(comparison.other)),
        spread(comparison.ratio),
        target(comparison.target, comparison.met),
        format!("{:.0} / {other_processor}", comparison.server_processor_us),
    ]
}

fn value_row(value: &Figure) -> [String; 5] {
    [
        value.goal.to_owned(),
        value.what.clone(),
        value.unit.to_owned(),
        spread(value.value),
        target(value.target, value.met),
    ]
}

fn spread(spread: Spread) -> String {
    let Spread { median, least, most } = spread;
    let [middle, low, high] = [median, least, most].map(number);
    if low == high { middle } else { format!("{middle} ({low}–{high})") }
}

/// About three significant digits, which is more than these measurements deserve.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn target(target: Option<Target>, met: Option<bool>) -> String {
    let bound = match target {
        Some(Target::AtLeast(bound)) => format!("≥ {bound}"),
        Some(Target::AtMost(bound)) => format!("≤ {bound}"),
        None => return String::new(),
    };
    match met {
        Some(true) => format!("{bound}: met"),
        Some(false) => format!("{bound}: **missed**"),
        None => bound,
    }
}

/// A Markdown table whose columns line up, so that it reads in a terminal as well.
fn aligned<const COLUMNS: usize>(head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", padded.collect::<String>())
    };
    let rule = widths.map(|width| "-".repeat(width + 2)).join("|");
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{rule}|\n{body}", line(&head.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");

        let expected = format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n");
        assert_eq!(replaced(&text, "new\n"), Some(expected));
        assert_eq!(replaced("no marks", "new"), None);
    }

    #[test]
    fn columns_line_up() {
        let rows = [["P1".to_owned(), "≥ 0.7".to_owned()], ["P10".to_owned(), String::new()]];

        let expected = "\
| Goal | Ratio |
|------|-------|
| P1   | ≥ 0.7 |
| P10  |       |
";
        assert_eq!(aligned(["Goal", "Ratio"], &rows), expected);
    }

    #[test]
    fn a_figure_has_three_digits_and_its_extremes() {
        let wide = Spread { median: 1234.5, least: 99.44, most: 2345.6 };

        assert_eq!(spread(wide), "1234 (99.4–2346)");
        assert_eq!(spread(Spread::single(0.714)), "0.71");
        assert_eq!(target(Some(Target::AtLeast(0.7)), Some(false)), "≥ 0.7: **missed**");
    }
}
