//! The reference model: the rules of a session once more, as small and as plain as they can be written.
//!
//! It shares nothing with the session but the vocabulary. A phase is a value, a deadline a number in it, a list of
//! subscriptions a list of places in a table. It foretells what can be seen from outside ([`Seen`]): who runs, which socket
//! is told what, who is asked, which webhooks and closes happen. Pictures are left to `watch/display.rs`.

mod apps;
mod calls;
mod end;
mod life;
mod line;
mod mic;
mod photos;
mod says;
mod streams;

use bifocal_protocol::close::Close;
use bifocal_session::{AppPhase, SessionState, StartStage};

use crate::cast::{APPS, AppNo, ENTRIES, Event, RAW_SOUND, STRANGER, Wearer};
use crate::seen::{Answered, Asked, Frame, LINK_DOWN, LINK_UP, Seen};
use crate::step::Act;
use apps::{App, Phase};
use life::Load;
use line::Line;
use mic::Mic;
use photos::Photo;

const GLASSES_GRACE: u64 = 30_000;
const TERMINATE: u64 = 1_000;
const APP_GRACE: u64 = 20_000;
const APP_START: u64 = 15_000;
const APP_STOP: u64 = 5_000;
/// For so long after its stop an app is told that it was stopped.
const STOPPED: u64 = 20_000;
const APP_PROBE: u64 = 3_000;
const APP_PROBE_EVERY: u64 = 300;
const FAILED_PROBE: u64 = 60_000;
const FLUSH: u64 = 8_000;
const EMPTY_LIST: u64 = 8_000;
const WEBHOOK_RETRY: u64 = 1_000;
const FORGIVEN: u64 = 60_000;
const FAILURES_WITHIN: u64 = 300_000;
const MOST_PARKED: usize = 64;
const MOST_WAITING: usize = 32;
const MOST_HELD: usize = 256;

/// A call that has no number yet: the session chooses it.
const UNNUMBERED: u32 = 0;

/// The link to the glasses.
#[derive(Debug, Clone)]
enum Glasses {
    Expected,
    Here(Line),
    Away(u64),
}

/// A session, as it should be.
#[derive(Debug, Clone)]
pub struct Model {
    glasses: Glasses,
    load: Load,
    wearer: Wearer,
    apps: [Option<App>; 4],
    mic: Mic,
    photos: Vec<Photo>,
    /// The phone has said which glasses it has.
    model_named: bool,
    /// The token that is being checked, and whose it is.
    token: Option<(u32, u64)>,
    /// Until when a socket of an app that was stopped is told so.
    stopped_until: [u64; 4],
    /// The numbers of the last word about the link to the glasses, and of the last fix.
    link: Option<u64>,
    fix: Option<u64>,
    /// Half a sample waits for its other half.
    half: bool,
    ended: bool,
    out: Vec<Seen>,
}

impl Default for Model {
    fn default() -> Self {
        let nobody = Wearer { installed: [None; 4], ran: [false; 4], sensing: true };
        Self {
            glasses: Glasses::Expected,
            load: Load::default(),
            wearer: nobody,
            apps: [const { None }; 4],
            mic: Mic::default(),
            photos: Vec::new(),
            model_named: false,
            token: None,
            stopped_until: [0; 4],
            link: None,
            fix: None,
            half: false,
            ended: false,
            out: Vec::new(),
        }
    }
}

impl Model {
    /// Whether an input changes nothing at all, because nobody waits for it or its socket is not current.
    pub fn ignores(&self, act: &Act) -> bool {
        if self.ended {
            return true;
        }
        match act {
            Act::PhoneSays(conn, _) | Act::PhoneSound(conn, _) => self.phone() != Some(*conn),
            Act::AppSays(conn, _) => self.speaker(*conn).is_none() && !self.load.waits(*conn),
            Act::AppBinary(conn) => self.speaker(*conn).is_none(),
            Act::TooMuch(conn) => self.phone() != Some(*conn) && self.app_of(*conn).is_none(),
            Act::Pong(conn) | Act::Confirms(conn, _) => self.phone() != Some(*conn) && self.speaker(*conn).is_none(),
            Act::Closed(conn, _) => {
                self.glasses_conn() != Some(*conn) && self.app_of(*conn).is_none() && !self.load.waits(*conn)
            }
            Act::CallEnds(call, ending) => !self.waits_for(*call, *ending),
            Act::AskView(_) => true,
            _ => false,
        }
    }

