//! The test card: what the simulated camera sees. Bars of colour, a ramp of grey, and below them the date and the time in
//! digits large enough to be read from the smallest picture.

use image::codecs::jpeg::JpegEncoder;
use image::{ImageResult, Rgb, RgbImage};
use jiff::civil::DateTime;

/// From left to right, as on a television that has nothing to show.
const BARS: [[u8; 3]; 8] = [
    [235, 235, 235],
    [235, 235, 16],
    [16, 235, 235],
    [16, 235, 16],
    [235, 16, 235],
    [235, 16, 16],
    [16, 16, 235],
    [16, 16, 16],
];
/// Pixels of a character, and columns from one to the next.
const GLYPH: (u32, u32) = (5, 7);
const PITCH: u32 = GLYPH.0 + 1;
/// The date is the longer line.
const CHARACTERS: u32 = 10;
const INK: Rgb<u8> = Rgb([255, 255, 255]);
const GROUND: Rgb<u8> = Rgb([0, 0, 0]);

/// The card as a JPEG file, as glasses would send it. Sizes and compressions are those of `photo_request`; `medium` and `none`
/// when unknown, as on phones.
///
/// # Errors
/// What the encoder says.
pub fn jpeg(size: &str, compress: &str, now: DateTime) -> ImageResult<Vec<u8>> {
    let (width, height) = pixels(size);
    let quality = match compress {
        "medium" => 70,
        "heavy" => 40,
        _ => 90,
    };
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(&draw(width, height, now))?;
    Ok(file)
}

/// Pixels of a picture. Real glasses take larger ones.
pub fn pixels(size: &str) -> (u32, u32) {
    match size {
        "small" => (320, 240),
        "large" => (1280, 960),
        "full" => (1920, 1440),
        _ => (640, 480),
    }
}

/// The card.
pub fn draw(width: u32, height: u32, now: DateTime) -> RgbImage {
    let frame = Frame::of(width, height);
    let mut card = RgbImage::from_fn(width, height, |x, y| match y {
        y if y < frame.ramp => {
            let bar = x as usize * BARS.len() / width as usize;
            Rgb(BARS[bar])
        }
        y if y < frame.band => {
            let grey = (x * 255 / width.max(2).saturating_sub(1)).min(255) as u8;
            Rgb([grey; 3])
        }
        _ => GROUND,
    });
    let lines = written(now);
    for (line, y) in lines.iter().zip(frame.lines()) {
        for (number, c) in (0..).zip(line.chars()) {
            write(&mut card, c, frame.left + number * PITCH * frame.dot, y, frame.dot);
        }
    }
    card
}

/// What is written on the card.
fn written(now: DateTime) -> [String; 2] {
    let date = format!("{:04}-{:02}-{:02}", now.year(), now.month(), now.day());
    let time = format!("{:02}:{:02}:{:02}", now.hour(), now.minute(), now.second());
    [date, time]
}

/// Where everything is, in pixels.
struct Frame {
    /// Pixels that one dot of a character is wide and high.
    dot: u32,
    left: u32,
    /// Rows in which the grey ramp and the black band begin.
    ramp: u32,
    band: u32,
}

impl Frame {
    fn of(width: u32, height: u32) -> Self {
        let dot = (width / ((CHARACTERS + 1) * PITCH)).max(1);
        let left = width.saturating_sub(CHARACTERS * PITCH * dot) / 2;
        let band = height.saturating_sub((2 * GLYPH.1 + 6) * dot);
        Self { dot, left, ramp: band * 4 / 5, band }
    }

    /// Rows in which the two lines begin.
    fn lines(&self) -> [u32; 2] {
        let first = self.band + 2 * self.dot;
        [first, first + (GLYPH.1 + 2) * self.dot]
    }
}

fn write(card: &mut RgbImage, c: char, left: u32, top: u32, dot: u32) {
    let rows = glyph(c);
    for y in 0..GLYPH.1 * dot {
        for x in 0..GLYPH.0 * dot {
            let is_ink = rows[(y / dot) as usize] >> (GLYPH.0 - 1 - x / dot) & 1 == 1;
            if is_ink && let Some(pixel) = card.get_pixel_mut_checked(left + x, top + y) {
                *pixel = INK;
            }
        }
    }
}

/// The rows of a character, five dots each.
fn glyph(c: char) -> [u8; 7] {
    match c {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111],
        '3' => [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        ':' => [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        '-' => [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000],
        _ => [0; 7],
    }
}

/// Reads a card: the date and the time on it.
#[cfg(test)]
pub(crate) fn read(card: &RgbImage) -> String {
    let frame = Frame::of(card.width(), card.height());
    let is_ink = |x, y| card.get_pixel_checked(x, y).is_some_and(|pixel| pixel.0.iter().all(|part| *part > 127));
    let character = |number: u32, top: u32| {
        let dot = |row: u32, column: u32| {
            let x = frame.left + (number * PITCH + column) * frame.dot + frame.dot / 2;
            is_ink(x, top + row * frame.dot + frame.dot / 2)
        };
        let row = |row| (0..GLYPH.0).fold(0u8, |bits, column| bits << 1 | u8::from(dot(row, column)));
        let rows: Vec<u8> = (0..GLYPH.1).map(row).collect();
        "0123456789:-".chars().find(|c| glyph(*c)[..] == rows[..])
    };
    let line = |top| (0..CHARACTERS).filter_map(|number| character(number, top)).collect::<String>();
    frame.lines().map(line).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime = DateTime::constant(2026, 11, 29, 17, 34, 58, 0);

    #[test]
    fn the_time_can_be_read_from_every_size_and_compression() {
        for (size, compress) in [("small", "heavy"), ("medium", "medium"), ("large", "none"), ("huge", "none")] {
            let file = jpeg(size, compress, NOW).expect("encodes");
            let picture = image::load_from_memory(&file).expect("a picture").to_rgb8();
            assert_eq!(picture.dimensions(), pixels(size));
            assert_eq!(read(&picture), "2026-11-29 17:34:58", "{size} {compress}");
        }
    }

    #[test]
    fn every_digit_is_another_one() {
        let card = draw(640, 480, DateTime::constant(1067, 12, 28, 3, 45, 9, 0));
        assert_eq!(read(&card), "1067-12-28 03:45:09");
        let letters: std::collections::BTreeSet<_> = "0123456789:- ".chars().map(glyph).collect();
        assert_eq!(letters.len(), 13);
    }

    #[test]
    fn a_tiny_card_is_no_panic() {
        for (width, height) in [(1, 1), (2, 9), (40, 3)] {
            assert_eq!(draw(width, height, NOW).dimensions(), (width, height));
        }
    }

    #[test]
    fn more_compression_is_a_smaller_file() {
        let bytes = |compress| jpeg("medium", compress, NOW).expect("encodes").len();
        assert!(bytes("heavy") < bytes("medium") && bytes("medium") < bytes("none"));
    }
}
