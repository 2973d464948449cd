//! Whatever apps ask for and whatever happens meanwhile: the glasses show what a second, small model says, frames keep their
//! gap, and the last request is never lost.
//!
//! Everything happens at full tenths of a second, and so does everything that the session does by itself. The model does not
//! know deadlines: at each of these moments it looks at everything that was ever asked.

mod display;

use std::collections::BTreeSet;

use bifocal_protocol::app::AppKind;
use display::model::{APPS, DASHBOARD, Model, is_foreground};
use display::wearer::{Seen, Wearer};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

const TENTH: u64 = 100;
const GAP: u64 = 300;
const FORCE_GAP: u64 = 1_000;

#[derive(Debug, Clone)]
enum Act {
    /// An app draws one of its few pictures, or clears; only the system dashboard on the dashboard view.
    Draws {
        app: usize,
        picture: Option<u64>,
        duration: Option<u64>,
        force: bool,
        dashboard: bool,
    },
    /// An app draws every so many tenths for longer than one may have the display.
    Chatters {
        app: usize,
        every: u64,
    },
    Starts(usize),
    Stops(usize),
    PhoneGoes,
    /// It comes back, and may have forgotten what it has shown.
    PhoneComes {
        forgetful: bool,
    },
    /// The glasses lose their power; the phone says so when they are back.
    PowerCut,
    /// So many tenths pass.
    Wait(u64),
    /// The same, and all that was due meanwhile is done at the end.
    Late(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let duration = prop_oneof![
        4 => Just(None),
        1 => Just(Some(0)),
        4 => (1..30u64).prop_map(|tenths| Some(tenths * TENTH)),
        2 => (30..200u64).prop_map(|tenths| Some(tenths * TENTH)),
    ];
    let picture = prop::option::weighted(0.9, 0..4u64);
    let draws = (0..APPS, picture, duration, prop::bool::weighted(0.2), any::<bool>());
    prop_oneof![
        12 => draws.prop_map(|(app, picture, duration, force, dashboard)| {
            let picture = picture.map(|picture| 10 * (app as u64 + 1) + picture);
            Act::Draws { app, picture, duration, force, dashboard: dashboard && app == DASHBOARD }
        }),
        1 => (2..APPS, 5..19u64).prop_map(|(app, every)| Act::Chatters { app, every }),
        1 => (0..DASHBOARD).prop_map(Act::Starts),
        1 => (0..DASHBOARD).prop_map(Act::Stops),
        1 => Just(Act::PhoneGoes),
        3 => any::<bool>().prop_map(|forgetful| Act::PhoneComes { forgetful }),
        1 => Just(Act::PowerCut),
        6 => (0..6u64).prop_map(Act::Wait),
        6 => (6..60u64).prop_map(Act::Wait),
        1 => (60..250u64).prop_map(Act::Wait),
        1 => (1..40u64).prop_map(Act::Late),
    ]
}

/// One view as the phone and the glasses have it.
#[derive(Debug)]
struct Screen {
    dashboard: bool,
    on_glasses: Seen,
    /// What the phone believes; it passes the same thing on only once.
    on_phone: Option<Seen>,
    /// The glasses were off, and have got nothing since.
    dark: bool,
    sent_at: Option<u64>,
    forced_at: Option<u64>,
    /// What apps have asked to show without waiting, and what was not shown since.
    forced: BTreeSet<Option<u64>>,
    /// The newest request, when it asked for that.
    hurry: Option<u64>,
}

impl Screen {
    fn new(dashboard: bool) -> Self {
        let forced = BTreeSet::new();
        Self {
            dashboard,
            on_glasses: Seen::Nothing,
            on_phone: None,
            dark: false,
            sent_at: None,
            forced_at: None,
            forced,
            hurry: None,
        }
    }

    fn gets(&mut self, what: &Seen, now: u64) -> Result<(), TestCaseError> {
        let number = match what {
            Seen::Picture(number) => Some(*number),
            _ => None,
        };
        self.hurry = self.hurry.filter(|hurry| Some(*hurry) != number);
        let asked = !matches!(what, Seen::Boot(_)) && self.forced.remove(&number);
        if let Some(sent_at) = self.sent_at
            && now - sent_at < GAP
        {
            let may = asked && self.forced_at.is_none_or(|at| now - at >= FORCE_GAP);
            prop_assert!(may, "{:?} after {} ms at {}", what, now - sent_at, now);
            self.forced_at = Some(now);
        }
        (self.sent_at, self.dark) = (Some(now), false);
        if self.on_phone.as_ref() != Some(what) {
            self.on_phone = Some(what.clone());
            self.on_glasses = what.clone();
        }
        Ok(())
    }

