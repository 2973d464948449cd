//! Drawing a bitmap with quadrant blocks: four dots in each character.

use super::bmp::Bitmap;

/// Quadrant characters by bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
const QUADRANTS: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

/// Scales the bitmap down to at most `columns` × `lines` characters, keeping its shape, centred; never up.
pub(super) fn draw(bitmap: &Bitmap, columns: usize, lines: usize) -> Vec<String> {
    // A character is twice as high as wide, so one of its four dots is also twice as high as wide: in dots, a picture
    // of square pixels is half as high as it is wide.
    let (width, height) = (bitmap.width(), bitmap.height());
    let (max_x, max_y) = (columns * 2, lines * 2);
    let shrink = (width as f64 / max_x as f64).max(height as f64 / 2.0 / max_y as f64).max(1.0);
    let dots_x = ((width as f64 / shrink).round() as usize).clamp(1, max_x);
    let dots_y = ((height as f64 / 2.0 / shrink).round() as usize).clamp(1, max_y);
    let dot = |x: usize, y: usize| {
        x < dots_x
            && y < dots_y
            && mostly_lit(
                bitmap,
                (x * width / dots_x, (x + 1) * width / dots_x),
                (y * height / dots_y, (y + 1) * height / dots_y),
            )
    };
    let margin = " ".repeat((columns - dots_x.div_ceil(2)) / 2);
    let character = |column: usize, line: usize| {
        let (x, y) = (column * 2, line * 2);
        let corners = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
        let bits = corners.iter().enumerate().map(|(bit, &(x, y))| usize::from(dot(x, y)) << bit).sum::<usize>();
        QUADRANTS[bits]
    };
    let line = |line: usize| {
        let drawn: String = (0..dots_x.div_ceil(2)).map(|column| character(column, line)).collect();
        format!("{margin}{drawn}").trim_end().to_owned()
    };
    (0..dots_y.div_ceil(2)).map(line).collect()
}

/// Whether at least a third of the area is lit: thin strokes must not vanish when a picture is made small.
fn mostly_lit(bitmap: &Bitmap, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> bool {
    let (right, bottom) = (right.max(left + 1), bottom.max(top + 1));
    let lit = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))).filter(|&(x, y)| bitmap.is_lit(x, y));
    lit.count() * 3 >= (right - left) * (bottom - top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::bmp::tests::file;

    /// A picture from rows of `#` and `.`; every row is one byte wide at most.
    fn picture(rows: &[&str]) -> Bitmap {
        let byte = |row: &str| row.bytes().enumerate().map(|(x, dot)| u8::from(dot == b'#') << (7 - x)).sum::<u8>();
        let pixels: Vec<u8> = rows.iter().flat_map(|row| [byte(row), 0, 0, 0]).collect();
        Bitmap::decode(&file(rows[0].len() as i32, -(rows.len() as i32), 1, &pixels)).expect("reads")
    }

    #[test]
    fn small_pictures_keep_their_size() {
        let ring = picture(&["####", "####", "#..#", "#..#", "#..#", "#..#", "####", "####"]);
        assert_eq!(draw(&ring, 2, 2), ["▛▜", "▙▟"]);
        assert_eq!(draw(&ring, 6, 5), ["  ▛▜", "  ▙▟"]);
    }

    #[test]
    fn big_pictures_are_shrunk_to_fit() {
        let half =
            picture(&["####....", "####....", "####....", "####....", "####....", "####....", "####....", "####...."]);
        assert_eq!(draw(&half, 1, 1), ["▘"]);
        assert_eq!(draw(&half, 2, 1), ["█"]);
        assert_eq!(draw(&half, 4, 2), ["██", "██"]);
    }
}
