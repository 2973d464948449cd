//! Sound as bytes: everything the cloud and the simulator do with samples, and nothing that waits for anything.
//!
//! All sound is PCM, signed 16-bit little-endian, one channel, 16,000 samples a second, unless a name says otherwise: what
//! phones send, what apps get, what engines hear. Time is a parameter, in milliseconds. Input is outside data: nothing here
//! panics because of it.

pub mod fuzzing;
mod intake;
pub mod lc3;
pub mod pcm;
mod resample;
mod segment;
pub mod udp;
mod voice;
pub mod wav;

pub use intake::{Counts, Format, Heard, Intake, Transport};
pub use resample::{ResampleError, Resampler, resample};
pub use segment::{Segment, Segmenter, Segmenting, Speech};
pub use voice::Voice;
