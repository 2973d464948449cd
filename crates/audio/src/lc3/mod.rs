//! LC3, the codec between glasses and phones: 16 kHz, frames of 10 ms, 20 to 60 bytes each.
//!
//! The codec's own type borrows its memory from whoever makes it. A decoder that can be kept in a struct must own both, and
//! the only thing in safe Rust that can is the state of an `async` block. So a codec here is such a block: it owns buffers
//! and codec, waits for a frame, works, and waits again ([`desk`]). Nothing is asynchronous about it: each call runs it
//! once, on the spot.

mod decoder;
mod desk;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// Samples of a frame.
pub const FRAME_SAMPLES: usize = 160;
/// Milliseconds of a frame.
pub const FRAME_MS: u64 = 10;

/// How many bytes a frame has. It is not on the wire: both sides must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FrameSize {
    /// 16 kbit/s: what phones use unless told otherwise.
    #[default]
    B20,
    /// 32 kbit/s.
    B40,
    /// 48 kbit/s.
    B60,
}

impl FrameSize {
    /// Every size that phones use.
    pub const ALL: [FrameSize; 3] = [FrameSize::B20, FrameSize::B40, FrameSize::B60];

    /// The size of so many bytes.
    pub fn of(bytes: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.bytes() as u64 == bytes)
    }

    /// Bytes of a frame.
    pub const fn bytes(self) -> usize {
        match self {
            FrameSize::B20 => 20,
            FrameSize::B40 => 40,
            FrameSize::B60 => 60,
        }
    }
}

/// A frame that is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lc3Error {
    /// The codec takes 20 to 400 bytes.
    #[error("an LC3 frame has 20 to 400 bytes, this one has {0}")]
    Size(usize),
    /// The codec failed at it, and begins anew.
    #[error("the LC3 decoder failed at this frame")]
    Broken,
}
