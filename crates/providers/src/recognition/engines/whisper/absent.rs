//! This program was built without Whisper.

use std::path::Path;

use crate::recognition::segmented::Said;

/// What is missing.
pub(super) const ABSENT: Option<&str> =
    Some("this program was built without it; build with `cargo build --release --features whisper`");

/// There is none.
#[derive(Debug)]
pub(super) enum Model {}

impl Model {
    pub(super) fn load(_: &Path) -> Result<Model, String> {
        Err(ABSENT.unwrap_or_default().to_owned())
    }

    pub(super) fn text(&self, _: Option<&str>, _: &[f32]) -> Result<Said, String> {
        match *self {}
    }
}
