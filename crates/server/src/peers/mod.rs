//! App-to-app: which users an app runs for, and what they say to each other through it. Nobody hears of users of another app.
//!
//! | request | who is told |
//! |---|---|
//! | here, gone | `app_user_joined`, `app_user_left` to the others, unless they are very many |
//! | broadcast | `app_message_received` to the others, or to those in its room |
//! | direct | `app_message_received` to the one; `app_direct_message_response` to the sender |
//! | join, leave | `app_room_updated` to everybody in the room, and `app_user_joined`, `app_user_left` with its name to the others |

mod room;

use std::collections::{BTreeMap, HashMap};

use bifocal_protocol::Timestamp;
use bifocal_protocol::apps::{
    AppDirectMessageResponse, AppError, AppErrorCode, AppMessageReceived, AppRoomUpdated, AppUserJoined, AppUserLeft,
    RoomChange, ToApp,
};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_session::{FromPeers, Input, PeerRequest};
use parking_lot::Mutex;

use crate::actor::Mail;
use crate::mailbox::Mailbox;
use room::{Happened, Rooms};

/// With more users than these, nobody is told who comes and goes: it would be a message for each pair of them.
const MOST_ANNOUNCED: usize = 200;

/// Every app that runs for anybody.
#[derive(Debug, Default)]
pub(crate) struct Peers(Mutex<HashMap<PackageName, App>>);

#[derive(Debug, Default)]
struct App {
    users: BTreeMap<UserId, Presence>,
    rooms: Rooms,
}

/// An app runs for a user.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    pub(crate) session_id: String,
    pub(crate) joined_at: Timestamp,
    /// Which session of this process; its successor has another.
    number: u64,
    mailbox: Mailbox,
}

/// Who asks: an app, for a user, in a session.
pub(crate) struct Asking<'a> {
    pub(crate) package: &'a PackageName,
    pub(crate) user: &'a UserId,
    pub(crate) number: u64,
    pub(crate) mailbox: &'a Mailbox,
    pub(crate) now: Timestamp,
}

/// What is to be sent to whom.
type Letters = Vec<(UserId, ToApp)>;

impl Peers {
    /// Does what an app wants; gives what the app itself is told.
    pub(crate) fn ask(&self, asking: &Asking<'_>, what: PeerRequest) -> Option<ToApp> {
        let mut apps = self.0.lock();
        if matches!(what, PeerRequest::Gone) && !apps.contains_key(asking.package) {
            return None;
        }
        let app = apps.entry(asking.package.clone()).or_default();
        let (letters, answer) = app.ask(asking, what);
        let failed = app.deliver(asking.package, letters);
        if app.users.is_empty() {
            apps.remove(asking.package);
        }
        match answer {
            // Its session has so much to do that it takes no more.
            Some(ToApp::AppDirectMessageResponse(done)) if failed > 0 => {
                let error = Some("the other session is too busy; try again".to_owned());
                Some(ToApp::AppDirectMessageResponse(AppDirectMessageResponse { success: false, error, ..done }))
            }
            answer => answer,
        }
    }

    /// A session is over, however it came about.
    pub(crate) fn session_ended(&self, user: &UserId, number: u64, mailbox: &Mailbox, now: Timestamp) {
        let of_it = |app: &App| app.users.get(user).is_some_and(|here| here.number == number);
        let apps = self.0.lock();
        let packages: Vec<PackageName> =
            apps.iter().filter(|(_, app)| of_it(app)).map(|(package, _)| package.clone()).collect();
        drop(apps);
        for package in &packages {
            self.ask(&Asking { package, user, number, mailbox, now }, PeerRequest::Gone);
        }
    }

    /// Everybody for whom an app runs.
    pub(crate) fn users(&self, package: &PackageName) -> BTreeMap<UserId, Presence> {
        self.0.lock().get(package).map(|app| app.users.clone()).unwrap_or_default()
    }
}

impl App {
    fn ask(&mut self, asking: &Asking<'_>, what: PeerRequest) -> (Letters, Option<ToApp>) {
        let Asking { user, number, now, .. } = *asking;
        match what {
            PeerRequest::Here { session_id } => (self.here(asking, session_id.to_string()), None),
            // Of an earlier session: its successor is here already.
            PeerRequest::Gone if self.users.get(user).is_none_or(|here| here.number != number) => (vec![], None),
            PeerRequest::Gone => (self.gone(user, now), None),
            PeerRequest::Broadcast { message_id, payload, room } => {
                let to = match &room {
                    None => self.others(user),
                    Some(name) => match self.rooms.others(user, name) {
                        Some(to) => to,
                        None => return (vec![], Some(refusal("you are not in this room; join it first", now))),
                    },
                };
                let message = self.message(user, message_id, payload, room, now);
                (to.into_iter().map(|to| (to, message.clone())).collect(), None)
            }
            PeerRequest::Direct { to, message_id, payload } => {
                let target = UserId::new(&to).ok().filter(|target| self.users.contains_key(target));
                let found = target.is_some();
                let message = self.message(user, message_id.clone(), payload, None, now);
                let letters = target.into_iter().map(|target| (target, message.clone())).collect();
                let error = (!found).then(|| "the app does not run for this user".to_owned());
                let done =
                    AppDirectMessageResponse { message_id, success: found, error, target_user_id: to, timestamp: now };
                (letters, Some(ToApp::AppDirectMessageResponse(done)))
            }
            PeerRequest::Join { room, config } => match self.rooms.join(user, &room, config) {
                Ok(None) => (vec![], None),
                Ok(Some(happened)) => (self.room_letters(user, happened, now), None),
                Err(why) => (vec![], Some(refusal(&why.to_string(), now))),
            },
            PeerRequest::Leave { room } => {
                let happened = self.rooms.leave(user, &room);
                (happened.map_or_else(Vec::new, |happened| self.room_letters(user, happened, now)), None)
            }
        }
    }

