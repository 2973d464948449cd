//! What must hold after every step. Checked in debug builds, in every scenario and in the model test.

use bifocal_protocol::app::AppKind;

use crate::apps::Phase;
use crate::session::UserSession;

/// Panics when an invariant is broken: a bug of ours, never of a peer.
#[cfg_attr(not(debug_assertions), allow(dead_code))]
pub(crate) fn check(session: &UserSession) {
    let foreground = session.apps.iter().filter(|(_, slot)| {
        slot.record.kind == AppKind::Standard && !matches!(slot.phase, Phase::Stopping { start_again: false, .. })
    });
    assert!(foreground.count() <= 1, "at most one app has the foreground");

    for (package, slot) in session.apps.iter() {
        if let Phase::Starting { since, until, .. } | Phase::Grace { since, until, .. } = &slot.phase {
            let longest = session.config.timings.app_start.max(session.config.timings.app_grace);
            assert!(*until - *since <= longest, "{package} may stay in its phase for too long");
        }
        if matches!(slot.phase, Phase::Running { .. } | Phase::Grace { .. }) {
            assert!(slot.waiting.is_empty(), "{package} runs, and somebody still waits for its start");
        }
    }
    for package in session.subscriptions.packages() {
        let gone = |phase: &Phase| matches!(phase, Phase::Stopping { .. } | Phase::Failed { .. } | Phase::Dormant);
        let active = session.apps.get(package).is_some_and(|slot| !gone(&slot.phase));
        assert!(active, "{package} has subscriptions and does not run");
    }
    let streams = session.video.stream.is_some();
    assert!(!streams || !session.photos.need_camera(), "a photo and a stream have the one camera");
    if session.ended.is_some() {
        assert!(session.apps.iter().next().is_none(), "an ended session has no apps");
    }
}