    /// What the model says is to be seen when the gap is over, and at once when it was asked for and may be.
    fn check(&self, wanted: &Seen, now: u64) -> Result<(), TestCaseError> {
        let gap_over = self.sent_at.is_none_or(|at| now - at >= GAP);
        let hurry = self.hurry.is_some_and(|number| *wanted == Seen::Picture(number));
        let may_hurry = hurry && !self.dark && self.forced_at.is_none_or(|at| now - at >= FORCE_GAP);
        if gap_over || may_hurry {
            prop_assert_eq!(&self.on_glasses, wanted, "dashboard: {}, at {}, {:?}", self.dashboard, now, self);
        }
        Ok(())
    }
}

struct Play {
    wearer: Wearer,
    model: Model,
    screens: [Screen; 2],
    away_since: u64,
}

impl Play {
    fn new() -> Result<Self, TestCaseError> {
        let kind = |app| match app {
            DASHBOARD => AppKind::SystemDashboard,
            _ if is_foreground(app) => AppKind::Standard,
            _ => AppKind::Background,
        };
        let wearer = Wearer::new(&(0..APPS).map(kind).collect::<Vec<_>>());
        let screens = [Screen::new(false), Screen::new(true)];
        let mut play = Self { wearer, model: Model::default(), screens, away_since: 0 };
        for app in 0..APPS {
            play.start(app);
            play.look()?;
        }
        play.wait(20)?;
        Ok(play)
    }

    fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let now = self.wearer.now;
        match *act {
            Act::Draws { app, picture, duration, force, dashboard } => {
                self.draws(app, picture, duration, force, dashboard)
            }
            Act::Chatters { app, every } => {
                for turn in 0..350 / every {
                    self.draws(app, Some(10 * (app as u64 + 1) + turn % 4), None, false, false);
                    self.look()?;
                    self.wait(every)?;
                }
            }
            Act::Starts(app) => self.start(app),
            Act::Stops(app) if self.wearer.runs(app) => {
                self.model.gone(app, now);
                self.model.look(now);
                self.wearer.stop(app);
            }
            Act::Stops(_) => {}
            Act::PhoneGoes if self.wearer.phone_is_there() => {
                self.wearer.phone_goes();
                self.away_since = now;
            }
            Act::PhoneGoes => {}
            Act::PhoneComes { forgetful } => self.phone_comes(forgetful),
            Act::PowerCut if self.wearer.phone_is_there() => {
                self.screens.iter_mut().for_each(|screen| (screen.on_glasses, screen.dark) = (Seen::Nothing, true));
                self.wearer.power_cut();
            }
            Act::PowerCut => {}
            Act::Wait(tenths) => self.wait(tenths)?,
            Act::Late(tenths) => self.wake(now + tenths * TENTH)?,
        }
        self.look()
    }

    fn draws(&mut self, app: usize, picture: Option<u64>, duration: Option<u64>, force: bool, dashboard: bool) {
        if !self.wearer.runs(app) {
            return;
        }
        let now = self.wearer.now;
        self.model.draws(app, picture, duration, dashboard, now);
        let screen = &mut self.screens[usize::from(dashboard)];
        let drawn = picture.filter(|_| duration != Some(0));
        screen.hurry = drawn.filter(|number| force && screen.on_glasses != Seen::Picture(*number));
        if force {
            screen.forced.insert(drawn);
        }
        let text = picture.map(|picture| picture.to_string()).unwrap_or_default();
        let layout = json!({"layoutType": "text_wall", "text": text});
        let view = if dashboard { "dashboard" } else { "main" };
        let mut message = json!({"type": "display_event", "view": view, "layout": layout, "forceDisplay": force});
        if let Some(duration) = duration {
            message["durationMs"] = duration.into();
        }
        self.wearer.app_says(app, &message);
    }

    fn start(&mut self, app: usize) {
        if self.wearer.runs(app) {
            return;
        }
        let now = self.wearer.now;
        if is_foreground(app) && self.wearer.runs(1 - app) {
            // In the same moment: the boot screen changes its name, and nothing comes in between.
            self.model.gone(1 - app, now);
        }
        if app != DASHBOARD {
            self.model.starts(app, now);
        }
        self.wearer.start(app);
    }

    fn phone_comes(&mut self, forgetful: bool) {
        if self.wearer.phone_is_there() {
            return;
        }
        for screen in &mut self.screens {
            // It may be told at once.
            screen.sent_at = None;
            screen.on_phone = screen.on_phone.take().filter(|_| !forgetful);
        }
        self.wearer.phone_comes();
    }

    fn wait(&mut self, tenths: u64) -> Result<(), TestCaseError> {
        (0..tenths).try_for_each(|_| self.wake(self.wearer.now + TENTH))
    }

    fn wake(&mut self, now: u64) -> Result<(), TestCaseError> {
        self.model.look(now);
        self.wearer.wake(now);
        self.look()?;
        // Without its phone the session would end after a while.
        if !self.wearer.phone_is_there() && now - self.away_since > 15_000 {
            self.phone_comes(false);
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), TestCaseError> {
        let now = self.wearer.now;
        for frame in std::mem::take(&mut self.wearer.frames) {
            self.screens[usize::from(frame.dashboard)].gets(&frame.what, now)?;
        }
        if self.wearer.phone_is_there() {
            self.screens[0].check(&self.model.main(now), now)?;
            self.screens[1].check(&self.model.dashboard(now), now)?;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_glasses_show_what_the_model_says(acts in prop::collection::vec(act(), 1..60)) {
        let mut play = Play::new()?;
        for act in &acts {
            play.act(act)?;
        }
        // Nobody asks any more: what is to be seen in the end is seen.
        play.phone_comes(false);
        play.look()?;
        play.wait(450)?;
    }
}
