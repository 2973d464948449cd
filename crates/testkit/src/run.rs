//! One life: a session and the model side by side, step by step.

use bifocal_protocol::ids::UserId;
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_protocol::{Text, Timestamp};
use bifocal_session::{
    AppHello, Ask, AskId, Call, CallId, CameraConfig, Config, ConnId, Deadline, Effect, Effects, Input, MayFetch,
    Millis, Now, Outcome, PhotoTaken, SessionState, SessionView, SpeechEvent, SpeechFailure, SpeechFault, SpeechId,
    Timings, UserSession, WebhookKind,
};
use bytes::Bytes;

use crate::cast::{self, DECLARATIONS, GOOD_KEY, Wearer};
use crate::counts::Counts;
use crate::model::Model;
use crate::seen::Seen;
use crate::step::{Act, CallKind, Change, Ending, EngineSays, PhoneSays, Step};
use crate::watch::{Broken, Held, Moment, Watch, broken};

/// 2026-01-05T08:00:00Z, as in the scenarios.
const WALL: i64 = 1_767_600_000_000;

/// A session from its beginning to its end, and a little longer.
pub struct Life {
    session: UserSession,
    model: Model,
    watch: Watch,
    stored: Wearer,
    now: u64,
    calls: Vec<(u32, CallKind)>,
    effects: Effects,
    counts: Counts,
    look: SessionView,
    lines: Option<Vec<String>>,
}

impl Life {
    /// A new one, of a wearer with these apps.
    pub fn new(stored: Wearer) -> Self {
        let user = UserId::new("ann@example.org").expect("an address");
        let config = Config {
            timings: Timings::DEFAULT,
            app_socket_url: "ws://127.0.0.1:8002/app-ws".to_owned(),
            public_url: "http://127.0.0.1:8002".to_owned(),
            speech_urls: SpeechUrls::new("http://127.0.0.1:8002", b"secret"),
            may_fetch: MayFetch::new(|url| url.starts_with("https://")),
            timezone: "Europe/Berlin".to_owned(),
            own_dashboard: false,
            speech: true,
            weather: false,
            camera: CameraConfig::default(),
            seed: [9; 32],
        };
        let session = UserSession::new(user, config, moment(0));
        let look = session.view();
        Self {
            session,
            model: Model::default(),
            watch: Watch::default(),
            stored,
            now: 0,
            calls: Vec::new(),
            effects: Effects::new(),
            counts: Counts::default(),
            look,
            lines: None,
        }
    }

