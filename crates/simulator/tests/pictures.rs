//! A photo that was drawn for glasses, on the terminal's glasses.

use base64::Engine;
use bifocal_pictures::{Rendering, render};
use bifocal_protocol::layout::{Layout, View};
use bifocal_simulator::{Picture, Screen};
use image::{GrayImage, ImageFormat, Luma};

#[test]
fn a_drawn_photo_is_seen() {
    // A ring.
    let ring = GrayImage::from_fn(300, 300, |x, y| {
        let (dx, dy) = (i64::from(x) - 150, i64::from(y) - 150);
        Luma([if (60 * 60..140 * 140).contains(&(dx * dx + dy * dy)) { 255 } else { 0 }])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    ring.write_to(&mut file, ImageFormat::Png).expect("encodes");
    let bitmap = render(file.get_ref(), &Rendering::default()).expect("a picture");
    assert_eq!(bitmap.to_base64(), base64::prelude::BASE64_STANDARD.encode(bitmap.as_bmp()));
    let mut screen = Screen::default();
    screen.show(View::Main, "org.example.pictures", Picture::of(&Layout::BitmapView { data: bitmap.to_base64() }));
    assert_eq!(screen.frame_text(), "[picture 576×135]");
    assert_eq!(
        screen.lines(),
        [
            "                    ▄▟███▄▖",
            "                   ███▀▀▜██▌",
            "                  ▐██▌   ███",
            "                   ███▄▄▟██▌",
            "                    ▀▜███▀▘"
        ]
    );
}
