//! Loads at a fixed rate: what a message costs while the cloud is not busy.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::bench::error::BenchError;
use crate::bench::fleet::{Fleet, Plan};
use crate::bench::message::Kind;
use crate::bench::pacer::{self, Load};
use crate::bench::report::{Figure, Unit};
use crate::bench::schedule::{Schedule, nanos};
use crate::bench::stage::Stage;
use crate::bench::usage::Usage;

/// How many sessions are being opened at any time, where that is not what is measured.
pub(super) const AT_ONCE: usize = 32;
/// After the last message the cloud has had nothing new for so long: what is not here will not come.
const QUIET: Duration = Duration::from_millis(700);
const LONGEST_QUIET: u32 = 15;
/// Half a second of sound.
const FRAMES_OF_A_WORD: u64 = 25;
/// From here to the first message.
const AHEAD: Duration = Duration::from_millis(50);

/// A load at a rate.
pub(crate) struct Steady {
    pub(crate) kind: Kind,
    pub(crate) per_second: u64,
    pub(crate) warm: Duration,
    pub(crate) duration: Duration,
    /// How many sockets each message should arrive at.
    pub(crate) copies: u64,
}

/// What became of it.
pub(crate) struct Measured {
    pub(crate) latency: Histogram<u64>,
    pub(crate) arrived: u64,
    pub(crate) expected: u64,
    /// p99 of how late the driver was itself.
    pub(crate) lateness: u64,
    /// From the first to the last measured moment.
    pub(crate) used: Option<(Usage, Usage)>,
}

/// `relay-…`: button presses from phones to one app each.
pub(super) async fn relay(stage: &Stage, per_second: u64) -> Result<Vec<Figure>, BenchError> {
    let fleet = fleet(stage, stage.sizes.relay, 1, Kind::Button).await?;
    let (warm, duration) = (stage.sizes.warm, stage.sizes.steady);
    let load = Steady { kind: Kind::Button, per_second, warm, duration, copies: 1 };
    Ok(figures(&run(stage, &fleet, &load).await?, duration))
}

/// `display`: each session draws at most every 500 ms, which is slower than any display's least gap.
pub(super) async fn display(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    let fleet = fleet(stage, stage.sizes.relay, 1, Kind::Display).await?;
    // The boot screen of an app that has just started ends with its first frame; that is not the path to measure.
    let warm = stage.sizes.warm.max(Duration::from_millis(1000));
    let duration = stage.sizes.steady;
    let per_second = 200.min(2 * fleet.sessions.len() as u64);
    let load = Steady { kind: Kind::Display, per_second, warm, duration, copies: 1 };
    Ok(figures(&run(stage, &fleet, &load).await?, duration))
}

/// `audio-…`: 50 frames a second from each phone, to several apps.
pub(super) async fn audio(stage: &Stage, sessions: usize, apps: usize) -> Result<Vec<Figure>, BenchError> {
    let fleet = fleet(stage, sessions, apps, Kind::Audio).await?;
    let (warm, duration) = (stage.sizes.warm, stage.sizes.steady);
    let load = Steady { kind: Kind::Audio, per_second: 50 * sessions as u64, warm, duration, copies: apps as u64 };
    Ok(figures(&run(stage, &fleet, &load).await?, duration))
}

/// `talk`: everybody talks. The cloud has the sound recognised, by an engine that costs next to nothing, and tells apps the
/// words; the control relays the sound. The time is that from the last sound of a word to its text.
pub(super) async fn talk(stage: &Stage, sessions: usize) -> Result<Vec<Figure>, BenchError> {
    let fleet = fleet(stage, sessions, 1, Kind::Speech).await?;
    let (warm, duration) = (stage.sizes.warm, stage.sizes.steady);
    let load = Steady { kind: Kind::Speech, per_second: 50 * sessions as u64, warm, duration, copies: 1 };
    let mut measured = run(stage, &fleet, &load).await?;
    if stage.is_cloud() {
        // A word has 25 frames; where the first one begins is for each session to say.
        measured.expected = (measured.expected / FRAMES_OF_A_WORD).saturating_sub(sessions as u64);
    }
    let mut figures = figures(&measured, duration);
    if let Some((before, after)) = measured.used {
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() / duration.as_secs_f64();
        figures.push(Figure::new("CPU of one core, each", Unit::Percent, 100.0 * cpu / sessions as f64));
    }
    Ok(figures)
}

