//! Live video without a third party: glasses publish with RTMP, viewers watch with HLS, and what comes in can be pushed on to
//! other RTMP servers.
//!
//! Nothing is decoded and nothing is encoded: H.264 and AAC are put into other boxes.

mod cloudflare;
mod config;
mod engine;
mod flv;
#[doc(hidden)]
pub mod fuzzing;
mod gop;
mod h264;
mod hls;
mod http;
mod managed;
mod mp4;
mod rtmp;

pub use cloudflare::{Cloudflare, CloudflareConfig, Paces};
pub use config::{MediaConfig, MediaLimits, Patience, Permits, Recording};
pub use engine::{Media, Numbers, StartError};
pub use http::router;
pub use managed::{
    Created, EndReason, MAX_OUTPUTS, ManagedError, ManagedProvider, NewOutput, NewStream, OutputId, OutputState,
    OutputStatus, Phase, Status, StreamId, Urls,
};
pub use rtmp::server::MAX_HELD;
