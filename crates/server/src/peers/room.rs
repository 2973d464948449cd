//! The rooms of one app: who is in which, and what the others are told. A value; it sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use bifocal_protocol::apps::{RoomChange, RoomConfig, RoomData};
use bifocal_protocol::ids::UserId;

/// Most rooms of one app.
const MAX_ROOMS: usize = 10_000;
/// Most rooms that one user is in.
const MAX_ROOMS_OF_USER: usize = 64;
/// Most users in a room, whatever its maker says.
const MAX_MEMBERS: u64 = 1_000;
/// Longest `metadata`, as JSON.
const MAX_METADATA: usize = 16 << 10;

/// Every room of an app.
#[derive(Debug, Default)]
pub(super) struct Rooms(BTreeMap<String, Room>);

#[derive(Debug)]
struct Room {
    config: RoomConfig,
    members: BTreeSet<UserId>,
}

/// Something happened in a room.
#[derive(Debug, PartialEq)]
pub(super) struct Happened {
    pub(super) room: String,
    pub(super) what: RoomChange,
    pub(super) room_data: RoomData,
    /// Who is to be told: everybody in it, who came included.
    pub(super) members: Vec<UserId>,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotIn {
    #[error("the room is full")]
    Full,
    #[error("too many rooms; leave one first")]
    TooMany,
    #[error("the room's metadata is longer than 16 KiB")]
    Metadata,
}

impl Rooms {
    /// Lets a user into a room, which is made when there is none. `None` when the user is in it already.
    pub(super) fn join(&mut self, user: &UserId, name: &str, config: RoomConfig) -> Result<Option<Happened>, NotIn> {
        let mine = self.0.values().filter(|room| room.members.contains(user)).count();
        match self.0.get(name) {
            Some(room) if room.members.contains(user) => return Ok(None),
            Some(room) if room.members.len() as u64 >= room.most() => return Err(NotIn::Full),
            None if self.0.len() == MAX_ROOMS => return Err(NotIn::TooMany),
            None if config.metadata.as_ref().is_some_and(|data| json_len(data) > MAX_METADATA) => {
                return Err(NotIn::Metadata);
            }
            _ if mine == MAX_ROOMS_OF_USER => return Err(NotIn::TooMany),
            _ => {}
        }
        let room = self.0.entry(name.to_owned()).or_insert_with(|| Room { config, members: BTreeSet::new() });
        room.members.insert(user.clone());
        Ok(Some(room.happened(name, RoomChange::UserJoined)))
    }

    /// A user leaves a room; the last one closes it. `None` when the user is not in it.
    pub(super) fn leave(&mut self, user: &UserId, name: &str) -> Option<Happened> {
        let room = self.0.get_mut(name)?;
        if !room.members.remove(user) {
            return None;
        }
        let happened = room.happened(name, RoomChange::UserLeft);
        if happened.members.is_empty() {
            self.0.remove(name);
        }
        Some(happened)
    }

    /// The rooms that a user is in.
    pub(super) fn of(&self, user: &UserId) -> Vec<String> {
        let mine = self.0.iter().filter(|(_, room)| room.members.contains(user));
        mine.map(|(name, _)| name.clone()).collect()
    }

    /// The others in a room; `None` when the user is not in it.
    pub(super) fn others(&self, user: &UserId, name: &str) -> Option<Vec<UserId>> {
        let room = self.0.get(name).filter(|room| room.members.contains(user))?;
        Some(room.members.iter().filter(|member| *member != user).cloned().collect())
    }
}

impl Room {
    fn most(&self) -> u64 {
        let wanted = self.config.max_users.as_ref().and_then(|most| most.as_f64());
        // A fraction of a user is none.
        wanted.map_or(MAX_MEMBERS, |most| most.clamp(1.0, MAX_MEMBERS as f64) as u64)
    }

    fn happened(&self, name: &str, what: RoomChange) -> Happened {
        let RoomConfig { max_users, is_private, metadata } = self.config.clone();
        let room_data = RoomData { member_count: self.members.len() as u64, max_users, is_private, metadata };
        Happened { room: name.to_owned(), what, room_data, members: self.members.iter().cloned().collect() }
    }
}

fn json_len(value: &impl serde::Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(&format!("{name}@example.org")).expect("good")
    }

    fn of_two() -> RoomConfig {
        RoomConfig { max_users: Some(2.into()), ..RoomConfig::default() }
    }

    #[test]
    fn the_first_makes_a_room_and_the_last_closes_it() {
        let (ann, ben, eve) = (user("ann"), user("ben"), user("eve"));
        let mut rooms = Rooms::default();
        let made = rooms.join(&ann, "lobby", of_two()).expect("let in").expect("new");
        assert_eq!((made.room_data.member_count, made.members), (1, vec![ann.clone()]));
        assert_eq!(rooms.join(&ann, "lobby", of_two()), Ok(None));
        // The rules are those of its maker.
        rooms.join(&ben, "lobby", RoomConfig::default()).expect("let in");
        assert_eq!(rooms.join(&eve, "lobby", RoomConfig::default()), Err(NotIn::Full));
        assert_eq!(rooms.others(&ann, "lobby"), Some(vec![ben.clone()]));
        assert_eq!(rooms.others(&eve, "lobby"), None);
        let left = rooms.leave(&ann, "lobby").expect("was in it");
        assert_eq!((left.what, left.members), (RoomChange::UserLeft, vec![ben.clone()]));
        assert_eq!(rooms.leave(&ann, "lobby"), None);
        rooms.leave(&ben, "lobby").expect("was in it");
        assert!(rooms.0.is_empty());
    }

    #[test]
    fn nobody_is_in_too_many_rooms() {
        let ann = user("ann");
        let mut rooms = Rooms::default();
        for n in 0..MAX_ROOMS_OF_USER {
            rooms.join(&ann, &n.to_string(), RoomConfig::default()).expect("let in");
        }
        assert_eq!(rooms.join(&ann, "one more", RoomConfig::default()), Err(NotIn::TooMany));
        assert_eq!(rooms.of(&ann).len(), MAX_ROOMS_OF_USER);
    }
}