    fn here(&mut self, asking: &Asking<'_>, session_id: String) -> Letters {
        let Asking { user, number, now, mailbox, .. } = *asking;
        let before = self.users.get(user).map(|here| here.joined_at);
        let joined_at = before.unwrap_or(now);
        let here = Presence { session_id, joined_at, number, mailbox: mailbox.clone() };
        self.users.insert(user.clone(), here);
        match before {
            Some(_) => vec![],
            None => self.announce(user, self.joined(user, None, now)),
        }
    }

    fn gone(&mut self, user: &UserId, now: Timestamp) -> Letters {
        let mut letters = Vec::new();
        for room in self.rooms.of(user) {
            if let Some(happened) = self.rooms.leave(user, &room) {
                letters.extend(self.room_letters(user, happened, now));
            }
        }
        letters.extend(self.announce(user, self.left(user, None, now)));
        self.users.remove(user);
        letters
    }

    fn others(&self, user: &UserId) -> Vec<UserId> {
        self.users.keys().filter(|other| *other != user).cloned().collect()
    }

    fn announce(&self, user: &UserId, message: ToApp) -> Letters {
        let few = self.users.len() <= MOST_ANNOUNCED;
        let others = if few { self.others(user) } else { vec![] };
        others.into_iter().map(|to| (to, message.clone())).collect()
    }

    fn room_letters(&self, user: &UserId, happened: Happened, now: Timestamp) -> Letters {
        let Happened { room, what, room_data, members } = happened;
        let person = match what {
            RoomChange::UserJoined => self.joined(user, Some(room.clone()), now),
            _ => self.left(user, Some(room.clone()), now),
        };
        let updated = AppRoomUpdated { room_id: room, update_type: what, room_data, timestamp: now };
        let updated = ToApp::AppRoomUpdated(updated);
        let others = members.iter().filter(|member| *member != user);
        let persons = others.map(|other| (other.clone(), person.clone()));
        persons.chain(members.iter().map(|member| (member.clone(), updated.clone()))).collect()
    }

    fn session_id(&self, user: &UserId) -> String {
        self.users.get(user).map(|here| here.session_id.clone()).unwrap_or_default()
    }

    fn message(
        &self,
        from: &UserId,
        message_id: String,
        payload: serde_json::Value,
        room_id: Option<String>,
        timestamp: Timestamp,
    ) -> ToApp {
        let (sender_user_id, sender_session_id) = (from.to_string(), self.session_id(from));
        let message = AppMessageReceived { payload, message_id, sender_user_id, sender_session_id, room_id, timestamp };
        ToApp::AppMessageReceived(message)
    }

    fn joined(&self, user: &UserId, room_id: Option<String>, now: Timestamp) -> ToApp {
        let (user_id, session_id) = (user.to_string(), self.session_id(user));
        let joined_at = now;
        ToApp::AppUserJoined(AppUserJoined {
            user_id,
            session_id,
            joined_at,
            user_profile: None,
            room_id,
            timestamp: now,
        })
    }

    fn left(&self, user: &UserId, room_id: Option<String>, now: Timestamp) -> ToApp {
        let (user_id, session_id) = (user.to_string(), self.session_id(user));
        ToApp::AppUserLeft(AppUserLeft {
            user_id,
            session_id,
            left_at: now,
            user_profile: None,
            room_id,
            timestamp: now,
        })
    }

    /// Sends letters; gives how many did not arrive. Nobody waits for a session that is too busy.
    fn deliver(&self, package: &PackageName, letters: Letters) -> usize {
        let mut failed = 0;
        for (to, message) in letters {
            let Some(here) = self.users.get(&to) else { continue };
            let from = FromPeers { package: package.clone(), message };
            let sent = here.mailbox.offer(Mail::Input(Input::FromPeers(Box::new(from))));
            failed += usize::from(sent.is_err());
        }
        failed
    }
}

fn refusal(why: &str, timestamp: Timestamp) -> ToApp {
    ToApp::Error(AppError { code: AppErrorCode::InternalError, message: why.to_owned(), timestamp })
}

#[cfg(test)]
mod tests;
