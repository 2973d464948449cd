//! AppManager: the apps of a session, each in exactly one phase that owns its timers.

mod held;
mod manager;
mod restarts;
mod state;
mod unconfirmed;

pub(crate) use held::{Content, Held, HeldMessage};
pub(crate) use manager::{AppManager, StartRequest};
pub(crate) use restarts::{Next, Restarts};
pub use state::{AppPhase, StartFailure, StartStage};
pub(crate) use state::{Delivery, Parting, Phase, Probe, Slot, StartWebhook};
pub(crate) use unconfirmed::Unconfirmed;
