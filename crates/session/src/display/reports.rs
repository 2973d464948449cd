//! What becomes of each request: counted for all, told to the apps that ask for it.
//!
//! | outcome | when |
//! |---|---|
//! | held | once, when the step in which it came ends and the frame is not the visible one, or there is nobody to send it to |
//! | shown | it was sent to the phone; a clear is at once |
//! | replaced | before it was shown, the app asked for something else, or its time was over |
//! | refused | it changes nothing |
//!
//! Of one request nothing more is told after `shown`, `replaced` or `refused`.

use std::sync::Arc;

use bifocal_protocol::apps::DisplayOutcome;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::View;

use super::frame::{Frame, Refused};
use super::manager::DisplayStats;

/// An app wants a report of a request.
#[derive(Debug, Default)]
pub(crate) struct ReportTo {
    /// The app's own name of the request.
    pub(crate) request_id: Option<String>,
}

/// What an app is told.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) package: PackageName,
    pub(crate) request_id: Option<String>,
    pub(crate) outcome: DisplayOutcome,
    pub(crate) reason: Option<&'static str>,
}

/// Where the frame of a request is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Shown,
    /// It is the visible one, and its turn comes.
    Next,
    /// Not now, and why.
    Held(&'static str),
    /// Nowhere any more.
    Gone,
}

/// Requests of which the end is not known yet, at most one of an app and a view, and reports that are to be sent.
#[derive(Debug, Default)]
pub(super) struct Reports {
    open: Vec<Open>,
    ready: Vec<Report>,
}

#[derive(Debug)]
struct Open {
    frame: Arc<Frame>,
    view: View,
    to: Option<ReportTo>,
    held: bool,
}

impl Open {
    fn report(&mut self, outcome: DisplayOutcome, reason: Option<&'static str>, ready: &mut Vec<Report>) {
        let Some(to) = &mut self.to else { return };
        let last = outcome != DisplayOutcome::Held;
        let request_id = if last { to.request_id.take() } else { to.request_id.clone() };
        ready.push(Report { package: self.frame.package.clone(), request_id, outcome, reason });
    }
}

impl Reports {
    pub(super) fn refused(&mut self, package: PackageName, to: ReportTo, why: Refused) {
        let (outcome, reason) = (DisplayOutcome::Refused, Some(why.reason()));
        self.ready.push(Report { package, request_id: to.request_id, outcome, reason });
    }

    /// A request was taken: what the app asked for before is not to be seen any more, if it was not yet. `None` is a clear.
    pub(super) fn taken(
        &mut self,
        package: &PackageName,
        view: View,
        frame: Option<Arc<Frame>>,
        to: Option<ReportTo>,
        stats: &mut DisplayStats,
    ) {
        let Self { open, ready } = self;
        let before = |open: &mut Open| open.view == view && open.frame.package == *package;
        for mut replaced in open.extract_if(.., before) {
            stats.replaced += 1;
            replaced.report(DisplayOutcome::Replaced, Some("The app asked for something else first"), ready);
        }
        match frame {
            Some(frame) => open.push(Open { frame, view, to, held: false }),
            None => {
                stats.shown += 1;
                ready.extend(to.map(|ReportTo { request_id }| Report {
                    package: package.clone(),
                    request_id,
                    outcome: DisplayOutcome::Shown,
                    reason: None,
                }));
            }
        }
    }

    /// Nobody is there who could be told.
    pub(super) fn forget(&mut self, package: &PackageName, stats: &mut DisplayStats) {
        stats.replaced += self.open.extract_if(.., |open| open.frame.package == *package).count() as u64;
        self.ready.retain(|report| report.package != *package);
    }

    /// The end of a step: what is known now.
    pub(super) fn settle(
        &mut self,
        place: impl Fn(View, &Arc<Frame>) -> Place,
        stats: &mut DisplayStats,
    ) -> Vec<Report> {
        let ready = &mut self.ready;
        self.open.retain_mut(|open| match place(open.view, &open.frame) {
            Place::Next => true,
            Place::Held(why) => {
                if !std::mem::replace(&mut open.held, true) {
                    stats.held += 1;
                    open.report(DisplayOutcome::Held, Some(why), ready);
                }
                true
            }
            Place::Shown => {
                stats.shown += 1;
                open.report(DisplayOutcome::Shown, None, ready);
                false
            }
            Place::Gone => {
                stats.replaced += 1;
                open.report(DisplayOutcome::Replaced, Some("Its time was over before it could be shown"), ready);
                false
            }
        });
        std::mem::take(ready)
    }
}
