//! Which known name did the writer mean?

/// The known name closest to `written`, if it is at most two changes away.
pub fn closest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if written.chars().count() < 5 { 1 } else { 2 };
    known
        .map(|name| (distance(written, name, most), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two names; `most + 1` when there are more.
fn distance(left: &str, right: &str, most: usize) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            before = changed.min(above + 1).min(before + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_known_name() {
        let known = ["timeout", "launcher", "path"];
        let found = |written| closest(written, known.into_iter());

        assert_eq!(found("timout"), Some("timeout"));
        assert_eq!(found("lancher"), Some("launcher"));
        assert_eq!(found("paht"), None);
        assert_eq!(found("pth"), Some("path"));
        assert_eq!(found("colour"), None);
    }
}