    /// Something happens; what is to be seen. `stored` is what the store hands out at this time.
    pub fn act(&mut self, act: &Act, stored: &Wearer, now: u64) -> Vec<Seen> {
        if self.ended {
            self.after_the_end(act);
        } else {
            self.one(act, stored, now);
        }
        if !self.ended {
            self.photos_go_on(now);
            self.mic.demand(self.wanted_sound(), self.wearer.sensing, now);
            if let (Some(conn), Some((on, raw))) = (self.phone(), self.mic.take(self.phone().is_some(), now)) {
                self.on(conn, Frame::Mic(on, raw));
            }
        }
        std::mem::take(&mut self.out)
    }

    fn one(&mut self, act: &Act, stored: &Wearer, now: u64) {
        match act {
            _ if self.ignores(act) => match act {
                Act::AskView(ask) => self.answer(*ask, Answered::View),
                // A question of a phone that was superseded may still wait for the record; nobody would be told.
                Act::Closed(conn, _) => self.load.forget(*conn),
                _ => {}
            },
            Act::GlassesConnect(conn) => self.glasses_connect(*conn, now),
            Act::PhoneSays(conn, what) => self.phone_says(*conn, *what, now),
            Act::PhoneSound(_, bytes) => self.phone_sound(*bytes, now),
            Act::AppConnect { conn, app, good } => self.app_connects(*conn, *app, *good, now),
            Act::AppSays(conn, what) => self.app_says(*conn, what, now),
            Act::AppBinary(conn) => self.heard(*conn, now),
            Act::Pong(conn) => self.confirms(*conn, u64::MAX, now),
            Act::Confirms(conn, count) => self.confirms(*conn, *count, now),
            Act::TooMuch(conn) => self.misbehaves(*conn, Close::TooBig, now),
            Act::Closed(conn, code) => self.closed(*conn, *code, now),
            Act::CallEnds(call, ending) => self.call_ends(*call, *ending, stored, now),
            Act::AskStart(ask, app) => self.start(*app, true, Some(*ask), now),
            Act::AskStop(ask, app) => {
                self.stop_wish(*app, now);
                self.answer(*ask, Answered::Stopped);
            }
            Act::AskView(_) => {}
            // Nothing of it is to be seen: `watch/speech.rs` judges it.
            Act::EngineSays(..) => {}
            Act::UserChanged => self.load(),
            Act::End(reason) => self.end(*reason),
        }
    }

    /// The socket of the phone that is told things; `None` while it is gone or being hung up on.
    pub fn phone(&self) -> Option<u64> {
        match &self.glasses {
            Glasses::Here(line) if line.leaving.is_none() && !self.ended => Some(line.conn),
            _ => None,
        }
    }

    /// The socket of the phone, also while it is being hung up on.
    pub fn glasses_conn(&self) -> Option<u64> {
        match &self.glasses {
            Glasses::Here(line) => Some(line.conn),
            _ => None,
        }
    }

    /// The socket of an app that runs.
    pub fn app_conn(&self, app: AppNo) -> Option<u64> {
        match self.apps.get(app)?.as_ref()?.phase {
            Phase::Running { line, .. } => Some(line.conn),
            _ => None,
        }
    }

    /// The app whose hello waits on this socket for the record.
    pub fn waiting_app(&self, conn: u64) -> Option<AppNo> {
        self.load.waiting_app(conn)
    }

    /// Whether another socket of the app has come behind this one, and waits, too.
    pub fn waits_behind(&self, conn: u64, app: AppNo) -> bool {
        self.load.last_waiting(app) != Some(conn)
    }

    /// Where the session should be in its life.
    pub fn state(&self) -> SessionState {
        match self.glasses {
            _ if self.ended => SessionState::Disposed,
            Glasses::Expected => SessionState::Connecting,
            Glasses::Here(_) => SessionState::Active,
            Glasses::Away(_) => SessionState::Disconnected,
        }
    }

