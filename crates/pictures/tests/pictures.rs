//! Whole pictures: what a display shows of them, and what is no picture.

use std::io::Cursor;

use bifocal_pictures::{Bitmap, Dither, Fit, MAX_FILE, PictureError, Rendering, render};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, LumaA, Rgb, RgbImage};
use proptest::prelude::*;

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Vec::new();
    picture.into().write_to(&mut Cursor::new(&mut file), format).expect("encodes");
    file
}

/// A ball in the light, before a sky that gets darker.
fn ball(width: u32, height: u32) -> RgbImage {
    let (x0, y0) = (width as i32 / 3, height as i32 / 2);
    let radius = height as i32 * 2 / 5;
    RgbImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as i32 - x0, y as i32 - y0);
        let sky = (x * 160 / width) as u8;
        if dx * dx + dy * dy > radius * radius {
            return Rgb([sky / 2, sky, sky]);
        }
        let shade = (255 - (dx + dy + radius).max(0) * 255 / (radius * 3)) as u8;
        Rgb([shade, shade, shade / 2])
    })
}

/// The dots, top row first.
fn dots(bitmap: &Bitmap) -> Vec<String> {
    let (width, height) = (bitmap.width() as usize, bitmap.height() as usize);
    let stride = width.div_ceil(32) * 4;
    let rows = bitmap.as_bmp()[62..].chunks_exact(stride).take(height);
    let row = |row: &[u8]| (0..width).map(|x| if row[x / 8] >> (7 - x % 8) & 1 == 1 { '#' } else { '.' }).collect();
    let mut rows: Vec<String> = rows.map(row).collect();
    rows.reverse();
    rows
}

fn small(width: u32, height: u32, fit: Fit) -> Rendering {
    Rendering { width, height, fit, dither: Dither::Threshold, invert: false }
}

#[test]
fn a_photo_on_a_g1_is_this_file() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ball-576x135.bmp");
    let bitmap = render(&file(ball(640, 480), ImageFormat::Png), &Rendering::default()).expect("a picture");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&golden, bitmap.as_bmp()).expect("written");
    }
    let golden = std::fs::read(golden).expect("UPDATE_PICTURES=1 makes it");
    assert_eq!(
        (golden.len(), &golden[..2], u32::from_le_bytes(golden[10..14].try_into().expect("four"))),
        (9_782, &b"BM"[..], 62)
    );
    assert!(
        golden == bitmap.as_bmp(),
        "other dots than in tests/ball-576x135.bmp; look at both, UPDATE_PICTURES=1 writes it anew"
    );
}

#[test]
fn all_of_it_is_seen_or_the_display_is_full() {
    // A white picture with a black left half, two times as wide as high.
    let half = GrayImage::from_fn(80, 40, |x, _| Luma([if x < 40 { 0 } else { 255 }]));
    let file = file(half, ImageFormat::Png);
    let shown = |fit| dots(&render(&file, &small(8, 8, fit)).expect("a picture"));
    let (dark, half) = ("........", "....####");
    assert_eq!(shown(Fit::Contain), [dark, dark, half, half, half, half, dark, dark]);
    assert_eq!(shown(Fit::Cover), [half; 8]);
    assert_eq!(shown(Fit::Stretch), [half; 8]);
}

#[test]
fn inverted_paper_is_dark_and_so_is_what_is_beside_it() {
    let paper = GrayImage::from_fn(40, 40, |x, _| Luma([if x < 20 { 0 } else { 255 }]));
    let rendering = Rendering { invert: true, ..small(8, 4, Fit::Contain) };
    let bitmap = render(&file(paper, ImageFormat::Png), &rendering).expect("a picture");
    assert_eq!(dots(&bitmap), ["..##...."; 4]);
}

#[test]
fn what_is_transparent_is_dark() {
    let glass = image::GrayAlphaImage::from_fn(8, 4, |x, _| LumaA([255, if x < 4 { 255 } else { 0 }]));
    let bitmap =
        render(&file(DynamicImage::from(glass), ImageFormat::Png), &small(8, 4, Fit::Stretch)).expect("a picture");
    assert_eq!(dots(&bitmap), ["####...."; 4]);
}

