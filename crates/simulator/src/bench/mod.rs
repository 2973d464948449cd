//! The load driver: phones, an app server and apps in one process, over raw sockets, against a cloud in another process.
//!
//! Three rules make its figures worth something. Every message has a scheduled time and its latency counts from that time,
//! so a cloud that stalls cannot slow down what measures it. Sending and arriving are read from one clock. And every scenario
//! is run a second time, in the same call, against a [`relay`] that copies frames and does nothing else: what is read in a
//! report is the ratio, because a figure alone says more about the machine than about the cloud.

pub mod apps;
mod dial;
mod error;
mod fleet;
pub mod frame;
mod link;
mod message;
mod pacer;
mod process;
mod rehearsal;
pub mod relay;
pub mod report;
mod run;
mod scenarios;
mod schedule;
mod sink;
mod sizes;
mod stage;
mod target;
mod usage;

pub use apps::AppServer;
pub use error::BenchError;
pub use message::{package, user};
pub use process::Program;
pub use rehearsal::{Rehearsal, Way, rehearse};
pub use report::Report;
pub use run::{Bench, Options};
pub use scenarios::{NoScenario, Scenario};
pub use stage::Cloud;
pub use target::{Access, Mint};

/// Apps that the scenarios need: number 0 to 3 of [`package`]. The first is of kind `standard` and draws; the others are
/// `background`. All need the microphone.
pub const APPS: usize = 4;
/// Users that the scenarios need: number 0 and up of [`user`].
pub const USERS: usize = sizes::USERS;

/// How many apps, beginning with the first, must be installed for a user.
pub const fn apps_of(user: usize) -> usize {
    if user < sizes::USERS_WITH_ALL_APPS { APPS } else { 1 }
}
