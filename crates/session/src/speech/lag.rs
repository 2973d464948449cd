//! The lag budget: how long words take from the wearer's mouth to the wearer's eye, and on which hop.

use std::collections::BTreeMap;

use bifocal_protocol::ids::PackageName;

use crate::now::Millis;

/// Who follows words with a frame later than this does not follow the words.
const FORGOTTEN: u64 = 10_000;

/// Where the time went between the end of some words and the frame that followed them, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordsLag {
    /// From the arrival of their sound to their text.
    pub recognised: u64,
    /// From there to the display request of the app that got them.
    pub app: u64,
    /// From there to the frame.
    pub shown: u64,
}

/// What is on its way, by app: the newest final words only.
#[derive(Debug, Default)]
pub(crate) struct LagWatch {
    apps: BTreeMap<PackageName, Followed>,
}

#[derive(Debug)]
struct Followed {
    recognised: u64,
    relayed_at: Millis,
    asked_at: Option<Millis>,
}

impl LagWatch {
    /// Final words went to an app.
    pub(crate) fn relayed(&mut self, app: &PackageName, recognised: u64, now: Millis) {
        self.apps.insert(app.clone(), Followed { recognised, relayed_at: now, asked_at: None });
    }

    /// An app wants something shown.
    pub(crate) fn asked(&mut self, app: &PackageName, now: Millis) {
        if let Some(followed) = self.apps.get_mut(app) {
            followed.asked_at.get_or_insert(now);
        }
    }

    /// A frame of an app goes to the glasses: where the time of its words went.
    pub(crate) fn shown(&mut self, app: &PackageName, now: Millis) -> Option<WordsLag> {
        let asked_at = self.apps.get(app)?.asked_at?;
        let Followed { recognised, relayed_at, .. } = self.apps.remove(app)?;
        let lag = WordsLag { recognised, app: asked_at - relayed_at, shown: now - asked_at };
        (lag.app <= FORGOTTEN).then_some(lag)
    }

    /// Apps that want nothing any more are forgotten.
    pub(crate) fn keep(&mut self, wants: impl Fn(&PackageName) -> bool) {
        self.apps.retain(|app, _| wants(app));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_that_follows_the_words_ends_the_count() {
        let app = PackageName::new("org.example.demo").expect("good");
        let mut watch = LagWatch::default();
        assert_eq!(watch.shown(&app, Millis(0)), None);
        watch.relayed(&app, 300, Millis(1_000));
        assert_eq!(watch.shown(&app, Millis(1_005)), None, "a frame from before the words");
        watch.asked(&app, Millis(1_010));
        watch.asked(&app, Millis(1_020));
        assert_eq!(watch.shown(&app, Millis(1_250)), Some(WordsLag { recognised: 300, app: 10, shown: 240 }));
        assert_eq!(watch.shown(&app, Millis(1_260)), None);
        watch.relayed(&app, 300, Millis(2_000));
        watch.asked(&app, Millis(20_000));
        assert_eq!(watch.shown(&app, Millis(20_000)), None, "it followed something else");
    }
}
