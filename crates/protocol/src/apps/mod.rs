//! `/app-ws`: messages between the cloud and app servers.

mod from_app;
mod to_app;

pub use from_app::*;
pub use to_app::*;
