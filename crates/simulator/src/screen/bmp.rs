//! A small strict BMP reader: 1, 24 and 32 bits a pixel, not compressed.
//!
//! That is all that apps send to glasses. The file comes from outside, so every offset is computed with checks and the
//! picture is bounded before anything is allocated.

/// The longest side of a picture, in pixels. The widest display there is has 640.
const MAX_SIDE: u32 = 2048;

/// A picture of lit and dark dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: usize,
    height: usize,
    lit: Vec<bool>,
}

/// Why some bytes are no picture for glasses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BmpError {
    /// It does not begin with `BM`.
    #[error("not a BMP file")]
    NotBmp,
    /// It ends before its header says so.
    #[error("the file is cut off")]
    Truncated,
    /// A width or height of zero or beyond the limit.
    #[error("the size {0}×{1} is not between 1 and {MAX_SIDE}")]
    Size(i64, i64),
    /// Compression, palettes or depths that apps do not send to glasses.
    #[error("{0} bits a pixel with compression {1} is not read; 1, 24 and 32 bits without compression are")]
    Format(u16, u32),
    /// A header field that makes no sense.
    #[error("bad header")]
    Header,
}

impl Bitmap {
    /// Reads a BMP file. A pixel is lit when it is in the bright half.
    ///
    /// # Errors
    /// [`BmpError`], for anything that is not exactly a picture of the supported kinds.
    pub fn decode(file: &[u8]) -> Result<Self, BmpError> {
        if !file.starts_with(b"BM") {
            return Err(BmpError::NotBmp);
        }
        let pixels_at = u32_at(file, 10)? as usize;
        let header = u32_at(file, 14)? as usize;
        if !(40..=124).contains(&header) {
            return Err(BmpError::Header);
        }
        let (wide, high) = (i64::from(i32_at(file, 18)?), i64::from(i32_at(file, 22)?));
        let side = 1..=i64::from(MAX_SIDE);
        if !side.contains(&wide) || !side.contains(&high.abs()) {
            return Err(BmpError::Size(wide, high));
        }
        let (depth, compression) = (u16_at(file, 28)?, u32_at(file, 30)?);
        if !matches!((depth, compression), (1 | 24 | 32, 0)) {
            return Err(BmpError::Format(depth, compression));
        }
        let (width, height) = (wide as usize, high.unsigned_abs() as usize);
        let stride = (width * usize::from(depth)).div_ceil(32) * 4;
        let end = pixels_at.checked_add(stride * height).ok_or(BmpError::Header)?;
        let rows = file.get(pixels_at..end).ok_or(BmpError::Truncated)?;
        let palette = if depth == 1 { Some(palette(file, 14 + header, pixels_at)?) } else { None };

        let mut lit = Vec::with_capacity(width * height);
        for row in 0..height {
            // A positive height means that the bottom row comes first.
            let row = if high > 0 { height - 1 - row } else { row };
            let row = &rows[row * stride..(row + 1) * stride];
            match palette {
                Some(bright) => lit.extend((0..width).map(|x| bright[usize::from(row[x / 8] >> (7 - x % 8) & 1)])),
                None => lit.extend(row.chunks_exact(usize::from(depth / 8)).take(width).map(is_bright)),
            }
        }
        Ok(Self { width, height, lit })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Whether the pixel is lit; dark outside of the picture.
    pub fn is_lit(&self, x: usize, y: usize) -> bool {
        x < self.width && self.lit.get(y * self.width + x).copied().unwrap_or(false)
    }
}

/// Which of the two colours of a one-bit picture are lit.
fn palette(file: &[u8], at: usize, end: usize) -> Result<[bool; 2], BmpError> {
    let colours = file.get(at..end).ok_or(BmpError::Header)?;
    let (Some(zero), Some(one)) = (colours.get(..4), colours.get(4..8)) else { return Err(BmpError::Header) };
    let bright = [is_bright(zero), is_bright(one)];
    // Two colours of the same half, for example both black: a set bit is meant to be seen.
    Ok(if bright[0] == bright[1] { [false, true] } else { bright })
}

/// Blue, green, red, in this order.
fn is_bright(colour: &[u8]) -> bool {
    let part = |index: usize| u32::from(colour.get(index).copied().unwrap_or(0));
    part(0) * 114 + part(1) * 587 + part(2) * 299 >= 128_000
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], BmpError> {
    file.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).ok_or(BmpError::Truncated)
}

