//! Bad neighbours: one session misbehaves while two hundred others are measured, and the same without it just before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bench::dial::Opened;
use crate::bench::error::BenchError;
use crate::bench::frame::{self, Opcode};
use crate::bench::link::{Link, Sent};
use crate::bench::message::Kind;
use crate::bench::report::{Figure, Unit};
use crate::bench::scenarios::steady::{self, Steady};
use crate::bench::stage::Stage;

/// Messages a second of the sessions that are measured.
const PER_SECOND: u64 = 1000;
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
/// How many frames are written at once.
const BATCH: usize = 64;

/// What is wrong with the neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its app writes displays as fast as the cloud takes them.
    Floods,
    /// Its app reads nothing, while its phone writes as fast as the cloud takes it.
    Stalls,
}

/// `flooding-app`, `stalled-app`: the relay of the others, without the neighbour and beside it.
pub(super) async fn beside(stage: &Stage, fault: Fault) -> Result<Vec<Figure>, BenchError> {
    let sessions = stage.sizes.relay;
    let fleet = steady::fleet(stage, sessions, 1, Kind::Button).await?;
    let (warm, duration) = (stage.sizes.warm, stage.sizes.steady);
    let load = Steady { kind: Kind::Button, per_second: PER_SECOND, warm, duration, copies: 1 };
    let alone = steady::run(stage, &fleet, &load).await?;

    let number = sessions;
    let phone = stage.target.phone(number).await?;
    let session = stage.target.start_app(number, 0, &phone.link).await?;
    let app = stage.target.app(number, 0, &session, Kind::Button.subscription()).await?;
    let (writer, kind) = match fault {
        Fault::Floods => (app.link.clone(), Kind::Display),
        Fault::Stalls => (phone.link.clone(), Kind::Button),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn(flood(writer, kind, stop.clone()));
    // The phone of a flooding app reads what it is shown; the app that stalls reads nothing at all.
    let reading = match fault {
        Fault::Floods => Some(tokio::spawn(read_everything(phone))),
        Fault::Stalls => None,
    };
    let beside = steady::run(stage, &fleet, &load).await;
    stop.store(true, Ordering::Relaxed);
    flooding.abort();
    if let Some(reading) = reading {
        reading.abort();
    }
    drop(app);

    let p99 = |measured: &steady::Measured| measured.latency.value_at_quantile(0.99) as f64 / 1e6;
    let beside = beside?;
    Ok(vec![
        Figure::new("p99 without it", Unit::Millis, p99(&alone)),
        Figure::new("p99 beside it", Unit::Millis, p99(&beside)),
        Figure::new("times as long", Unit::Count, p99(&beside) / p99(&alone).max(1e-6)),
        Figure::new("not delivered", Unit::Count, beside.expected.saturating_sub(beside.arrived) as f64),
    ])
}

/// Writes without end. A connection that the cloud ends is one way to deal with it.
async fn flood(link: Arc<Link>, kind: Kind, stop: Arc<AtomicBool>) {
    let (mut message, mut frames) = (Vec::new(), Vec::new());
    // A time that no measured message has.
    kind.write(&mut message, 0);
    for _ in 0..BATCH {
        frame::client(&mut frames, Opcode::TEXT, MASK, &message);
    }
    while !stop.load(Ordering::Relaxed) {
        match link.send(&frames) {
            Sent::Done => tokio::task::yield_now().await,
            Sent::Waits if link.drained().await => {}
            Sent::Waits | Sent::Lost => return,
        }
    }
}

async fn read_everything(mut opened: Opened) {
    while let Ok(Some(())) = crate::bench::link::read(&mut opened.read, |_| ()).await {}
}
