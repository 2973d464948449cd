//! What phones and apps say.

use bifocal_protocol::app::AppKind;
use bifocal_protocol::close::Close;

use super::{Model, UNNUMBERED};
use crate::cast::{APPS, Event};
use crate::seen::{Asked, Frame};
use crate::step::{AppSays, PhoneSays};

impl Model {
    pub(super) fn phone_says(&mut self, conn: u64, what: PhoneSays, now: u64) {
        self.heard(conn, now);
        match what {
            PhoneSays::Event(event, n) => {
                if event == Event::Link {
                    self.model_named = true;
                    self.mic.glasses_back();
                }
                self.deliver(event, n, None, now);
            }
            PhoneSays::Words { event, n, last } => self.deliver(event, n, Some(last), now),
            PhoneSays::Init { token: false } => self.on(conn, Frame::PhoneAck),
            PhoneSays::Init { token: true } => {
                self.token = Some((UNNUMBERED, conn));
                self.ask(Asked::Token);
            }
            PhoneSays::Start(app) => self.start(app, true, None, now),
            PhoneSays::Stop(app) => self.stop_wish(app, now),
            PhoneSays::Malformed => {
                self.on(conn, Frame::PhoneError);
                self.misbehaves(conn, Close::Malformed, now);
            }
            PhoneSays::Settings => self.settings(conn),
            PhoneSays::Ping => {}
        }
    }

    pub(super) fn phone_sound(&mut self, bytes: usize, now: u64) {
        if let Some(conn) = self.phone() {
            self.heard(conn, now);
        }
        self.mic.sound_came(now);
        if !self.wearer.sensing {
            return;
        }
        let all = bytes + usize::from(self.half);
        self.half = all % 2 == 1;
        let whole = all - usize::from(self.half);
        if whole > 0 {
            self.deliver_sound(whole);
        }
    }

    pub(super) fn app_says(&mut self, conn: u64, what: &AppSays, now: u64) {
        let Some(app) = self.speaker(conn) else { return self.says_early(conn, what) };
        self.heard(conn, now);
        match what {
            AppSays::Init(name) | AppSays::ShowsAs(name) | AppSays::WantsAs(name, _) if *name != app => {
                self.on(conn, Frame::AppError);
            }
            AppSays::Init(_) => self.on(conn, Frame::Ack),
            AppSays::Releases { restarts } => {
                if let Some(line) = self.line_mut(conn) {
                    line.released = Some(*restarts);
                }
            }
            AppSays::Wants(list) | AppSays::WantsAs(_, list) => self.subscribe(app, list, now),
            AppSays::WantsGestures => self.subscribe_to_gestures(app, now),
            AppSays::Shows(picture) if picture.dashboard && APPS[app].kind != AppKind::SystemDashboard => {
                self.on(conn, Frame::AppError);
            }
            AppSays::Shows(_) | AppSays::ShowsAs(_) | AppSays::Unknown | AppSays::Ping => {}
            AppSays::Malformed => {
                self.on(conn, Frame::AppError);
                self.misbehaves(conn, Close::Malformed, now);
            }
            AppSays::Photo => self.photo(app, conn, now),
        }
    }
}