/// Sessions that are ready for a kind of message.
pub(super) async fn fleet(stage: &Stage, sessions: usize, apps: usize, kind: Kind) -> Result<Fleet, BenchError> {
    let plan = Plan { first: 0, sessions, apps, subscribe: kind.subscription(), at_once: AT_ONCE };
    let fleet = Fleet::open(&stage.target, stage.clock, plan).await?;
    // Subscriptions are not acknowledged.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(fleet)
}

/// Sends the load and waits for what arrives.
pub(crate) async fn run(stage: &Stage, fleet: &Fleet, load: &Steady) -> Result<Measured, BenchError> {
    let (clock, sink) = (stage.clock, &fleet.sink);
    let start = clock.nanos() + nanos(AHEAD);
    let schedule = Schedule::new(start, load.per_second, load.warm + load.duration);
    let (from, until) = (start + nanos(load.warm), schedule.end());
    sink.open(from, until);
    let links = if load.kind == Kind::Display { fleet.first_apps() } else { fleet.phones() };
    let to_send = Load { kind: load.kind, links, schedule, seed: stage.seed };
    let pacing = tokio::task::spawn_blocking(move || pacer::send(clock, &to_send));
    let at = |time: u64| tokio::time::sleep(Duration::from_nanos(time.saturating_sub(clock.nanos())));
    at(from).await;
    let before = stage.usage()?;
    at(until).await;
    let after = stage.usage()?;
    let lateness = pacing.await.map_err(|error| BenchError::hop("the driver's pacer", error))?;
    let expected = schedule.count_from(from) * load.copies;
    let mut seen = sink.count();
    for _ in 0..LONGEST_QUIET {
        if seen >= expected {
            break;
        }
        tokio::time::sleep(QUIET).await;
        let now = sink.count();
        if now == std::mem::replace(&mut seen, now) {
            break;
        }
    }
    let window = sink.window();
    Ok(Measured {
        latency: window.latency,
        arrived: window.arrived,
        expected,
        lateness: lateness.value_at_quantile(0.99),
        used: before.zip(after),
    })
}

/// The rows of a load.
pub(super) fn figures(measured: &Measured, duration: Duration) -> Vec<Figure> {
    let mut figures = latencies(&measured.latency);
    if let Some((before, after)) = measured.used {
        let (cpu, seconds) = (after.cpu.saturating_sub(before.cpu).as_secs_f64(), duration.as_secs_f64());
        figures.push(Figure::new("CPU of one core", Unit::Percent, 100.0 * cpu / seconds));
        let messages = measured.arrived.max(1) as f64;
        figures.push(Figure::new("CPU per arrival", Unit::Micros, cpu * 1e6 / messages));
        let wakes = after.wakes.saturating_sub(before.wakes) as f64;
        figures.push(Figure::new("wake-ups per arrival", Unit::Count, wakes / messages));
    }
    let missing = measured.expected.saturating_sub(measured.arrived);
    if missing > 0 {
        figures.push(Figure::new("not delivered", Unit::Count, missing as f64));
    }
    figures
}

/// p50, p99 and the slowest.
pub(super) fn latencies(histogram: &Histogram<u64>) -> Vec<Figure> {
    let figure = |name, nanos: u64| Figure::new(name, Unit::Millis, nanos as f64 / 1e6);
    vec![
        figure("p50", histogram.value_at_quantile(0.5)),
        figure("p99", histogram.value_at_quantile(0.99)),
        figure("max", histogram.max()),
    ]
}
