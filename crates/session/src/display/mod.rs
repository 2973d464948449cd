//! DisplayManager: one small display, many who want it.

mod boot;
mod claims;
mod frame;
mod manager;
mod reports;
mod throttle;

pub(crate) use boot::system_package;
pub use frame::Refused;
pub(crate) use frame::{Frame, Request};
pub(crate) use manager::DisplayManager;
pub use manager::DisplayStats;
pub(crate) use reports::{Report, ReportTo};
pub(crate) use throttle::Sent;
