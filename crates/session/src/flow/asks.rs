//! What others ask for: REST and the command line. Every ask is answered exactly once.

use bifocal_protocol::Message;
use bifocal_protocol::glasses::FromPhone;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;
use bifocal_protocol::webhook::StopReason;

use crate::effect::{Answer, Effects};
use crate::flow::start::Wish;
use crate::flow::{device, location, managed, phone, photo, settings, start, stop};
use crate::input::{Ask, AskId, PhoneReport};
use crate::now::Now;
use crate::session::UserSession;

/// Somebody asks.
pub(crate) fn asked(s: &mut UserSession, ask: AskId, what: Ask, now: Now, out: &mut Effects) {
    match what {
        Ask::StartApp(package) => start::start(s, &package, Wish::New, Some(ask), now, out),
        Ask::StopApp(package) => {
            start::want_running(s, &package, false, out);
            stop::stop(s, &package, StopReason::UserDisabled, now, out);
            out.answer(ask, Answer::Stopped);
        }
        Ask::Report(report) => {
            let answer = reported(s, *report, now, out);
            out.answer(ask, answer);
        }
        Ask::AppSettings(package) => {
            let running = s.apps.get(&package).map(|slot| Answer::Settings(s.settings.of_app(&slot.record)));
            let known = s.load.installed(&package).is_some();
            let answer = running.unwrap_or(if known { Answer::NotRunning } else { Answer::NotInstalled });
            out.answer(ask, answer);
        }
        Ask::Transcripts { package, language, from, until } => {
            let said = |s: &UserSession| Answer::Transcripts(s.speech.history.said(language.as_deref(), from, until));
            out.answer(ask, if_it_may_hear(s, &package, said));
        }
        Ask::RecentSound(package) => {
            out.answer(ask, if_it_may_hear(s, &package, |s| Answer::RecentSound(s.speech.recent())));
        }
        Ask::Stream(wish) => managed::asked(s, ask, *wish, out),
        Ask::View => out.answer(ask, Answer::View(Box::new(s.view()))),
    }
}

/// What only an app may know that runs and has the microphone.
fn if_it_may_hear(s: &UserSession, package: &PackageName, answer: impl FnOnce(&UserSession) -> Answer) -> Answer {
    match s.apps.get(package) {
        None if s.load.installed(package).is_none() => Answer::NotInstalled,
        Some(slot) if slot.link().is_some() && slot.record.granted().grants(Permission::Microphone) => answer(s),
        Some(slot) if slot.link().is_some() => Answer::NotPermitted,
        _ => Answer::NotRunning,
    }
}

/// The phone says something over REST.
fn reported(s: &mut UserSession, report: PhoneReport, now: Now, out: &mut Effects) -> Answer {
    match report {
        PhoneReport::Device(report) => {
            device::posted(s, *report, now, out);
            Answer::Device {
                connected: s.device.is_connected().unwrap_or_default(),
                model: s.device.model().map(str::to_owned),
                capabilities: s.device.capabilities().cloned(),
            }
        }
        PhoneReport::Location(update) => {
            let text = FromPhone::LocationUpdate((*update).clone()).encode();
            location::fix(s, &update, &text, now, out);
            Answer::Noted
        }
        PhoneReport::Calendar(events) => {
            phone::appointments(s, events, now, out);
            Answer::Noted
        }
        PhoneReport::Settings { system, timezone, wearable } => {
            s.settings.timezone = timezone.or(s.settings.timezone.take());
            s.load.system_is_set();
            settings::replace(s, *system, now, out);
            if let Some(model) = wearable {
                s.device.expect(&model);
            }
            Answer::Noted
        }
        PhoneReport::AppSettings { package, chosen } => {
            settings::chosen(s, package, chosen, now, out);
            Answer::Noted
        }
        PhoneReport::Notification(notification) => {
            let text = FromPhone::PhoneNotification((*notification).clone()).encode();
            phone::notified(s, &notification, &text, now, out);
            Answer::Noted
        }
        PhoneReport::DateTime(datetime) => {
            phone::clock(s, datetime, now, out);
            Answer::Noted
        }
        PhoneReport::Photo(response) => {
            photo::answered(s, *response, now, out);
            Answer::Noted
        }
        PhoneReport::PhotoHere(request) => {
            s.photos.came(&request);
            Answer::Noted
        }
        PhoneReport::Dismissed(dismissed) => {
            let text = FromPhone::PhoneNotificationDismissed((*dismissed).clone()).encode();
            phone::dismissed(s, &dismissed, &text, now, out);
            Answer::Noted
        }
    }
}
