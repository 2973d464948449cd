//! Pictures for glasses.
//!
//! Displays of glasses have pixels that are on or off. [`render`] makes such a picture of a JPEG, PNG or WebP file: turned as the
//! camera held it, fitted into the display, dithered; [`Bitmap`] is the BMP file that `bitmap_view` carries. Without I/O: the cloud's
//! endpoint and the SDK use it alike. The file comes from outside, so its pixels are counted before one of them is decoded.

mod bitmap;
mod dither;
mod read;
mod render;

pub use bitmap::Bitmap;
pub use dither::Dither;
pub use read::{MAX_FILE, MAX_PIXELS, PictureError};
pub use render::{Fit, MAX_SIDE, Rendering, render};
