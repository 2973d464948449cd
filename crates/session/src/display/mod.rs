//! DisplayManager: one small display, many who want it.

mod claims;
mod manager;
mod throttle;

pub use manager::DisplayStats;
pub(crate) use manager::{DisplayManager, Frame, Request, system_package};
