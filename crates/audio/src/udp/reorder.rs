//! Packets in their order: what came too early waits for what is missing, for a while.
//!
//! | a packet | what happens |
//! |---|---|
//! | the next one | goes on, and with it those that waited for it |
//! | a later one | waits |
//! | one that was heard or given up | is a duplicate, or too late: dropped and counted |
//! | one far behind | the sender has begun anew: so does the order |
//! | the window is full, or its oldest has waited for too long | what is missing is a gap |

use std::collections::BTreeMap;

use bytes::Bytes;

/// So far behind is no packet that was on its way for long: the sender has begun to count anew.
const BEGUN_ANEW: i64 = -1_000;

/// How much order is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// So many packets from the first missing one to the newest.
    pub packets: u16,
    /// For so long, in milliseconds.
    pub wait_ms: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { packets: 100, wait_ms: 500 }
    }
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// The sound of a packet.
    Packet(Bytes),
    /// So many packets did not come.
    Gap(u64),
}

/// Puts the packets of one stream in order.
#[derive(Debug, Default)]
pub struct Reorder {
    window: Window,
    /// The number of the next packet, counted on beyond 65,535; `None` before the first.
    next: Option<u64>,
    /// What waits, with the time at which it came.
    held: BTreeMap<u64, (u64, Bytes)>,
    duplicates: u64,
}

impl Reorder {
    /// For a stream that begins.
    pub fn new(window: Window) -> Self {
        Self { window, ..Self::default() }
    }

    /// Packets that came twice, or too late.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// A packet has come.
    pub fn push(&mut self, number: u16, sound: Bytes, now_ms: u64) -> Vec<Ordered> {
        let mut out = Vec::new();
        // Begins high enough that nothing is before it.
        let next = self.next.unwrap_or(0x1_0000 + u64::from(number));
        let distance = i64::from(number.wrapping_sub(next as u16) as i16);
        if distance < BEGUN_ANEW {
            self.flush(&mut out);
            self.next = Some(0x1_0000 + u64::from(number) + 1);
            out.push(Ordered::Packet(sound));
            return out;
        }
        self.next = Some(next);
        if distance < 0 {
            self.duplicates += 1;
            return out;
        }
        let number = next + distance.unsigned_abs();
        if self.held.insert(number, (now_ms, sound)).is_some() {
            self.duplicates += 1;
        }
        self.release(&mut out);
        while self.held.last_key_value().is_some_and(|(&last, _)| self.is_beyond(last)) {
            self.give_up(&mut out);
        }
        self.due(now_ms, &mut out);
        out
    }

