//! AppManager: the apps of a session, each in exactly one phase that owns its timers.

mod manager;
mod state;

pub(crate) use manager::{AppManager, StartRequest};
pub use state::{AppPhase, StartFailure, StartStage};
pub(crate) use state::{Phase, Slot, StartWebhook};