#[test]
fn a_camera_that_was_turned_is_turned_back() {
    let upright = RgbImage::from_fn(40, 80, |_, y| if y < 40 { Rgb([255; 3]) } else { Rgb([0; 3]) });
    let turned = image::imageops::rotate270(&upright);
    let mut jpeg = file(turned, ImageFormat::Jpeg);
    // An EXIF note that says: to be turned by 90° to the right.
    let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    let bitmap = render(&jpeg, &small(4, 8, Fit::Contain)).expect("a picture");
    assert_eq!(dots(&bitmap), ["####", "####", "####", "####", "....", "....", "....", "...."]);
}

#[test]
fn every_kind_of_file_that_cameras_make_is_read() {
    let reference = dots(&render(&file(ball(64, 48), ImageFormat::Png), &small(16, 12, Fit::Stretch)).expect("PNG"));
    for format in [ImageFormat::Jpeg, ImageFormat::WebP] {
        let bitmap = render(&file(ball(64, 48), format), &small(16, 12, Fit::Stretch)).expect("a picture");
        let differences: usize = dots(&bitmap)
            .iter()
            .zip(&reference)
            .map(|(one, other)| one.chars().zip(other.chars()).filter(|(one, other)| one != other).count())
            .sum();
        assert!(differences < 8, "{format:?}: {differences} dots differ");
    }
}

#[test]
fn what_is_no_picture_is_told() {
    let png = file(ball(64, 48), ImageFormat::Png);
    let why = |file: &[u8]| render(file, &Rendering::default()).expect_err("no picture");
    assert_eq!(why(b""), PictureError::NotAPicture);
    assert_eq!(why(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), PictureError::NotAPicture);
    assert_eq!(why(b"GIF89a"), PictureError::NotAPicture);
    assert_eq!(why(&png[..png.len() / 2]), PictureError::Damaged);
    assert_eq!(why(&vec![0; MAX_FILE + 1]), PictureError::FileTooLarge(MAX_FILE + 1));
    for (width, height) in [(0, 1), (1, 0), (1025, 1)] {
        let display = small(width, height, Fit::Contain);
        assert_eq!(render(&png, &display), Err(PictureError::NoSuchDisplay(width, height)));
    }
}

#[test]
fn a_bomb_is_not_decoded() {
    // A PNG of 10 KB, honest in all else, that says it has 16,000 × 16,000 pixels.
    let bomb = file(GrayImage::new(16_000, 1), ImageFormat::Png);
    let mut bomb = bomb;
    bomb[20..24].copy_from_slice(&16_000u32.to_be_bytes());
    let checksum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(render(&bomb, &Rendering::default()), Err(PictureError::TooManyPixels(16_000, 16_000)));
    bomb[20..24].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    let checksum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(matches!(render(&bomb, &Rendering::default()), Err(PictureError::TooManyPixels(..))));
}

/// The checksum of a chunk of a PNG file.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_sliver_is_still_there() {
    for (width, height) in [(1, 1), (2000, 1), (1, 2000), (3, 700)] {
        let line = GrayImage::from_pixel(width, height, Luma([255]));
        for fit in [Fit::Contain, Fit::Cover, Fit::Stretch] {
            let bitmap = render(&file(line.clone(), ImageFormat::Png), &small(60, 13, fit)).expect("a picture");
            assert!(dots(&bitmap).iter().any(|row| row.contains('#')), "{width}×{height} {fit:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn spoilt_files_never_panic(at in 0usize..400, value: u8, kind in 0usize..3) {
        let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP][kind];
        let mut spoilt = file(ball(24, 18), format);
        let at = at % spoilt.len();
        spoilt[at] = value;
        let _ = render(&spoilt, &small(16, 8, Fit::Contain));
    }

    #[test]
    fn every_shape_fits_every_display(wide in 1u32..90, high in 1u32..90, width in 1u32..40, height in 1u32..40) {
        let file = file(ball(wide.max(3), high.max(3)), ImageFormat::Png);
        for fit in [Fit::Contain, Fit::Cover, Fit::Stretch] {
            let bitmap = render(&file, &small(width, height, fit)).expect("a picture");
            prop_assert_eq!((bitmap.width(), bitmap.height()), (width, height));
        }
    }
}
