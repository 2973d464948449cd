//! What seldom happens: nonsense, changes of the record, floods, stories that need several steps, the end.

use bifocal_session::EndReason;

use super::{EVENTS, Generator, Mood};
use crate::cast::{AppNo, DECLARATIONS, Event};
use crate::run::Life;
use crate::step::{Act, AppSays, CallKind, Change, Ending, EngineSays, PhoneSays, Step};

impl Generator {
    /// What is allowed, and nobody does.
    pub(super) fn odd(&mut self, life: &Life) -> Step {
        let app = self.rng.below(4) as AppNo;
        let (phone, theirs) = (self.glasses_conn(life), self.app_conn(app, life));
        let either = if self.rng.percent(50) { phone } else { theirs };
        let stream = life.newest_stream().saturating_sub(self.rng.below(4) as u32);
        Step::Do(match self.rng.weighted(&[30, 20, 20, 10, 10, 60]) {
            5 => Act::EngineSays(
                stream,
                *self.rng.pick(&[
                    EngineSays::Lost,
                    EngineSays::Busy,
                    EngineSays::Ends,
                    EngineSays::Consumed(1),
                    EngineSays::Consumed(90_000),
                ]),
            ),
            0 => Act::Pong(either),
            1 => Act::AppBinary(theirs),
            2 => Act::TooMuch(either),
            // Frames of the wrong side.
            3 => Act::AppSays(phone, AppSays::Ping),
            _ => Act::PhoneSays(theirs, PhoneSays::Event(Event::Button, self.event())),
        })
    }

    pub(super) fn change(&mut self, life: &Life) -> Step {
        let app = self.rng.below(4) as AppNo;
        let change = match self.rng.weighted(&[30, 50, 20]) {
            0 if life.stored().installed[app].is_some() => Change::Uninstall(app),
            2 => Change::Sensing(!life.stored().sensing),
            _ => Change::Install(app, self.rng.below(DECLARATIONS.len() as u64) as usize),
        };
        if self.rng.percent(80) {
            self.planned.push_back(Step::End { of: CallKind::Load, back: 0, with: Ending::Loaded });
        }
        Step::Change(change)
    }

    /// More asks and hellos than may wait for the record, and then the record.
    pub(super) fn plan_crowd(&mut self, life: &Life) {
        for _ in 0..90 {
            let step = if self.rng.percent(50) { self.ask(life) } else { self.app_comes(life) };
            self.planned.push_back(step);
        }
        self.planned.push_back(Step::End { of: CallKind::Load, back: 0, with: Ending::Loaded });
    }

    /// An app that hears everything goes for a while; meanwhile things happen, and it may be declared anew.
    fn away(&mut self, app: AppNo, conn: u64, phone: u64) -> Step {
        let wildcard = 10;
        let wants = || AppSays::Wants(vec![wildcard, 3]);
        let back = self.new_conn();
        self.apps[app].push(back);
        for _ in 0..self.rng.below(4) {
            let event = *self.rng.pick(&EVENTS);
            let says = PhoneSays::Event(event, self.event());
            self.planned.push_back(Step::Do(Act::PhoneSays(phone, says)));
        }
        let count = self.rng.below(4);
        self.planned.push_back(Step::Do(Act::Confirms(conn, count)));
        self.planned.push_back(Step::Do(Act::Closed(conn, *self.rng.pick(&[1000, 1006]))));
        for _ in 0..self.rng.between(1, 8) {
            let event = *self.rng.pick(&EVENTS);
            let says = match self.rng.percent(50) {
                true => PhoneSays::Event(event, self.event()),
                false => PhoneSays::Words { event: Event::English, n: self.event(), last: self.rng.percent(50) },
            };
            self.planned.push_back(Step::Do(Act::PhoneSays(phone, says)));
        }
        if self.rng.percent(30) {
            let declaration = self.rng.below(DECLARATIONS.len() as u64) as usize;
            self.planned.push_back(Step::Change(Change::Install(app, declaration)));
            self.planned.push_back(Step::End { of: CallKind::Load, back: 0, with: Ending::Loaded });
        }
        self.planned.push_back(Step::Wait(*self.rng.pick(&[100, 4_000, 21_000])));
        self.planned.push_back(Step::Do(Act::AppConnect { conn: back, app, good: true }));
        self.planned.push_back(Step::Do(Act::AppSays(back, wants())));
        Step::Do(Act::AppSays(conn, wants()))
    }

    /// Floods, and the end.
    pub(super) fn rare(&mut self, life: &Life) -> Step {
        let app = self.rng.below(4) as AppNo;
        let (phone, theirs) = (self.glasses_conn(life), self.app_conn(app, life));
        match self.rng.weighted(&[20, 20, 14, 20, 10, 20, 12]) {
            0 => {
                let conn = if self.rng.percent(50) { phone } else { theirs };
                self.planned.extend((0..61).map(|_| Step::Do(Act::TooMuch(conn))));
                Step::Do(Act::TooMuch(conn))
            }
            1 => {
                let malformed = if self.rng.percent(50) {
                    Act::AppSays(theirs, AppSays::Malformed)
                } else {
                    Act::PhoneSays(phone, PhoneSays::Malformed)
                };
                self.planned.extend((0..61).map(|_| Step::Do(malformed.clone())));
                Step::Wait(1)
            }
            2 => {
                let count = self.rng.between(200, 300);
                let from = self.next_event;
                self.next_event += count;
                Step::Flood { conn: phone, event: *self.rng.pick(&EVENTS), from, count }
            }
            3 => {
                self.plan_crowd(life);
                Step::Wait(1)
            }
            4 => {
                // A start, and what it waits for does not come, again and again.
                self.mood = Mood { webhooks: 0, apps_come: 0, alive: 100, slow: true };
                self.until_mood = 60;
                Step::Wait(1)
            }
            5 => self.away(app, theirs, phone),
            _ => {
                let reasons = [EndReason::Manual, EndReason::Shutdown, EndReason::Fatal, EndReason::GraceExpired];
                Step::Do(Act::End(*self.rng.pick(&reasons)))
            }
        }
    }
}
