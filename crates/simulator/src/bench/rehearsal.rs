//! A small load without processes and times: shows that the driver counts rightly.

use std::net::SocketAddr;
use std::time::Duration;

use crate::bench::error::BenchError;
use crate::bench::fleet::{Fleet, Plan};
use crate::bench::message::Kind;
use crate::bench::scenarios::{Measured, Steady, run_steady};
use crate::bench::sizes::Sizes;
use crate::bench::stage::Stage;

/// What of a small load arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsal {
    /// Arrivals that there should be.
    pub expected: u64,
    /// Arrivals.
    pub arrived: u64,
    /// Latencies that were recorded.
    pub recorded: u64,
    /// Connections that were lost.
    pub lost: u64,
}

/// Which way a small load goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Button presses from phones to this many apps each.
    ToApps(usize),
    /// Sound from phones to this many apps each.
    SoundToApps(usize),
    /// The same, as the load whose words are counted sends it.
    Speech,
    /// Displays from one app each to phones.
    ToPhones,
}

/// Loads a control that listens at `relay`.
///
/// # Errors
/// [`BenchError`] at the first hop that fails.
pub async fn rehearse(
    relay: SocketAddr,
    way: Way,
    sessions: usize,
    per_second: u64,
    duration: Duration,
) -> Result<Rehearsal, BenchError> {
    let (kind, apps, copies) = match way {
        Way::ToApps(apps) => (Kind::Button, apps, apps as u64),
        Way::SoundToApps(apps) => (Kind::Audio, apps, apps as u64),
        Way::Speech => (Kind::Speech, 1, 1),
        Way::ToPhones => (Kind::Display, 1, 1),
    };
    let stage = Stage::of_relay(relay, Sizes::quick(Some(duration)));
    let plan = Plan { first: 0, sessions, apps, subscribe: None, at_once: 4 };
    let fleet = Fleet::open(&stage.target, stage.clock, plan).await?;
    let load = Steady { kind, per_second, warm: duration / 5, duration, copies };
    let Measured { latency, arrived, expected, .. } = run_steady(&stage, &fleet, &load).await?;
    Ok(Rehearsal { expected, arrived, recorded: latency.len(), lost: fleet.sink.lost() })
}
