//! One frame at a time, the newest, of somebody who is there; and the foreground app's last picture when nothing is above.
//!
//! Who is above the foreground app is not computed here: for as long as anybody could be, nothing is expected.

use std::collections::BTreeSet;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::layout::View;
use bifocal_session::{AppPhase, Effect, Lane, LatestKey};

use super::{Held, Moment, broken};
use crate::cast::{self, APPS, AppNo, STRANGER};
use crate::model::Model;
use crate::seen::{after, kind};
use crate::step::{Act, AppSays, Picture};

const GAP: u64 = 300;
const FORCE_GAP: u64 = 1_000;
const BOOT: u64 = 1_500;
/// Longer than any background frame stays while the foreground app wants the display, those that wait included.
const BACKGROUND: u64 = 60_000;

#[derive(Debug, Default)]
pub(super) struct Display {
    /// The number of the picture on the main view; 0 when it is empty.
    shown: u64,
    /// Whose it is; nobody's when it is empty or the boot screen.
    shown_of: Option<AppNo>,
    shown_at: Option<u64>,
    forced_at: Option<u64>,
    /// The pictures that were asked to come without waiting, and have not come; 0 is a clear.
    forced: BTreeSet<u64>,
    newest: [u64; 4],
    /// The foreground app's picture: whose, which, until when.
    foreground: Option<(AppNo, u64, Option<u64>)>,
    above_until: u64,
    pending: Vec<AppNo>,
    /// What was drawn behind a hello that waits.
    early: Vec<(u64, AppNo, Picture)>,
    /// Two sockets of one app waited, and the older one drew last: whether it is heard depends on what becomes of the other.
    unsure: bool,
}

impl Display {
    pub(super) fn before(&mut self, act: &Act, model: &Model, now: u64) {
        match act {
            Act::GlassesConnect(_) => (self.shown, self.shown_of, self.shown_at) = (0, None, None),
            Act::AppSays(conn, AppSays::Shows(picture)) if !picture.dashboard => {
                if let Some(app) = model.speaker(*conn) {
                    self.drawn(app, *picture, now);
                    self.unsure &= APPS[app].kind != AppKind::Standard || !self.early.is_empty();
                } else if let Some(app) = model.waiting_app(*conn) {
                    self.unsure |= model.waits_behind(*conn, app);
                    self.early.push((*conn, app, *picture));
                }
            }
            Act::Closed(conn, _) => self.forget(*conn),
            _ => {}
        }
    }

    fn forget(&mut self, gone: u64) {
        self.early.retain(|(conn, ..)| *conn != gone);
    }

    fn drawn(&mut self, app: AppNo, picture: Picture, now: u64) {
        let clears = picture.n == 0 || picture.duration == Some(0);
        if picture.force {
            self.forced.insert(if clears { 0 } else { picture.n });
        }
        if APPS[app].kind != AppKind::Standard {
            self.above_until = self.above_until.max(now + BACKGROUND);
            return;
        }
        if clears {
            self.foreground = None;
        } else {
            self.foreground = Some((app, picture.n, picture.duration.map(|ms| now + ms)));
        }
    }

    /// A hello that has waited is let in: what was drawn behind it counts now.
    fn let_in(&mut self, conn: u64, now: u64) {
        for (_, app, picture) in self.early.extract_if(.., |(early, ..)| *early == conn).collect::<Vec<_>>() {
            self.drawn(app, picture, now);
        }
    }

    pub(super) fn starting(&mut self, app: AppNo, now: u64) {
        if APPS[app].kind != AppKind::SystemDashboard {
            self.above_until = self.above_until.max(now + BOOT);
        }
    }

    pub(super) fn effect(&mut self, effect: &Effect, now: u64) -> Held {
        let (lane, text, conn) = match effect {
            Effect::Send { lane, text, conn } => (lane, text, conn),
            Effect::Close { conn, .. } | Effect::Abort { conn } => {
                self.forget(conn.0);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if *lane == Lane::Control && !self.early.is_empty() && kind(text) == "tpa_connection_ack" {
            self.let_in(conn.0, now);
        }
        // A clear that comes before what the phone believes to be there already must not be dropped.
        let wipes = || *lane == Lane::Control && kind(text) == "display_event" && text.contains(r#""view":"main""#);
        if *lane != Lane::Latest(LatestKey::Display(View::Main)) && !wipes() {
            return Ok(());
        }
        let number = after(text, r#""text":"d"#).and_then(|number| number.parse().ok());
        // The boot screen has no number, and is no picture of an app.
        let boot = text.contains("reference_card");
        let shown = number.unwrap_or(if boot { u64::MAX } else { 0 });
        let forced = self.forced.remove(&shown);
        if let Some(at) = self.shown_at
            && now - at < GAP
        {
            if !forced || self.forced_at.is_some_and(|at| now - at < FORCE_GAP) {
                return broken("the gap between two frames is kept", format!("{} ms: {}", now - at, text.as_str()));
            }
            self.forced_at = Some(now);
        }
        (self.shown, self.shown_at) = (shown, Some(now));
        let app = cast::number(after(text, r#""packageName":""#).unwrap_or_default());
        self.shown_of = number.map(|_| app);
        if let (Some(number), true) = (number, app != STRANGER) {
            if number < self.newest[app] {
                let detail = format!("{number} of {} after {}", cast::package(app), self.newest[app]);
                return broken("an older picture never comes after a newer one", detail);
            }
            self.newest[app] = number;
            self.pending.push(app);
        }
        Ok(())
    }

    pub(super) fn after(&mut self, phases: &[Option<AppPhase>; 4], settled: bool, moment: Moment<'_>) -> Held {
        let gone =
            |app: AppNo| matches!(phases[app], None | Some(AppPhase::Stopping | AppPhase::Failed | AppPhase::Dormant));
        for app in std::mem::take(&mut self.pending) {
            // When deadlines fire late, an app may have drawn first and gone then.
            if gone(app) && moment.act.is_some() && moment.model.phone().is_some() {
                return broken("who is gone does not draw", cast::package(app));
            }
        }
        if self.foreground.is_some_and(|(app, _, until)| gone(app) || until.is_some_and(|at| at <= moment.now)) {
            self.foreground = None;
        }
        let wanted = self.foreground.map_or(0, |(_, number, _)| number);
        let gap_over = self.shown_at.is_none_or(|at| moment.now - at >= GAP);
        let free = moment.now >= self.above_until && gap_over && !self.unsure;
        // With no foreground picture that of a background app may stay for as long as the app is there.
        let background = |app: AppNo| APPS[app].kind != AppKind::Standard && !gone(app);
        let right = self.shown == wanted || wanted == 0 && self.shown_of.is_some_and(background);
        if settled && free && moment.model.phone().is_some() && !right {
            let detail = format!("picture {wanted} is to be seen, and {} is", self.shown);
            return broken("the last picture of the foreground app is visible", detail);
        }
        Ok(())
    }
}
