//! Aligned tables for people.

/// Which side the cells of a column line up on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Renders rows under headings; every row has as many cells as there are headings.
pub(crate) fn render(headings: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([headings[column].0.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(headings.iter().zip(&widths))
            .map(|(cell, ((_, side), width))| match side {
                Side::Left => format!("{cell:<width$}"),
                Side::Right => format!("{cell:>width$}"),
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut headings.iter().map(|(name, _)| *name));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// Text below what it belongs to: each of its lines behind `indent` spaces, broken between words so that it fits into
/// `width`. Without a width only its own lines are broken. What a terminal would obey is shown as escapes.
pub(crate) fn indented(text: &str, indent: usize, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(1));
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(String::new());
        for word in line.split_whitespace().map(printable) {
            let current = lines.last_mut().expect("one was pushed for this line");
            let used = current.chars().count();
            if used == 0 {
                current.push_str(&word);
            } else if used.saturating_add(1 + word.chars().count()) <= room {
                current.push(' ');
                current.push_str(&word);
            } else {
                lines.push(word);
            }
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}

/// A span of time in its two largest units, such as `13 d 23 h`.
pub(crate) fn span(secs: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(size, _)| secs >= *size).unwrap_or(units.len() - 1);
    let (size, name) = units[first];
    match units.get(first + 1) {
        Some((next, next_name)) if secs % size >= *next => {
            format!("{} {name} {} {next_name}", secs / size, secs % size / next)
        }
        _ => format!("{} {name}", secs / size),
    }
}

/// Text as it may be printed: control characters, which a terminal would obey, are shown as escapes.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let shown: Vec<char> =
                if letter.is_control() { letter.escape_default().collect() } else { vec![letter] };
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Side, indented, printable, render, span};

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["jobs".into(), "12".into()], vec!["a".into(), "3".into()]];
        let text = render(&[("QUEUE", Side::Left), ("VISIBLE", Side::Right)], &rows);
        assert_eq!(text, "QUEUE  VISIBLE\njobs        12\na            3\n");
    }

    #[test]
    fn spans_show_two_units() {
        assert_eq!([span(0), span(61), span(1_209_600)], ["0 s", "1 min 1 s", "14 d"]);
    }

    #[test]
    fn text_fits_below_what_it_belongs_to() {
        assert_eq!(indented("one two three", 2, Some(9)), "  one two\n  three\n");
        assert_eq!(indented("one two three\nfour", 2, None), "  one two three\n  four\n");
        assert_eq!(indented("one a-long-word two", 1, Some(5)), " one\n a-long-word\n two\n");
    }

    #[test]
    fn a_terminal_obeys_nothing() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }
}
