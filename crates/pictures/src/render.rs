//! A picture file on a display of so many dots.

use std::str::FromStr;

use image::GrayImage;
use image::imageops::{self, FilterType};

use crate::read::{PictureError, read};
use crate::{Bitmap, Dither};

/// Longest side of a display, in dots. The widest one known has 640.
pub const MAX_SIDE: u32 = 1024;

/// How a picture of another shape gets onto the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// All of it is seen, with dark edges.
    #[default]
    Contain,
    /// The display is full, and what does not fit is cut off.
    Cover,
    /// It is pulled into shape.
    Stretch,
}

impl FromStr for Fit {
    type Err = &'static str;

    /// `contain`, `cover`, `stretch`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "contain" => Ok(Self::Contain),
            "cover" => Ok(Self::Cover),
            "stretch" => Ok(Self::Stretch),
            _ => Err("fit is contain, cover or stretch"),
        }
    }
}

/// What is to be made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendering {
    /// Dots from left to right, [`MAX_SIDE`] at most.
    pub width: u32,
    /// Dots from top to bottom, [`MAX_SIDE`] at most.
    pub height: u32,
    /// How it gets into that shape.
    pub fit: Fit,
    /// How shades become dots.
    pub dither: Dither,
    /// Dark becomes light: for what was drawn on white paper, which would be a lamp before the eyes.
    pub invert: bool,
}

impl Default for Rendering {
    /// The display of an Even Realities G1: 576×135.
    fn default() -> Self {
        Self { width: 576, height: 135, fit: Fit::default(), dither: Dither::default(), invert: false }
    }
}

/// Makes a picture for a display of a JPEG, PNG or WebP file. It takes time: a tenth of a second for a large photo.
///
/// # Errors
/// [`PictureError`]: what the file is instead, or which limit it passes.
pub fn render(file: &[u8], rendering: &Rendering) -> Result<Bitmap, PictureError> {
    let Rendering { width, height, fit, dither, invert } = *rendering;
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
        return Err(PictureError::NoSuchDisplay(width, height));
    }
    let mut picture = fitted(&read(file)?, fit, width, height);
    if invert {
        imageops::invert(&mut picture);
    }
    let mut bitmap = Bitmap::new(width, height);
    // What is beside the picture is dark, inverted or not.
    let (left, top) = ((width - picture.width()) / 2, (height - picture.height()) / 2);
    let columns = picture.width() as usize;
    dither.each_light(picture.as_raw(), columns, |x, y| bitmap.set(left + x as u32, top + y as u32));
    Ok(bitmap)
}

/// The picture as large as it is drawn: the display, or less of it.
fn fitted(picture: &GrayImage, fit: Fit, width: u32, height: u32) -> GrayImage {
    let (wide, high) = (u64::from(picture.width()), u64::from(picture.height()));
    let (width, height) = (u64::from(width), u64::from(height));
    let is_wider = wide * height >= high * width;
    let side = |pixels: u64| u32::try_from(pixels.max(1)).unwrap_or(MAX_SIDE);
    let scaled = |picture: &GrayImage, width: u64, height: u64| {
        // Means of what lies below each dot when it shrinks, lines in between when it grows.
        imageops::resize(picture, side(width), side(height), FilterType::Triangle)
    };
    match fit {
        Fit::Stretch => scaled(picture, width, height),
        Fit::Contain if is_wider => scaled(picture, width, (high * width / wide).min(height)),
        Fit::Contain => scaled(picture, (wide * height / high).min(width), height),
        Fit::Cover => {
            let (part_wide, part_high) =
                if is_wider { (high * width / height, high) } else { (wide, wide * height / width) };
            let (part_wide, part_high) = (part_wide.clamp(1, wide), part_high.clamp(1, high));
            let (left, top) = ((wide - part_wide) / 2, (high - part_high) / 2);
            let part = imageops::crop_imm(picture, left as u32, top as u32, part_wide as u32, part_high as u32);
            scaled(&part.to_image(), width, height)
        }
    }
}
