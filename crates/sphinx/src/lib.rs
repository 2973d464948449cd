//! PocketSphinx, opened at run time: words without a network and without a key.
//!
//! Nothing is needed to build this crate. On a machine that has Debian's `pocketsphinx` and `pocketsphinx-en-us`, [`Library::open`]
//! finds the two libraries and nine of their functions; elsewhere it says what to install. A [`Decoder`] takes samples and
//! says what it has heard. It is slow (a tenth of a core for each voice, up to 35 ms for 100 ms of sound): it belongs on a
//! thread of its own.
//!
//! This is the only unsafe code of the project. What makes it sound: a function is called only with pointers that the same
//! library has given out and not freed; a decoder has one owner; the libraries stay open as long as any decoder lives.

mod decoder;
mod library;

pub use decoder::{Decoder, Model};
pub use library::Library;

/// Why there is no recognition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SphinxError {
    /// The libraries are not there.
    #[error("PocketSphinx is not installed: on Debian and Ubuntu, install pocketsphinx and pocketsphinx-en-us")]
    NotInstalled,
    /// The libraries are there and are not what they should be.
    #[error("the installed PocketSphinx is another version than 5prealpha: {0} is missing")]
    OtherVersion(&'static str),
    /// A file of the model is not there.
    #[error("the speech model has no {0}: install pocketsphinx-en-us, or name another folder as `model`")]
    NoModel(String),
    /// The library took the model and made nothing of it.
    #[error("PocketSphinx does not take the speech model in {0}")]
    BadModel(String),
}