    /// Time has passed.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Ordered> {
        let mut out = Vec::new();
        self.due(now_ms, &mut out);
        out
    }

    /// When [`Reorder::expire`] is worth a call; `None` when nothing waits.
    pub fn expires(&self) -> Option<u64> {
        self.held.values().map(|(at, _)| at + self.window.wait_ms).min()
    }

    /// Everything that waits goes on; used before the stream ends.
    pub fn finish(&mut self) -> Vec<Ordered> {
        let mut out = Vec::new();
        self.flush(&mut out);
        self.next = None;
        out
    }

    fn is_beyond(&self, last: u64) -> bool {
        self.next.is_some_and(|next| last - next >= u64::from(self.window.packets))
    }

    fn due(&mut self, now_ms: u64, out: &mut Vec<Ordered>) {
        while self.expires().is_some_and(|at| at <= now_ms) {
            self.give_up(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Ordered>) {
        while !self.held.is_empty() {
            self.give_up(out);
        }
    }

    /// What is missing before the first that waits does not come any more.
    fn give_up(&mut self, out: &mut Vec<Ordered>) {
        if let (Some((&first, _)), Some(next)) = (self.held.first_key_value(), self.next) {
            if first > next {
                out.push(Ordered::Gap(first - next));
            }
            self.next = Some(first);
            self.release(out);
        }
    }

    /// Those whose turn it is.
    fn release(&mut self, out: &mut Vec<Ordered>) {
        while let Some((_, sound)) = self.next.and_then(|next| self.held.remove(&next)) {
            self.next = self.next.map(|next| next + 1);
            out.push(Ordered::Packet(sound));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sound(number: u16) -> Bytes {
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    fn numbers(ordered: &[Ordered]) -> Vec<String> {
        let word = |one: &Ordered| match one {
            Ordered::Packet(sound) => u16::from_be_bytes([sound[0], sound[1]]).to_string(),
            Ordered::Gap(count) => format!("-{count}"),
        };
        ordered.iter().map(word).collect()
    }

    fn push(reorder: &mut Reorder, number: u16, now: u64) -> Vec<String> {
        numbers(&reorder.push(number, sound(number), now))
    }

    /// D-65, second third.
    #[test]
    fn d_65_reordered_packets_are_restored_within_the_window() {
        let mut reorder = Reorder::default();
        assert_eq!(push(&mut reorder, 65_534, 0), ["65534"]);
        assert!(push(&mut reorder, 0, 10).is_empty());
        assert!(push(&mut reorder, 1, 20).is_empty());
        assert_eq!(push(&mut reorder, 65_535, 30), ["65535", "0", "1"]);
        assert!(push(&mut reorder, 0, 40).is_empty());
        assert_eq!((reorder.duplicates(), reorder.expires()), (1, None));
    }

    /// D-65, last third.
    #[test]
    fn d_65_a_gap_is_counted_after_500_ms_or_100_packets() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 10, 0);
        assert!(push(&mut reorder, 13, 100).is_empty());
        assert_eq!(reorder.expires(), Some(600));
        assert!(numbers(&reorder.expire(599)).is_empty());
        assert_eq!(numbers(&reorder.expire(600)), ["-2", "13"]);
        assert!(push(&mut reorder, 12, 601).is_empty(), "too late");

        for number in 15..113 {
            assert!(push(&mut reorder, number, 700).is_empty(), "{number}");
        }
        assert!(push(&mut reorder, 113, 700).is_empty());
        assert_eq!(push(&mut reorder, 114, 700)[..2], ["-1", "15"]);
        assert_eq!((reorder.duplicates(), reorder.expires()), (1, None));
    }

    #[test]
    fn a_sender_that_begins_anew_is_heard_at_once() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 5_000, 0);
        assert!(push(&mut reorder, 5_002, 0).is_empty());
        assert_eq!(push(&mut reorder, 0, 5), ["-1", "5002", "0"]);
        assert_eq!(push(&mut reorder, 1, 5), ["1"]);
    }

    proptest! {
        /// However packets overtake each other within the window, they come out in order, each once.
        #[test]
        fn the_order_comes_back(
            first: u16,
            count in 1u16..300,
            delays in proptest::collection::vec(0u16..40, 300),
            twice in proptest::collection::vec(any::<bool>(), 300),
        ) {
            let mut sent: Vec<(u16, u16)> = (1..=count).map(|n| (n + delays[usize::from(n) % 300], n)).collect();
            sent.sort_unstable();
            sent.insert(0, (0, 0));
            let (mut reorder, mut heard) = (Reorder::default(), Vec::new());
            for (at, n) in sent {
                let number = first.wrapping_add(n);
                heard.extend(reorder.push(number, sound(number), u64::from(at)));
                if twice[usize::from(n) % 300] {
                    heard.extend(reorder.push(number, sound(number), u64::from(at)));
                }
            }
            let wanted: Vec<Ordered> = (0..=count).map(|n| Ordered::Packet(sound(first.wrapping_add(n)))).collect();
            prop_assert_eq!(heard, wanted);
        }

        /// Whatever comes: nothing is held beyond the window, and nothing panics.
        #[test]
        fn any_numbers_are_survived(numbers in proptest::collection::vec((any::<u16>(), 0u64..2_000), 0..200)) {
            let mut reorder = Reorder::default();
            for (number, now) in numbers {
                let _ = reorder.push(number, sound(number), now);
                prop_assert!(reorder.held.len() <= 100);
            }
            let _ = reorder.finish();
            prop_assert!(reorder.held.is_empty());
        }
    }
}
