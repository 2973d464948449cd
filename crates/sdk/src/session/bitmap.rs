//! Pictures of one bit per pixel, as the displays of glasses have them, written as BMP files.

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
    /// A dark picture. At most 4,096 pixels wide and high.
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

    pub(crate) fn to_base64(&self) -> String {
        base64(&self.file)
    }
}

/// Bytes of a row: whole groups of four.
fn stride(width: u32) -> usize {
    (width as usize).div_ceil(32) * 4
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| (group << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

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
