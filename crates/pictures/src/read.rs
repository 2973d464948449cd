//! Reading a picture file from outside: what it is, how many pixels it says it has, and only then the pixels.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma};

/// Largest file, in bytes: what photos of glasses have at most.
pub const MAX_FILE: usize = 10 << 20;
/// Most pixels of a picture; a few kilobytes can say that they are a billion.
pub const MAX_PIXELS: u64 = 24_000_000;
/// Longest side before it is fitted, in pixels.
const MAX_SIDE: u32 = 16_384;
/// What a decoder may use: sixteen bits of four colours for every pixel.
const MAX_MEMORY: u64 = MAX_PIXELS * 8;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// It is something else.
    #[error("not a JPEG, PNG or WebP picture")]
    NotAPicture,
    /// It is cut off or damaged.
    #[error("the picture cannot be decoded: it is damaged")]
    Damaged,
    /// More than [`MAX_FILE`] bytes.
    #[error("a picture file of {0} bytes is larger than {MAX_FILE}")]
    FileTooLarge(usize),
    /// More than [`MAX_PIXELS`], or a side that is too long.
    #[error("a picture of {0}×{1} pixels is larger than {MAX_PIXELS} pixels, or than {MAX_SIDE} on a side")]
    TooManyPixels(u32, u32),
    /// The display that it is for has none.
    #[error("a display of {0}×{1} is not between 1 and {most} on each side", most = crate::MAX_SIDE)]
    NoSuchDisplay(u32, u32),
}

/// The picture in shades of grey, turned as the camera held it. What is transparent is dark, as a display that is off.
pub(crate) fn read(file: &[u8]) -> Result<GrayImage, PictureError> {
    if file.len() > MAX_FILE {
        return Err(PictureError::FileTooLarge(file.len()));
    }
    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| PictureError::NotAPicture)?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        return Err(PictureError::NotAPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| reason(&error))?;
    let (width, height) = decoder.dimensions();
    let fits = u64::from(width) * u64::from(height) <= MAX_PIXELS && width.max(height) <= MAX_SIDE;
    if !fits || decoder.total_bytes() > MAX_MEMORY {
        return Err(PictureError::TooManyPixels(width, height));
    }
    if width == 0 || height == 0 {
        return Err(PictureError::Damaged);
    }
    let held = decoder.orientation().map_err(|error| reason(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| reason(&error))?;
    picture.apply_orientation(held);
    Ok(grey(&picture))
}

fn grey(picture: &DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.to_luma8();
    }
    let mut grey = GrayImage::new(picture.width(), picture.height());
    for (pixel, from) in grey.pixels_mut().zip(picture.to_luma_alpha8().pixels()) {
        let [shade, alpha] = from.0.map(u16::from);
        *pixel = Luma([u8::try_from(shade * alpha / 255).unwrap_or(u8::MAX)]);
    }
    grey
}

fn reason(error: &ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooManyPixels(0, 0),
        ImageError::Unsupported(_) => PictureError::NotAPicture,
        _ => PictureError::Damaged,
    }
}
