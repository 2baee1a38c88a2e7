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

/// Insertions, deletions, replacements and exchanges of neighbours between two names;
/// `most + 1` when the lengths alone make it more.
fn distance(left: &str, right: &str, most: usize) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > most {
        return most + 1;
    }
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut before = None;
        for (j, b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let mut best = (at(&above, j) + usize::from(a != b))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            if j > 0 && previous == Some(b) && before == Some(a) {
                best = best.min(at(&two_above, j - 1) + 1);
            }
            row.push(best);
            before = Some(b);
        }
        two_above = std::mem::replace(&mut above, row);
        previous = Some(a);
    }
    above.last().copied().unwrap_or(0)
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
        assert_eq!(found("paht"), Some("path"));
        assert_eq!(found("pth"), Some("path"));
        assert_eq!(found("pt"), None);
        assert_eq!(found("colour"), None);
    }
}
