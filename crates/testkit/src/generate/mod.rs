//! Chooses what happens next: mostly what is likely in the world, sometimes what is not, now and then nonsense.

mod rare;

use std::collections::VecDeque;

use bifocal_session::AppPhase;

use crate::cast::{AppNo, ENTRIES, Event, STRANGER, Wearer};
use crate::rng::Rng;
use crate::run::Life;
use crate::step::{Act, AppSays, CallKind, Ending, PhoneSays, Picture, Step};

const EVENTS: [Event; 9] = [
    Event::Button,
    Event::Location,
    Event::Notification,
    Event::Calendar,
    Event::DoubleTap,
    Event::LongPress,
    Event::Voice,
    Event::Link,
    Event::Unknown,
];

/// What the world is like for a while.
#[derive(Debug, Clone, Copy)]
struct Mood {
    /// Of a hundred webhooks so many are answered well.
    webhooks: u64,
    /// Of a hundred, whether an app that is awaited comes.
    apps_come: u64,
    /// Everybody answers pings while time passes.
    alive: u64,
    /// How much time passes.
    slow: bool,
}

/// Where steps come from.
#[derive(Debug)]
pub struct Generator {
    rng: Rng,
    mood: Mood,
    until_mood: u64,
    planned: VecDeque<Step>,
    glasses: Vec<u64>,
    apps: [Vec<u64>; 5],
    next_conn: u64,
    next_ask: u32,
    next_event: u64,
    next_picture: u64,
    /// How many steps this life may take.
    left: u64,
}

impl Generator {
    /// For one life.
    pub fn new(mut rng: Rng) -> Self {
        let left = if rng.percent(10) { rng.between(500, 3_000) } else { rng.between(20, 500) };
        let mood = Mood { webhooks: 90, apps_come: 90, alive: 80, slow: false };
        Self {
            rng,
            mood,
            until_mood: 30,
            planned: VecDeque::new(),
            glasses: vec![],
            apps: [const { Vec::new() }; 5],
            next_conn: 1,
            next_ask: 1,
            next_event: 1,
            next_picture: 1,
            left,
        }
    }

    /// The wearer of this life.
    pub fn wearer(&mut self) -> Wearer {
        let mut wearer = Wearer::new();
        wearer.ran = [false; 4].map(|_| self.rng.percent(25));
        wearer
    }

    /// The next step; `None` when this life has been long enough.
    pub fn next(&mut self, life: &Life) -> Option<Step> {
        self.left = self.left.checked_sub(1)?;
        if let Some(step) = self.planned.pop_front() {
            return Some(step);
        }
        if life.is_over() {
            // A few late comers, then it is enough.
            self.left = self.left.min(6);
        }
        self.until_mood = self.until_mood.saturating_sub(1);
        if self.until_mood == 0 {
            self.until_mood = self.rng.between(10, 80);
            self.mood = Mood {
                webhooks: *self.rng.pick(&[100, 95, 80, 20, 0]),
                apps_come: *self.rng.pick(&[95, 80, 50, 10, 0]),
                alive: *self.rng.pick(&[100, 95, 95, 80, 30]),
                slow: self.rng.percent(30),
            };
        }
        let weights = match life.model().phone() {
            None => [20, 18, 4, 10, 12, 3, 14, 9, 3, 1, 1],
            Some(_) => [22, 3, 24, 11, 18, 3, 14, 7, 5, 1, 1],
        };
        Some(match self.rng.weighted(&weights) {
            0 => self.time(life),
            1 => self.glasses_come_or_go(life),
            2 => self.phone_speaks(life),
            3 => self.app_comes(life),
            4 => self.app_speaks(life),
            5 => self.app_goes(life),
            6 => self.call_ends(life),
            7 => self.ask(life),
            8 => self.odd(life),
            9 => self.change(life),
            _ => self.rare(life),
        })
    }

    fn time(&mut self, life: &Life) -> Step {
        let ms = match self.rng.weighted(&[50, 30, 14, 5, 1]) {
            0 => self.rng.between(1, 400),
            1 => self.rng.between(400, 5_000),
            2 => self.rng.between(5_000, 15_000),
            3 => self.rng.between(15_000, 65_000),
            _ => self.rng.between(65_000, 600_000),
        };
        let ms = if self.mood.slow { ms * 3 } else { ms };
        let ms = if self.rng.percent(10) { ms / 100 * 100 + 100 } else { ms };
        match self.rng.below(100) {
            0..6 => Step::Late(ms),
            6..12 => Step::Pass(ms.min(4_000)),
            _ if self.rng.percent(self.mood.alive) && ms > 5_000 => {
                // Time passes, and everybody answers pings.
                for _ in 0..(ms / 9_000).min(70) {
                    self.plan_pongs(life);
                    self.planned.push_back(Step::Wait(9_000));
                }
                self.plan_pongs(life);
                Step::Wait(ms % 9_000)
            }
            _ => Step::Wait(ms),
        }
    }