    /// Writes down every step in the language of the scenarios.
    pub fn write_down(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// What was written down.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// The newest stream of a speech engine; 0 when there was none.
    pub fn newest_stream(&self) -> u32 {
        self.watch.newest_stream()
    }

    /// The session as it should be.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The numbers so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What the store has.
    pub fn stored(&self) -> &Wearer {
        &self.stored
    }

    /// Every call so far, and its kind.
    pub fn calls(&self) -> &[(u32, CallKind)] {
        &self.calls
    }

    /// Whether the session is over.
    pub fn is_over(&self) -> bool {
        self.model.state() == SessionState::Disposed
    }

    /// Lets one step happen.
    ///
    /// # Errors
    /// What does not hold after it.
    pub fn step(&mut self, step: &Step) -> Held {
        match step {
            Step::Do(act) => self.act(act),
            Step::End { of, back, with } => {
                let mut calls = self.calls.iter().rev().filter(|(_, kind)| kind == of);
                match calls.nth(*back) {
                    Some((call, _)) => self.act(&Act::CallEnds(*call, *with)),
                    None => Ok(()),
                }
            }
            Step::Flood { conn, event, from, count } => {
                (*from..from + count).try_for_each(|n| self.act(&Act::PhoneSays(*conn, PhoneSays::Event(*event, n))))
            }
            Step::Change(change) => {
                match *change {
                    Change::Uninstall(app) => self.stored.installed[app] = None,
                    Change::Install(app, place) => self.stored.installed[app] = Some(DECLARATIONS[place]),
                    Change::Sensing(on) => self.stored.sensing = on,
                }
                self.write(|life| vec![crate::scenario::change(*change, &life.stored)]);
                self.input(&Act::UserChanged)
            }
            Step::Wait(ms) => {
                self.write(|_| vec![format!("wait {ms}ms")]);
                let until = self.now + ms;
                self.fire_until(until)
            }
            Step::Late(ms) => {
                self.write(|_| vec![format!("# what is due meanwhile fires late:\nwait {ms}ms")]);
                self.now += ms;
                self.fire()?;
                self.nothing_is_late()
            }
            Step::Pass(ms) => {
                self.write(|_| vec![format!("# nothing that is due fires before the next step:\nwait {ms}ms")]);
                self.now += ms;
                Ok(())
            }
        }
    }

    fn write(&mut self, lines: impl FnOnce(&Self) -> Vec<String>) {
        if self.lines.is_some() {
            let new = lines(self);
            self.lines.get_or_insert_default().extend(new);
        }
    }

    fn act(&mut self, act: &Act) -> Held {
        self.write(|life| vec![crate::scenario::act(act, &life.calls, life.model.awaited_load())]);
        self.input(act)
    }

    /// One input: to the session, to the model, and both are compared.
    fn input(&mut self, act: &Act) -> Held {
        let stale = self.model.ignores(act);
        let before = self.session.next_deadline();
        let due = is_due(&before, self.now);
        self.watch.before(act, &self.model, self.now);
        let current: Vec<u64> = self.current();
        let input = self.resolve(act);
        self.session.handle(input, moment(self.now), &mut self.effects);
        self.counts.inputs += 1;
        let foretold = self.model.act(act, &self.stored, self.now);
        self.judge(foretold, &current, Some(act))?;
        if stale && !due {
            self.counts.stale += 1;
            let view = self.session.view();
            let only_answers =
                |effect: &Effect| matches!(effect, Effect::Answer { .. } | Effect::Note(_) | Effect::Abort { .. });
            let quiet = self.effects.as_slice().iter().all(only_answers);
            if !quiet || view != self.look || self.session.next_deadline() != before {
                return broken("stale input changes nothing", format!("{act:?}: {:?}", self.effects.as_slice()));
            }
        }
        let settled = !is_due(&self.session.next_deadline(), self.now);
        self.look_around(settled, false, Some(act))
    }

    /// Lets time pass; every deadline fires at its time, or at once when it has come already.
    fn fire_until(&mut self, until: u64) -> Held {
        while let Some((Millis(at), _)) = self.session.next_deadline().filter(|(at, _)| at.0 <= until) {
            self.now = at.max(self.now);
            self.fire()?;
        }
        self.now = until;
        self.nothing_is_late()?;
        self.look_around(true, false, None)
    }

    /// Fires what is due now.
    fn fire(&mut self) -> Held {
        let current: Vec<u64> = self.current();
        let late = self.session.next_deadline().is_some_and(|(at, _)| at.0 < self.now);
        self.session.on_deadline(moment(self.now), &mut self.effects);
        self.counts.deadlines += 1;
        if let Some((Millis(at), deadline)) = self.session.next_deadline().filter(|(at, _)| at.0 <= self.now) {
            let detail = format!("{deadline:?} at {at}, and it is {}", self.now);
            return broken("the next deadline is later than now", detail);
        }
        let seen: Vec<Seen> = self.effects.as_slice().iter().filter_map(Seen::of).collect();
        let foretold = match self.model.tick(self.now, &seen) {
            Ok(foretold) => foretold,
            Err(detail) => return broken("the microphone is as foretold", detail),
        };
        self.judge(foretold, &current, None)?;
        self.look_around(true, late, None)
    }

    fn current(&self) -> Vec<u64> {
        let apps = (0..4).filter_map(|app| self.model.app_conn(app));
        apps.chain(self.model.phone()).collect()
    }

    /// Compares what came out with what was foretold, and with what must hold.
    fn judge(&mut self, foretold: Vec<Seen>, current: &[u64], act: Option<&Act>) -> Held {
        let effects = self.effects.as_slice();
        self.counts.effects += effects.len() as u64;
        for effect in effects {
            if let Effect::Call { call, what } = effect {
                self.calls.push((call.0, kind_of(what)));
            }
        }
        self.model.learn(effects);
        let moment = Moment { now: self.now, act, late: false, model: &self.model };
        self.watch.effects(effects, current, moment)?;
        // The model says nothing about the microphone when deadlines fire: it has judged that already.
        let compared = |seen: &Seen| act.is_some() || !seen.is_mic();
        let seen = Seen::sorted(effects.iter().filter_map(Seen::of).filter(compared).collect());
        let foretold = Seen::sorted(foretold.into_iter().filter(compared).collect());
        if seen != foretold {
            let detail = format!("it does {seen:?}, and {foretold:?} was foretold");
            return broken("the session does what the model foretells", detail);
        }
        Ok(())
    }

    /// How the session looks now.
    fn look_around(&mut self, settled: bool, late: bool, act: Option<&Act>) -> Held {
        let view = self.session.view();
        if view.state != self.model.state() {
            let detail = format!("{:?} and not {:?}", view.state, self.model.state());
            return broken("the session is in the state that the model foretells", detail);
        }
        let mut phases = [None; 4];
        for (package, phase) in &view.apps {
            phases[cast::number(package.as_str())] = Some(*phase);
        }
        let foretold = [0, 1, 2, 3].map(|app| self.model.phase(app));
        if phases != foretold {
            return broken(
                "the apps are in the phases that the model foretells",
                format!("{phases:?} and not {foretold:?}"),
            );
        }
        self.count_moves(&view);
        let moment = Moment { now: self.now, act, late, model: &self.model };
        self.watch.after(&view, settled, moment)?;
        self.look = view;
        self.effects.drain().for_each(drop);
        Ok(())
    }

    fn nothing_is_late(&self) -> Held {
        match self.model.overdue().filter(|at| *at <= self.now) {
            Some(at) => broken("what is due happens", format!("something was due at {at}, and it is {}", self.now)),
            None => Ok(()),
        }
    }

    fn count_moves(&mut self, view: &SessionView) {
        let places = |look: &SessionView| {
            let mut places = [7; 4];
            for (package, phase) in &look.apps {
                places[cast::number(package.as_str())] = *phase as usize;
            }
            places
        };
        for (from, to) in places(&self.look).into_iter().zip(places(view)) {
            self.counts.moves[from][to] += u64::from(from != to);
        }
    }

    fn resolve(&self, act: &Act) -> Input {
        match act {
            Act::GlassesConnect(conn) => Input::GlassesConnected { conn: ConnId(*conn), sound: None },
            Act::PhoneSays(conn, what) => Input::GlassesText { conn: ConnId(*conn), text: what.text().into() },
            Act::PhoneSound(conn, bytes) => {
                Input::GlassesBinary { conn: ConnId(*conn), data: Bytes::from(vec![0x11; *bytes]) }
            }
            Act::AppConnect { conn, app, good } => {
                let key_hash = if *good { GOOD_KEY } else { [0; 32] };
                let hello = AppHello { package: cast::name(*app), key_hash, v3: false, reconnect: false };
                Input::AppConnected { conn: ConnId(*conn), hello: Box::new(hello) }
            }
            Act::AppSays(conn, what) => Input::AppText { conn: ConnId(*conn), text: Text::from(what.text()) },
            Act::AppBinary(conn) => Input::AppBinary { conn: ConnId(*conn), data: Bytes::from_static(&[0x22]) },
            Act::TooMuch(conn) => Input::Oversized { conn: ConnId(*conn) },
            Act::Pong(conn) => Input::Confirmed { conn: ConnId(*conn), count: u64::MAX },
            Act::Confirms(conn, count) => Input::Confirmed { conn: ConnId(*conn), count: *count },
            Act::Closed(conn, code) => Input::Closed { conn: ConnId(*conn), code: *code },
            Act::CallEnds(call, ending) => {
                let outcome = match *ending {
                    Ending::Loaded => Outcome::User(self.stored.data()),
                    Ending::Status(status) => Outcome::Webhook { status },
                    Ending::Failed => Outcome::Failed { why: "refused".to_owned() },
                    Ending::Health { well, others } => Outcome::Health { healthy: well, others_closed: others },
                    Ending::Token(good) => Outcome::Token(good),
                    Ending::Saved => Outcome::Saved,
                    Ending::Photo => Outcome::Photo(PhotoTaken { url: None, width: 1, height: 1, saved: false }),
                };
                Input::CallDone { call: CallId(*call), outcome: Box::new(outcome) }
            }
            Act::AskStart(ask, app) => asked(*ask, Ask::StartApp(cast::name(*app))),
            Act::AskStop(ask, app) => asked(*ask, Ask::StopApp(cast::name(*app))),
            Act::AskView(ask) => asked(*ask, Ask::View),
            Act::EngineSays(stream, what) => {
                let fault = |kind| {
                    let engine = Some(format!("engine-{}", stream % 3).into());
                    SpeechEvent::Failed(SpeechFailure { engine, kind, why: "as the story wants".to_owned() })
                };
                let event = match *what {
                    EngineSays::Lost => fault(SpeechFault::Lost),
                    EngineSays::Busy => fault(SpeechFault::Busy { retry_after: None }),
                    EngineSays::Ends => SpeechEvent::Closed,
                    EngineSays::Consumed(ms) => SpeechEvent::Consumed { ms },
                };
                Input::Speech { stream: SpeechId(*stream), event: Box::new(event) }
            }
            Act::UserChanged => Input::UserChanged,
            Act::End(reason) => Input::End { reason: *reason },
        }
    }
}

fn asked(ask: u32, what: Ask) -> Input {
    Input::Asked { ask: AskId(ask), what: Box::new(what) }
}

fn moment(at: u64) -> Now {
    Now { at: Millis(at), wall: Timestamp(WALL + at as i64) }
}

fn is_due(next: &Option<(Millis, Deadline)>, now: u64) -> bool {
    next.as_ref().is_some_and(|(at, _)| at.0 <= now)
}

fn kind_of(call: &Call) -> CallKind {
    match call {
        Call::LoadUser => CallKind::Load,
        Call::Webhook { kind: WebhookKind::Start, app, .. } => CallKind::Start(cast::number(app.package.as_str())),
        Call::Webhook { kind: WebhookKind::Stop, app, .. } => CallKind::Stop(cast::number(app.package.as_str())),
        Call::Health { app } => CallKind::Health(cast::number(app.package.as_str())),
        Call::VerifyToken { .. } => CallKind::Token,
        Call::Photo(upload) => CallKind::Photo(cast::number(upload.app.package.as_str())),
        Call::PhotoFailed(_) | Call::Media(_) => CallKind::Save,
        Call::SaveRunning { .. } | Call::SaveSettings(_) => CallKind::Save,
        // Nobody can be asked for it in these lives.
        Call::Weather { .. } => unreachable!("a session asks for the weather"),
    }
}

/// Plays a whole story. A panic of the session is something that does not hold, too.
///
/// # Errors
/// The step at which something does not hold, and what.
pub fn play(life: &mut Life, steps: &[Step]) -> Result<(), (usize, Broken)> {
    for (place, step) in steps.iter().enumerate() {
        guarded(|| life.step(step)).map_err(|broken| (place, broken))?;
    }
    Ok(())
}

/// Runs one step, and takes a panic for what it is: something that does not hold.
///
/// # Errors
/// What does not hold.
pub fn guarded(step: impl FnOnce() -> Held) -> Held {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            broken("the session does not panic", text.unwrap_or_default())
        }
    }
}
