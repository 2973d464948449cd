//! The rules of the display once more, from everything that was ever asked. It knows no deadlines: it is made to look at each
//! moment at which something may have changed.

use super::wearer::{Seen, name};

/// Who there is: two apps that take the foreground from each other, three background apps, the system dashboard.
pub(crate) const APPS: usize = 6;
pub(crate) const DASHBOARD: usize = 5;

pub(crate) const fn is_foreground(app: usize) -> bool {
    app < 2
}

/// One request, or the start of an app.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: u64,
    app: usize,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Starts,
    Gone,
    /// A picture, or a clear, on the dashboard view or the main one.
    Draws {
        picture: Option<u64>,
        until: Option<u64>,
        dashboard: bool,
    },
}

/// The rules, from everything that was ever asked.
#[derive(Debug, Default)]
pub(crate) struct Model {
    asked: Vec<Asked>,
    /// The background app that has the display, since when.
    holder: Option<(usize, u64)>,
    /// The background apps that wait, in the order in which they began to.
    waits: Vec<usize>,
    covered_since: Option<u64>,
    turn: u64,
    /// When the boot screen came, counted in requests; while it stands.
    boot: Option<usize>,
    /// When the holder's picture became its picture.
    framed_at: u64,
}

impl Model {
    /// What an app last asked for on a view in its present life.
    fn last(&self, app: usize, on_dashboard: bool, now: u64) -> Option<(u64, u64, Option<u64>)> {
        let mine = self.asked.iter().rev().filter(|asked| asked.app == app);
        for asked in mine {
            match asked.what {
                What::Gone => return None,
                What::Draws { picture, until, dashboard } if dashboard == on_dashboard => {
                    return picture.map(|picture| (picture, asked.at, until)).filter(|_| asked.at <= now);
                }
                What::Starts | What::Draws { .. } => {}
            }
        }
        None
    }

    /// The apps that the boot screen names: started in the last 1.5 s, and neither gone nor seen drawing since.
    fn booting(&self, now: u64) -> Vec<usize> {
        let mut names = Vec::new();
        for (index, asked) in self.asked.iter().enumerate() {
            let since = || self.asked[index + 1..].iter().filter(|later| later.app == asked.app);
            let over = since().any(|later| !matches!(later.what, What::Draws { dashboard: true, .. }));
            if matches!(asked.what, What::Starts) && now - asked.at < 1_500 && !over {
                names.push(asked.app);
            }
        }
        names
    }

    /// The page of the foreground app.
    fn page(&self, now: u64) -> Option<u64> {
        let pages = (0..APPS).filter(|app| is_foreground(*app)).filter_map(|app| self.last(app, false, now));
        let lasts = |until: Option<u64>| until.is_none_or(|until| until > now);
        pages.filter(|(_, _, until)| lasts(*until)).map(|(picture, ..)| picture).next()
    }

    /// Something was asked, or a moment has come.
    pub(crate) fn look(&mut self, now: u64) {
        let page = self.page(now);
        let mut waits = std::mem::take(&mut self.waits);
        waits.retain(|app| self.asked_at(*app, now).is_some_and(|(at, _)| now - at < 5_000));
        self.waits = waits;
        if let Some((holder, since)) = self.holder {
            let wanted = page.is_some() || !self.waits.is_empty();
            let stays = self.asked_at(holder, now).is_some_and(|(_, duration)| {
                let shown = now - self.framed_at;
                let own = duration.is_none_or(|ms| shown < ms);
                own && (!wanted || shown < duration.unwrap_or(2_000).min(10_000) && now - since < 30_000)
            });
            if !stays {
                self.holder = None;
            }
        }
        let booting = !self.booting(now).is_empty();
        let drew = |asked: &Asked| is_foreground(asked.app) && matches!(asked.what, What::Draws { .. });
        let boot = self.boot.take_if(|_| !booting);
        let drawn = boot.is_some_and(|boot| self.asked[boot..].iter().any(drew));
        let covered = self.covered_since.is_some_and(|since| now - since >= 30_000);
        if drawn || self.holder.is_none() && covered {
            self.turn = now + 2_000;
        }
        if page.is_none() {
            self.turn = 0;
        }
        if self.holder.is_none() && !booting && self.turn <= now && !self.waits.is_empty() {
            self.holder = Some((self.waits.remove(0), now));
            self.framed_at = now;
        }
        self.covered_since = match self.covered_since {
            _ if self.holder.is_none() => None,
            Some(since) if page.is_some() => Some(since),
            _ => Some(now),
        };
    }

    /// When a background app last asked for a picture that it has not taken back, and for how long it asked.
    fn asked_at(&self, app: usize, now: u64) -> Option<(u64, Option<u64>)> {
        self.last(app, false, now).map(|(_, at, until)| (at, until.map(|until| until - at)))
    }

    pub(crate) fn starts(&mut self, app: usize, now: u64) {
        self.boot.get_or_insert(self.asked.len());
        self.asked.push(Asked { at: now, app, what: What::Starts });
    }

    pub(crate) fn gone(&mut self, app: usize, now: u64) {
        self.asked.push(Asked { at: now, app, what: What::Gone });
    }

    pub(crate) fn draws(&mut self, app: usize, picture: Option<u64>, duration: Option<u64>, dashboard: bool, now: u64) {
        self.look(now);
        let picture = picture.filter(|_| duration != Some(0));
        let until = duration.map(|ms| now + ms);
        self.asked.push(Asked { at: now, app, what: What::Draws { picture, until, dashboard } });
        if !dashboard && !is_foreground(app) {
            match self.holder {
                Some((holder, _)) if holder == app => self.framed_at = now,
                _ if picture.is_some() && !self.waits.contains(&app) => {
                    self.waits.push(app);
                }
                _ => {}
            }
        }
        self.look(now);
    }

    pub(crate) fn main(&self, now: u64) -> Seen {
        let booting = self.booting(now);
        if !booting.is_empty() {
            return Seen::Boot(booting.iter().map(|app| name(*app)).collect::<Vec<_>>().join(", "));
        }
        let held = self.holder.and_then(|(app, _)| self.last(app, false, now)).map(|(picture, ..)| picture);
        held.or_else(|| self.page(now)).map_or(Seen::Nothing, Seen::Picture)
    }

    pub(crate) fn dashboard(&self, now: u64) -> Seen {
        let lasts = |until: Option<u64>| until.is_none_or(|until| until > now);
        let page = self.last(DASHBOARD, true, now).filter(|(_, _, until)| lasts(*until));
        page.map_or(Seen::Nothing, |(picture, ..)| Seen::Picture(picture))
    }
}
