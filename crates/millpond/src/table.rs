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
    use super::{Side, printable, render, span};

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
    fn a_terminal_obeys_nothing() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }
}
