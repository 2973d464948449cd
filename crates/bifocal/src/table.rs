//! Readable tables.

/// Lays rows out in columns, with a heading. Control characters of outside text are not let through to a terminal.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let clean = |cell: &str| -> String { cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect() };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| -> String {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut heading.iter().copied());
    for row in &rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "long cell".to_owned()], vec!["bcdef".to_owned(), "\u{1b}x".to_owned()]];
        assert_eq!(table(&["ONE", "TWO"], &rows), "ONE    TWO\na      long cell\nbcdef  \u{fffd}x\n");
    }
}
