//! What a session that does nothing keeps in memory, and what stays when everybody has left.

use std::time::Duration;

use crate::bench::error::BenchError;
use crate::bench::fleet::{Fleet, Plan};
use crate::bench::report::{Figure, Unit};
use crate::bench::scenarios::steady::AT_ONCE;
use crate::bench::stage::Stage;

/// Until allocators have given back what they give back.
const SETTLE: Duration = Duration::from_secs(1);

/// Resident memory per session. The first sessions are not counted: they pay for pools, tables and code that all share.
pub(super) async fn idle(stage: &Stage, apps: usize) -> Result<Vec<Figure>, BenchError> {
    let resident = || stage.usage().map(|usage| usage.map(|usage| usage.resident as f64));
    let first = resident()?;
    let plan = Plan { first: 0, sessions: stage.sizes.idle_warm, apps, subscribe: None, at_once: AT_ONCE };
    let mut fleet = Fleet::open(&stage.target, stage.clock, plan).await?;
    tokio::time::sleep(SETTLE).await;
    let before = resident()?;
    let more = Plan { first: plan.sessions, sessions: stage.sizes.idle, ..plan };
    fleet.grow(&stage.target, more).await?;
    tokio::time::sleep(SETTLE).await;
    let after = resident()?;
    let lost = fleet.sink.lost();
    if lost > 0 {
        return Err(BenchError::hop("cloud → idle sessions", format!("{lost} connections were ended")));
    }
    drop(fleet);
    let mut figures = Vec::new();
    if let (Some(first), Some(before), Some(after)) = (first, before, after) {
        let mib = |name, bytes: f64| Figure::new(name, Unit::MiB, bytes / 1048576.0);
        let per_session = (after - before) / stage.sizes.idle as f64 / 1024.0;
        figures.push(Figure::new("per session", Unit::KiB, per_session));
        figures.push(mib("before the first", first));
        figures.push(mib("with all", after));
        if let Some(grace) = stage.grace {
            tokio::time::sleep(grace + SETTLE + SETTLE).await;
            figures.extend(resident()?.map(|left| mib("when all have left", left)));
        }
    }
    Ok(figures)
}