    fn plan_pongs(&mut self, life: &Life) {
        let apps = (0..4).filter_map(|app| life.model().app_conn(app));
        let conns = apps.chain(life.model().phone());
        self.planned.extend(conns.map(|conn| Step::Do(Act::Pong(conn))));
    }

    fn new_conn(&mut self) -> u64 {
        self.next_conn += 1;
        self.next_conn - 1
    }

    /// The socket of the phone, or one that was.
    fn glasses_conn(&mut self, life: &Life) -> u64 {
        match life.model().glasses_conn() {
            Some(conn) if self.rng.percent(92) => conn,
            _ => self.old(None),
        }
    }

    /// The socket of an app that runs, or of any app, or one that was.
    fn app_conn(&mut self, app: AppNo, life: &Life) -> u64 {
        match life.model().app_conn(app) {
            Some(conn) if self.rng.percent(92) => conn,
            _ => self.old(Some(app)),
        }
    }

    /// One of the last sockets of somebody.
    fn old(&mut self, app: Option<AppNo>) -> u64 {
        let conns = app.map_or(&self.glasses, |app| &self.apps[app]);
        match conns.len() as u64 {
            0 => 0,
            some => conns[(some - 1 - self.rng.below(some.min(3))) as usize],
        }
    }

    fn glasses_come_or_go(&mut self, life: &Life) -> Step {
        let come = life.model().glasses_conn().is_none() && self.rng.percent(80) || self.rng.percent(25);
        if come {
            let conn = self.new_conn();
            self.glasses.push(conn);
            if !life.model().is_loaded() && self.rng.percent(4) {
                self.plan_crowd(life);
            } else if !life.model().is_loaded() && self.rng.percent(70) {
                self.planned.push_back(Step::End { of: CallKind::Load, back: 0, with: Ending::Loaded });
            }
            return Step::Do(Act::GlassesConnect(conn));
        }
        let conn = if self.rng.percent(50) { self.old(None) } else { self.glasses_conn(life) };
        Step::Do(Act::Closed(conn, *self.rng.pick(&[1000, 1001, 1005, 1006])))
    }

    fn event(&mut self) -> u64 {
        self.next_event += 1;
        self.next_event - 1
    }

    /// An app answers a ping that went out behind some of its events, or behind all of them.
    fn plan_confirmation(&mut self, life: &Life) {
        let running: Vec<AppNo> = (0..4).filter(|app| life.model().app_conn(*app).is_some()).collect();
        if running.is_empty() {
            return;
        }
        let app = *self.rng.pick(&running);
        let conn = self.app_conn(app, life);
        let (confirmed, sent) = life.model().on_the_way(app);
        let count = if self.rng.percent(60) { sent } else { self.rng.between(confirmed, sent + 1) };
        self.planned.push_back(Step::Do(Act::Confirms(conn, count)));
    }

    fn phone_speaks(&mut self, life: &Life) -> Step {
        let conn = self.glasses_conn(life);
        if self.rng.percent(40) {
            self.plan_confirmation(life);
        }
        let says = match self.rng.weighted(&[50, 40, 20, 12, 4, 2, 6, 2, 1]) {
            0 => PhoneSays::Event(*self.rng.pick(&EVENTS), self.event()),
            1 => {
                let event = if self.rng.percent(75) { Event::English } else { Event::French };
                PhoneSays::Words { event, n: self.event(), last: self.rng.percent(35) }
            }
            2 => return Step::Do(Act::PhoneSound(conn, self.rng.between(1, 5) as usize)),
            3 => PhoneSays::Start(self.any_app()),
            4 => PhoneSays::Stop(self.any_app()),
            5 => PhoneSays::Malformed,
            6 => PhoneSays::Init { token: self.rng.percent(60) },
            7 => PhoneSays::Settings,
            _ => PhoneSays::Ping,
        };
        Step::Do(Act::PhoneSays(conn, says))
    }

    fn any_app(&mut self) -> AppNo {
        if self.rng.percent(3) { STRANGER } else { self.rng.below(4) as AppNo }
    }

    /// An app of which something is awaited, if there is one.
    fn awaited(&mut self, life: &Life) -> AppNo {
        let awaited = |app: &AppNo| {
            matches!(
                life.model().phase(*app),
                Some(AppPhase::Starting | AppPhase::Grace | AppPhase::Backoff | AppPhase::Failed | AppPhase::Dormant)
            )
        };
        let apps: Vec<AppNo> = (0..4).filter(awaited).collect();
        if apps.is_empty() || !self.rng.percent(self.mood.apps_come) { self.any_app() } else { *self.rng.pick(&apps) }
    }

    fn app_comes(&mut self, life: &Life) -> Step {
        if !self.rng.percent(self.mood.apps_come.max(5)) {
            return self.time(life);
        }
        let app = self.awaited(life);
        let conn = self.new_conn();
        self.apps[app].push(conn);
        if self.rng.percent(70) {
            let wants = AppSays::Wants(self.list(app));
            self.planned.push_back(Step::Do(Act::AppSays(conn, wants)));
        }
        Step::Do(Act::AppConnect { conn, app, good: self.rng.percent(94) })
    }

