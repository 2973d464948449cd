//! What phones have posted about their glasses before they had a session. They say it once only.

use std::collections::HashMap;

use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::ids::UserId;
use parking_lot::Mutex;

/// Most users of whom something is kept.
const MAX_USERS: usize = 10_000;
/// Most reports of one user.
const MAX_REPORTS: usize = 16;

/// Reports that wait for a session.
#[derive(Debug, Default)]
pub(crate) struct EarlyReports(Mutex<HashMap<UserId, Vec<GlassesInfo>>>);

impl EarlyReports {
    /// Keeps a report, unless too many wait already.
    pub(crate) fn keep(&self, user: &UserId, report: GlassesInfo) {
        let mut waiting = self.0.lock();
        if waiting.len() < MAX_USERS || waiting.contains_key(user) {
            let reports = waiting.entry(user.clone()).or_default();
            if reports.len() == MAX_REPORTS {
                reports.remove(0);
            }
            reports.push(report);
        }
    }

    /// The user has a session: what was kept, in order.
    pub(crate) fn take(&self, user: &UserId) -> Vec<GlassesInfo> {
        self.0.lock().remove(user).unwrap_or_default()
    }
}
