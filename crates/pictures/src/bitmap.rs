//! Pictures of one bit per pixel, as the displays of glasses have them, written as BMP files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A picture of one bit per pixel. The displays that are known are 576 × 135 (the view of a G1) or smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    file: Vec<u8>,
    width: u32,
    height: u32,
}

/// Both headers and the palette.
const HEAD: usize = 62;

impl Bitmap {
    /// A dark picture, 1 to 4,096 pixels wide and high.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width.clamp(1, 4096), height.clamp(1, 4096));
        let size = stride(width) * height as usize;
        let mut file = Vec::with_capacity(HEAD + size);
        file.extend(b"BM");
        file.extend(((HEAD + size) as u32).to_le_bytes());
        file.extend([0; 4]);
        file.extend((HEAD as u32).to_le_bytes());
        file.extend(40u32.to_le_bytes());
        file.extend(width.to_le_bytes());
        file.extend(height.to_le_bytes());
        file.extend(1u16.to_le_bytes());
        file.extend(1u16.to_le_bytes());
        file.extend([0; 4]);
        file.extend((size as u32).to_le_bytes());
        file.extend([0; 16]);
        file.extend([0, 0, 0, 0, 255, 255, 255, 0]);
        file.resize(HEAD + size, 0);
        Self { file, width, height }
    }

    /// A BMP file as it is; the cloud and the glasses may refuse one of another kind than one bit per pixel.
    pub fn from_bmp(file: impl Into<Vec<u8>>) -> Option<Self> {
        let file = file.into();
        let number = |at: usize| file.get(at..at + 4)?.try_into().map(u32::from_le_bytes).ok();
        if !file.starts_with(b"BM") {
            return None;
        }
        let (width, height) = (number(18)?, number(22)?);
        Some(Self { file, width, height })
    }

    /// Makes a pixel light; one outside of the picture changes nothing. From the top left.
    pub fn set(&mut self, x: u32, y: u32) {
        if x >= self.width || y >= self.height {
            return;
        }
        // Rows stand from the bottom up.
        let row = (self.height - 1 - y) as usize;
        let at = HEAD + row * stride(self.width) + (x / 8) as usize;
        if let Some(byte) = self.file.get_mut(at) {
            *byte |= 0x80 >> (x % 8);
        }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The file.
    pub fn as_bmp(&self) -> &[u8] {
        &self.file
    }

    /// The file as `bitmap_view` carries it.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.file)
    }
}

/// Bytes of a row: whole groups of four.
fn stride(width: u32) -> usize {
    (width as usize).div_ceil(32) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_file_that_reads_back() {
        let mut picture = Bitmap::new(10, 2);
        picture.set(0, 0);
        picture.set(9, 1);
        picture.set(10, 0);
        assert_eq!(picture.as_bmp()[HEAD..], [0, 0x40, 0, 0, 0x80, 0, 0, 0]);
        let read = Bitmap::from_bmp(picture.as_bmp()).expect("a BMP");
        assert_eq!((read.width(), read.height(), read == picture), (10, 2, true));
        assert_eq!(Bitmap::from_bmp(*b"PNG"), None);
    }
}
