//! Glasses on a desk: everything needed to try a cloud and its apps without hardware.
//!
//! [`phone`] is a phone with glasses as a client library, [`screen`] is what its wearer sees, [`script`] is a small
//! language that plays a wearer and checks the display. [`terminal`] puts all of it into a terminal for a person to use,
//! [`plain`] prints it for logs and scripts. [`bench`] is the other end of the scale: thousands of phones that only count.

pub mod bench;
pub mod card;
pub mod clean;
pub mod phone;
pub mod plain;
pub mod screen;
pub mod script;
pub mod terminal;

pub use phone::{
    CameraState, ConnectError, Pace, Phone, PhoneConfig, PhoneError, PhoneEvent, PhoneState, Photo, SoundPath, Watch,
};
pub use screen::{Picture, Screen};
pub use script::{Outcome, Script, ScriptError};
