//! Says what is known where something unknown was written: "did you mean …?" or the list of what there is.
//!
//! Suggests only what is close (a third of the letters may differ) and never guesses between equals at random: the
//! first of the known names wins.

/// Longest name that suggestions are looked for: longer ones are no typos.
const NAME_BYTES_MAX: usize = 255;

/// Number of single-letter edits (insert, delete, replace, swap of neighbours) between two words, ignoring case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let replace = previous[column] + usize::from(a != b);
            let mut best = replace.min(previous[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && *a == right[column - 1] && left[row - 1] == *b;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[right.len()]
}

/// The known name that `written` was most likely meant to be.
fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let tolerance = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(written, name), name))
        .filter(|(edits, _)| *edits <= tolerance)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// The end of an error message: `; did you mean X?`, or `; known: A, B` when nothing is close, or
/// `; there are none` when nothing is known.
pub(crate) fn hint<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = closest(written, known.clone()) {
        return format!("; did you mean {name}?");
    }
    let names: Vec<&str> = known.into_iter().collect();
    if names.is_empty() { "; there are none".to_owned() } else { format!("; known: {}", names.join(", ")) }
}
