//! `/glasses-ws`: messages between the cloud and the phone that speaks for the glasses.

mod from_phone;
mod to_phone;

pub use from_phone::*;
pub use to_phone::*;