fn u16_at(file: &[u8], at: usize) -> Result<u16, BmpError> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, BmpError> {
    bytes_at(file, at).map(u32::from_le_bytes)
}

fn i32_at(file: &[u8], at: usize) -> Result<i32, BmpError> {
    bytes_at(file, at).map(i32::from_le_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A BMP file with the given header fields and pixel bytes; one-bit files get the palette black, white.
    pub(in crate::screen) fn file(width: i32, height: i32, depth: u16, pixels: &[u8]) -> Vec<u8> {
        let palette: &[u8] = if depth == 1 { &[0, 0, 0, 0, 255, 255, 255, 0] } else { &[] };
        let offset = 54 + palette.len() as u32;
        let mut file = b"BM".to_vec();
        file.extend((offset + pixels.len() as u32).to_le_bytes());
        file.extend([0; 4]);
        file.extend(offset.to_le_bytes());
        file.extend(40u32.to_le_bytes());
        file.extend(width.to_le_bytes());
        file.extend(height.to_le_bytes());
        file.extend(1u16.to_le_bytes());
        file.extend(depth.to_le_bytes());
        file.extend([0; 24]);
        file.extend(palette);
        file.extend(pixels);
        file
    }

    fn dots(bitmap: &Bitmap) -> Vec<String> {
        let row = |y| (0..bitmap.width()).map(|x| if bitmap.is_lit(x, y) { '#' } else { '.' }).collect();
        (0..bitmap.height()).map(row).collect()
    }

    #[test]
    fn one_bit_pictures_are_read_bottom_up_and_top_down() {
        let rows = [0b1010_0000, 0, 0, 0, 0b0110_0000, 0, 0, 0];
        assert_eq!(dots(&Bitmap::decode(&file(3, 2, 1, &rows)).expect("reads")), [".##", "#.#"]);
        assert_eq!(dots(&Bitmap::decode(&file(3, -2, 1, &rows)).expect("reads")), ["#.#", ".##"]);
    }

    #[test]
    fn the_palette_says_which_bit_is_lit() {
        let mut swapped = file(3, 1, 1, &[0b1010_0000, 0, 0, 0]);
        swapped[54..62].copy_from_slice(&[255, 255, 255, 0, 0, 0, 0, 0]);
        assert_eq!(dots(&Bitmap::decode(&swapped).expect("reads")), [".#."]);
        swapped[54..62].fill(0);
        assert_eq!(dots(&Bitmap::decode(&swapped).expect("reads")), ["#.#"]);
    }

    #[test]
    fn colour_pictures_are_lit_where_they_are_bright() {
        let row24 = [255, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0];
        assert_eq!(dots(&Bitmap::decode(&file(3, 1, 24, &row24)).expect("reads")), ["#.#"]);
        let row32 = [10, 10, 10, 255, 200, 200, 200, 0];
        assert_eq!(dots(&Bitmap::decode(&file(2, 1, 32, &row32)).expect("reads")), [".#"]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let good = file(3, 1, 24, &[0; 12]);
        assert_eq!(Bitmap::decode(b"GIF89a"), Err(BmpError::NotBmp));
        assert_eq!(Bitmap::decode(&good[..20]), Err(BmpError::Truncated));
        assert_eq!(Bitmap::decode(&good[..good.len() - 1]), Err(BmpError::Truncated));
        assert_eq!(Bitmap::decode(&file(0, 1, 24, &[])), Err(BmpError::Size(0, 1)));
        assert_eq!(Bitmap::decode(&file(1, i32::MIN, 24, &[])), Err(BmpError::Size(1, i64::from(i32::MIN))));
        assert_eq!(Bitmap::decode(&file(1, 1, 8, &[0; 4])), Err(BmpError::Format(8, 0)));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Bitmap::decode(&bytes);
        }

        #[test]
        fn a_spoilt_header_never_panics(at in 0usize..62, value: u8, width in 1i32..40, height in -20i32..20) {
            let mut spoilt = file(width, height, 1, &[0xAA; 200]);
            spoilt[at] = value;
            let _ = Bitmap::decode(&spoilt);
        }
    }
}
