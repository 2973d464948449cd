//! Sessions that come: many at once, again after a cut, or steadily.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bench::error::BenchError;
use crate::bench::fleet::{self, AppHalf, Fleet, Plan, Session};
use crate::bench::message::Kind;
use crate::bench::report::{Figure, Unit};
use crate::bench::scenarios::steady;
use crate::bench::schedule::{Schedule, nanos};
use crate::bench::sink::histogram;
use crate::bench::sizes::USERS;
use crate::bench::stage::Stage;

/// Handshakes at any time in the connect storm.
const CONNECTING: usize = 64;
/// Handshakes at any time when everybody comes back.
const COMING_BACK: usize = 256;
/// How long a session of the churn lives.
const LIFE: Duration = Duration::from_millis(250);

/// `connect`: from nothing to an acknowledged phone, as fast as it goes.
pub(super) async fn connect(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    // A first few, so that what is made on first use is there.
    let first = Plan { first: 0, sessions: 32, apps: 0, subscribe: None, at_once: 32 };
    let mut fleet = Fleet::open(&stage.target, stage.clock, first).await?;
    fleet.acks.clear();
    let before = stage.usage()?;
    let began = Instant::now();
    let storm = Plan { first: 32, sessions: stage.sizes.connect, at_once: CONNECTING, ..first };
    fleet.grow(&stage.target, storm).await?;
    let seconds = began.elapsed().as_secs_f64();
    let sessions = stage.sizes.connect as f64;
    let mut figures = vec![Figure::new("new sessions", Unit::PerSecond, sessions / seconds)];
    figures.extend(steady::latencies(&fleet.acks));
    // What a connect leaves to be finished, like loading the user, belongs to it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    if let Some((before, after)) = before.zip(stage.usage()?) {
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        figures.push(Figure::new("CPU per session", Unit::Micros, cpu * 1e6 / sessions));
    }
    Ok(figures)
}

/// `reconnect`: every socket is cut at the same moment; phones and apps come back to the sessions that wait for them.
pub(super) async fn reconnect(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    let fleet = steady::fleet(stage, stage.sizes.reconnect, 1, Kind::Button).await?;
    let sink = fleet.sink.clone();
    let names: Vec<(usize, String)> = fleet
        .sessions
        .iter()
        .map(|session| (session.number, session.apps.first().map(|app| app.session.clone()).unwrap_or_default()))
        .collect();
    let names = Arc::new(names);
    drop(fleet);
    let began = Instant::now();
    let back = |turn: usize| {
        let (target, sink, names) = (stage.target.clone(), sink.clone(), names.clone());
        async move {
            let (number, session) = &names[turn];
            let phone = fleet::half(target.phone(*number).await?, sink.clone(), None);
            let app = target.app(*number, 0, session, Kind::Button.subscription()).await?;
            let half = fleet::half(app, sink, Some(phone.link.clone()));
            let apps = vec![AppHalf { session: session.clone(), half }];
            Ok((Session { number: *number, phone, apps }, nanos(began.elapsed())))
        }
    };
    let mut returned = fleet::each(0..names.len(), COMING_BACK, back).await?;
    let mut times = histogram();
    for (_, time) in &returned {
        times.saturating_record(*time);
    }
    // They must be of use, not only connected.
    returned.sort_by_key(|(session, _)| session.number);
    let sessions = returned.into_iter().map(|(session, _)| session).collect();
    let fleet = Fleet { sink, sessions, acks: times };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = Duration::from_secs(1);
    let load = steady::Steady { kind: Kind::Button, per_second: 1000, warm: second / 10, duration: second, copies: 1 };
    let after = steady::run(stage, &fleet, &load).await?;
    let seconds = |name, nanos: u64| Figure::new(name, Unit::Seconds, nanos as f64 / 1e9);
    Ok(vec![
        seconds("half are back", fleet.acks.value_at_quantile(0.5)),
        seconds("all are back", fleet.acks.max()),
        Figure::new("delivered after it", Unit::Percent, 100.0 * after.arrived as f64 / after.expected.max(1) as f64),
    ])
}

/// `churn`: sessions come at fixed times and leave a moment later.
pub(super) async fn churn(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    let (clock, duration) = (stage.clock, stage.sizes.steady);
    let before = stage.usage()?;
    let schedule = Schedule::new(clock.nanos() + 10_000_000, stage.sizes.churn, duration);
    let come_and_go = |turn: usize| {
        let target = stage.target.clone();
        async move {
            let at = schedule.at(turn as u64);
            tokio::time::sleep(Duration::from_nanos(at.saturating_sub(clock.nanos()))).await;
            // Nobody comes twice while the cloud may still remember.
            let opened = target.phone(turn % USERS).await?;
            let acknowledged = clock.nanos().saturating_sub(at);
            tokio::time::sleep(LIFE).await;
            drop(opened);
            Ok(acknowledged)
        }
    };
    let count = usize::try_from(schedule.count()).unwrap_or(usize::MAX);
    let times = fleet::each(0..count, count, come_and_go).await?;
    let used = before.zip(stage.usage()?);
    let mut histogram = histogram();
    times.iter().for_each(|time| histogram.saturating_record(*time));
    let mut figures = steady::latencies(&histogram);
    if let Some((before, after)) = used {
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        figures.push(Figure::new("CPU per session", Unit::Micros, cpu * 1e6 / count.max(1) as f64));
        let grown = after.resident.saturating_sub(before.resident) as f64;
        figures.push(Figure::new("resident memory grew by", Unit::MiB, grown / 1048576.0));
    }
    Ok(figures)
}
