//! Tables for people: columns aligned, two blanks between them.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes rows under a head.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn write_table<const N: usize>(
    out: &mut impl Write,
    head: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let head = head.map(str::to_owned);
    let rows: Vec<[String; N]> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| plain(cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Text that cannot steer a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let rows =
            [["2".to_owned(), "\u{e9}va\u{1b}[1m".to_owned()], ["10".to_owned(), String::new()]];
        let mut out = Vec::new();

        write_table(&mut out, ["ID", "NAME"], &rows).unwrap();

        assert_eq!(String::from_utf8(out).unwrap(), "ID  NAME\n2   \u{e9}va\u{fffd}[1m\n10\n");
    }
}
