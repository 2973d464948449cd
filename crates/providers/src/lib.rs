//! Outside engines behind small traits: what hears, what translates, what speaks. Each is one file.
//!
//! Nothing here knows of sessions or of the server. Speech recognition: [`Recognizers`] is the directory of the configured
//! engines; [`Recognizers::open`] chooses one and gives a [`Stream`]: sound goes in, words come out, a [`Failure`] says what
//! happened and whether another engine is worth trying. Health is shared by the whole process, so one wearer finds out for
//! all that an engine is down ([`Breaker`]). Text is translated by [`translate`], and spoken by [`voice`].

mod breaker;
mod failure;
pub mod http;
mod recognition;
mod secret;
pub mod translate;
mod translator;
pub mod voice;
mod wyoming;

pub use breaker::{Admission, Breaker, BreakerState};
pub use failure::{Failure, FailureKind};
pub use recognition::config::{Class, ConfigError, EngineConfig, Kind, SpeechConfig};
pub use recognition::directory::{EngineRow, EngineState, Recognizers};
pub use recognition::engines::fake;
pub use recognition::stream::{Command, Commands, Event, Heard, MAX_QUEUED_MS, Need, Stream};
pub use secret::{KeySource, Secret};
pub use translator::Translator;
