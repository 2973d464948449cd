//! What was said lately, by what it was made from. Phones ask twice for the same sound (once to look, once to play), and apps
//! repeat themselves; an engine costs time or money each time.
//!
//! In memory, bounded in pieces and bytes; what was not used for the longest time goes first. The key is a hash: the text is
//! not kept.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::VoiceWish;

/// Pieces that are kept.
const PIECES: usize = 256;
/// Bytes that are kept.
const BYTES: usize = 16 << 20;
/// A piece that is longer is not kept: two minutes of MP3, one of WAV.
pub(super) const PIECE: usize = 2 << 20;

/// What the sound was made from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

#[derive(Default)]
pub(super) struct Cache {
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    pieces: HashMap<Key, Piece>,
    bytes: usize,
    /// Counts uses.
    turn: u64,
}

struct Piece {
    content_type: &'static str,
    sound: Bytes,
    used: u64,
}

impl Key {
    pub(super) fn of(engine: &str, text: &str, wish: &VoiceWish) -> Self {
        let mut hash = Sha256::new();
        let settings = serde_json::to_string(&wish.settings).unwrap_or_default();
        let optional = |value: &Option<String>| value.clone().map(|value| format!("={value}")).unwrap_or_default();
        for part in [engine, text, &optional(&wish.voice_id), &optional(&wish.model_id), &settings] {
            // With its length, so that no two lists of parts look the same.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

impl Cache {
    pub(super) fn get(&self, key: &Key) -> Option<(&'static str, Bytes)> {
        let mut shelf = self.shelf.lock();
        shelf.turn += 1;
        let turn = shelf.turn;
        let piece = shelf.pieces.get_mut(key)?;
        piece.used = turn;
        Some((piece.content_type, piece.sound.clone()))
    }

    pub(super) fn put(&self, key: Key, content_type: &'static str, sound: Bytes) {
        if sound.len() > PIECE {
            return;
        }
        let mut shelf = self.shelf.lock();
        shelf.turn += 1;
        let used = shelf.turn;
        shelf.bytes += sound.len();
        if let Some(before) = shelf.pieces.insert(key, Piece { content_type, sound, used }) {
            shelf.bytes -= before.sound.len();
        }
        while shelf.pieces.len() > PIECES || shelf.bytes > BYTES {
            let oldest = shelf.pieces.iter().min_by_key(|(_, piece)| piece.used).map(|(key, _)| *key);
            let Some(piece) = oldest.and_then(|key| shelf.pieces.remove(&key)) else { return };
            shelf.bytes -= piece.sound.len();
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({} pieces)", self.shelf.lock().pieces.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of("test", text, &VoiceWish::default())
    }

    fn sound(bytes: usize) -> Bytes {
        vec![7; bytes].into()
    }

    #[test]
    fn a_piece_comes_back_as_it_was() {
        let cache = Cache::default();
        cache.put(key("one"), "audio/wav", sound(3));
        assert_eq!(cache.get(&key("one")), Some(("audio/wav", sound(3))));
        assert_eq!(cache.get(&key("two")), None);
    }

    #[test]
    fn whatever_changes_the_sound_changes_the_key() {
        let wish = VoiceWish { voice_id: Some("a".into()), ..VoiceWish::default() };
        let model = VoiceWish { model_id: Some("a".into()), ..VoiceWish::default() };
        let mut fast = VoiceWish::default();
        fast.settings.speed = Some(1.2);
        let keys = [
            key("text"),
            Key::of("other", "text", &VoiceWish::default()),
            Key::of("test", "text", &wish),
            Key::of("test", "text", &model),
            Key::of("test", "text", &fast),
            Key::of("test", "text", &VoiceWish { voice_id: Some(String::new()), ..VoiceWish::default() }),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let cache = Cache::default();
        for piece in 0..PIECES {
            cache.put(key(&piece.to_string()), "audio/wav", sound(1));
        }
        assert!(cache.get(&key("0")).is_some());
        cache.put(key("one more"), "audio/wav", sound(1));
        assert!(cache.get(&key("0")).is_some() && cache.get(&key("1")).is_none());
    }

    #[test]
    fn bytes_are_bounded_and_counted() {
        let cache = Cache::default();
        for piece in 0..20 {
            cache.put(key(&piece.to_string()), "audio/wav", sound(PIECE));
            cache.put(key(&piece.to_string()), "audio/wav", sound(PIECE));
        }
        let shelf = cache.shelf.lock();
        assert_eq!((shelf.pieces.len(), shelf.bytes), (BYTES / PIECE, BYTES));
        drop(shelf);
        cache.put(key("long"), "audio/wav", sound(PIECE + 1));
        assert_eq!(cache.get(&key("long")), None);
    }
}