    /// In which phase an app should be.
    pub fn phase(&self, app: AppNo) -> Option<AppPhase> {
        self.apps.get(app)?.as_ref().map(|app| app.phase.seen())
    }

    /// The call that reads the record of the wearer, while it is awaited.
    pub fn awaited_load(&self) -> Option<u32> {
        self.load.call
    }

    /// Whether the record of the wearer was ever read.
    pub fn is_loaded(&self) -> bool {
        self.load.done
    }

    /// What the record says, as it was last read.
    pub fn wearer(&self) -> &Wearer {
        &self.wearer
    }

    /// Whether an app wants this microphone on, and may have it.
    pub fn wanted_sound(&self) -> (bool, bool) {
        let lists = self.apps.iter().flatten().flat_map(|app| app.wants.iter());
        let (on, raw) = lists.fold((false, false), |(on, raw), place| {
            (on || ENTRIES[usize::from(*place)].sound, raw || *place == RAW_SOUND)
        });
        (on && self.wearer.sensing, on && raw && self.wearer.sensing)
    }

    fn on(&mut self, conn: u64, frame: Frame) {
        self.out.push(Seen::On(conn, frame));
    }

    fn ask(&mut self, asked: Asked) {
        self.out.push(Seen::Call(asked));
    }

    fn answer(&mut self, ask: u32, answer: Answered) {
        self.out.push(Seen::Answer(ask, answer));
    }

    /// Which kind of thing is lost with a socket: the glasses, or an app.
    fn closed(&mut self, conn: u64, code: u16, now: u64) {
        self.load.forget(conn);
        if self.glasses_conn() == Some(conn) {
            self.glasses = Glasses::Away(now + GLASSES_GRACE);
            self.token = None;
            self.deliver(Event::Link, LINK_DOWN, None, now);
        } else if let Some(app) = self.app_of(conn) {
            self.app_lost(app, code, now);
        }
    }

    fn misbehaves(&mut self, conn: u64, close: Close, now: u64) {
        let Some(line) = self.line_mut(conn) else { return };
        line.heard = now;
        if line.misbehaves(now) {
            self.out.push(Seen::close(conn, close));
            self.closed(conn, close.code(), now);
        }
    }

    fn heard(&mut self, conn: u64, now: u64) {
        if let Some(line) = self.line_mut(conn) {
            line.heard = now;
        }
    }

    fn line_mut(&mut self, conn: u64) -> Option<&mut Line> {
        let glasses = match &mut self.glasses {
            Glasses::Here(line) if line.conn == conn => Some(line),
            _ => None,
        };
        let apps = self.apps.iter_mut().flatten().filter_map(App::line_mut);
        glasses.or_else(|| apps.into_iter().find(|line| line.conn == conn))
    }

    fn installed(&self, app: AppNo) -> bool {
        app != STRANGER && self.wearer.installed[app].is_some()
    }

    fn fail_asks(&mut self, asks: Vec<u32>, stage: StartStage) {
        self.out.extend(asks.into_iter().map(|ask| Seen::failed(ask, stage)));
    }

    fn glasses_connect(&mut self, conn: u64, now: u64) {
        let again = !matches!(self.glasses, Glasses::Expected);
        if let Glasses::Here(old) = &self.glasses {
            // One that has had its close frame gets no other.
            let seen = match old.leaving {
                Some(_) => Seen::On(old.conn, Frame::Abort),
                None => Seen::close(old.conn, Close::Superseded),
            };
            self.out.push(seen);
        }
        self.glasses = Glasses::Here(Line::new(conn, now));
        self.token = None;
        self.on(conn, Frame::PhoneAck);
        self.mic.new_connection();
        if again {
            self.mic.demand(self.wanted_sound(), self.wearer.sensing, now);
            if let Some((on, raw)) = self.mic.take(true, now) {
                self.on(conn, Frame::Mic(on, raw));
            }
            self.deliver(Event::Link, LINK_UP, None, now);
            for no in 0..APPS.len() {
                if self.phase(no) == Some(AppPhase::Dormant) {
                    self.revive(no, now);
                }
            }
        } else {
            self.load();
        }
    }
}
