//! HLS: frames become segments, segments become playlists. A value without sockets and clocks.

mod playlist;
mod segmenter;

pub(crate) use playlist::{multivariant, playlist};
pub(crate) use segmenter::{Segment, Segmenter};