    fn list(&mut self, app: AppNo) -> Vec<u8> {
        let entries = if self.rng.percent(8) { 0 } else { self.rng.between(1, 6) };
        // The background app likes sound, the reader words.
        let liked: &[u8] = match app {
            2 => &[1, 2, 3, 10],
            3 => &[6, 7, 8, 10, 3],
            _ => &[0, 10, 14, 15],
        };
        let mut list = Vec::new();
        for _ in 0..entries {
            let any = self.rng.below(ENTRIES.len() as u64) as u8;
            list.push(if self.rng.percent(40) { *self.rng.pick(liked) } else { any });
        }
        list
    }

    fn app_speaks(&mut self, life: &Life) -> Step {
        let running: Vec<AppNo> = (0..4).filter(|app| life.model().app_conn(*app).is_some()).collect();
        let app = if running.is_empty() { self.rng.below(5) as AppNo } else { *self.rng.pick(&running) };
        let conn = self.app_conn(app, life);
        let other = (app + 1 + self.rng.below(3) as AppNo) % 4;
        let says = match self.rng.weighted(&[40, 70, 4, 4, 3, 3, 3, 2, 1, 1, 5]) {
            0 => AppSays::Wants(self.list(app)),
            1 => AppSays::Shows(self.picture()),
            2 => AppSays::ShowsAs(other),
            3 => AppSays::WantsAs(other, self.list(app)),
            4 => AppSays::Malformed,
            5 => AppSays::Init(if self.rng.percent(80) { app } else { other }),
            6 => AppSays::Unknown,
            7 => AppSays::Photo,
            8 => AppSays::WantsGestures,
            10 => {
                self.planned.push_back(Step::Do(Act::Closed(conn, *self.rng.pick(&[1005, 1000, 1006]))));
                AppSays::Releases { restarts: self.rng.percent(30) }
            }
            _ => AppSays::Ping,
        };
        Step::Do(Act::AppSays(conn, says))
    }

    fn picture(&mut self) -> Picture {
        self.next_picture += 1;
        let duration = match self.rng.weighted(&[60, 5, 20, 15]) {
            0 => None,
            1 => Some(0),
            2 => Some(self.rng.between(1, 2_000)),
            _ => Some(self.rng.between(2_000, 40_000)),
        };
        Picture {
            n: if self.rng.percent(8) { 0 } else { self.next_picture },
            duration,
            force: self.rng.percent(15),
            dashboard: self.rng.percent(12),
        }
    }

    fn app_goes(&mut self, life: &Life) -> Step {
        let app = self.rng.below(4) as AppNo;
        let conn = if self.rng.percent(30) { self.old(Some(app)) } else { self.app_conn(app, life) };
        Step::Do(Act::Closed(conn, *self.rng.pick(&[1000, 1001, 1005, 1006, 1006, 1011])))
    }

    fn call_ends(&mut self, life: &Life) -> Step {
        let open = life.calls().iter().rev().take(12).find(|(call, kind)| life.model().awaits(*kind, *call));
        let (of, back) = match open {
            Some((call, kind)) if self.rng.percent(85) => {
                let newer = life.calls().iter().rev().take_while(|(other, _)| other != call);
                (*kind, newer.filter(|(_, other)| other == kind).count())
            }
            _ => {
                let app = self.rng.below(4) as AppNo;
                let kinds = [
                    CallKind::Load,
                    CallKind::Start(app),
                    CallKind::Stop(app),
                    CallKind::Health(app),
                    CallKind::Token,
                    CallKind::Save,
                ];
                (*self.rng.pick(&kinds), self.rng.below(3) as usize)
            }
        };
        let well = self.rng.percent(self.mood.webhooks);
        let with = match of {
            CallKind::Load if self.rng.percent(85) => Ending::Loaded,
            CallKind::Start(_) | CallKind::Stop(_) if well => Ending::Status(200),
            CallKind::Start(_) | CallKind::Stop(_) if self.rng.percent(50) => Ending::Status(500),
            CallKind::Health(_) if self.rng.percent(85) => {
                Ending::Health { well: self.rng.percent(60), others: self.rng.percent(40) }
            }
            CallKind::Token if self.rng.percent(95) => Ending::Token(self.rng.percent(70)),
            CallKind::Save => Ending::Saved,
            CallKind::Photo(_) if self.rng.percent(60) => Ending::Photo,
            _ => Ending::Failed,
        };
        Step::End { of, back, with }
    }

    fn ask(&mut self, life: &Life) -> Step {
        self.next_ask += 1;
        let ask = self.next_ask - 1;
        let idle: Vec<AppNo> = (0..4).filter(|app| life.model().phase(*app).is_none()).collect();
        Step::Do(match self.rng.weighted(&[60, 22, 18]) {
            0 if !idle.is_empty() && self.rng.percent(60) => Act::AskStart(ask, *self.rng.pick(&idle)),
            0 => Act::AskStart(ask, self.any_app()),
            1 => Act::AskStop(ask, self.any_app()),
            _ => Act::AskView(ask),
        })
    }
}
