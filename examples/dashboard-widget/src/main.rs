//! Keeps the next appointment and the battery of the glasses on the dashboard, for a look up.
//!
//! Needs the permission CALENDAR.

use bifocal_sdk::prelude::*;
use bifocal_sdk::wire::{CalendarEvent, DashboardMode, Timestamp};

#[cfg(test)]
mod tests;

/// Appointments that are remembered.
const MAX: usize = 100;

/// The app.
struct Widget;

impl App for Widget {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut appointments = session.events().calendar().await?;
        let mut batteries = session.events().glasses_battery().await?.latest();
        let mut known: Vec<CalendarEvent> = Vec::new();
        let mut battery = None;
        loop {
            tokio::select! {
                event = appointments.next() => {
                    let Some(event) = event else { return Ok(()) };
                    known.retain(|known| known.event_id != event.event_id);
                    known.push(event);
                    known.sort_by_key(CalendarEvent::start);
                    known.truncate(MAX);
                }
                level = batteries.next() => {
                    let Some(level) = level else { return Ok(()) };
                    battery = level.level.and_then(|level| level.as_i64()).filter(|level| *level >= 0);
                }
            }
            let text = widget(&known, battery, session.timezone().as_deref().unwrap_or("UTC"));
            session.dashboard().write(text, &[DashboardMode::Main, DashboardMode::Expanded]).await?;
        }
    }
}

fn widget(known: &[CalendarEvent], battery: Option<i64>, zone: &str) -> String {
    let next = known.iter().find_map(|event| {
        let time = event.start().and_then(|at: Timestamp| at.time_in(zone))?;
        Some(format!("{time} {}", event.title))
    });
    let battery = battery.map(|level| format!("glasses {level} %"));
    [next, battery].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Widget).await?;
    Ok(())
}
