//! Numbered words through engines that die, stall, refuse and are replaced: every word exactly once, in order, under an
//! utterance that never changes its mind.

#[path = "speech/mod.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod speech;

use proptest::prelude::*;
use speech::{Fault, Wearer};

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::Cut),
        1 => Just(Fault::Ends),
        1 => Just(Fault::Stalls),
        1 => Just(Fault::Busy),
        1 => Just(Fault::RefusesNext),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Words of 300 to 900 ms, engines that lag by up to 900 ms, and something that fails every now and then.
    #[test]
    fn each_word_comes_once_and_in_order(
        faults in prop::collection::vec((1u64..6_000, fault()), 0..12),
        word_ms in 3u64..10,
        lag_ms in 0u64..10,
        frame_ms in prop::sample::select(vec![10u64, 20, 100]),
    ) {
        let mut wearer = Wearer::new(word_ms * 100, lag_ms * 100, frame_ms);
        for (after, fault) in faults {
            wearer.talk(after);
            wearer.fails(fault);
        }
        wearer.talk(5_000);
        wearer.quiet(5_000);
        wearer.check();
    }
}

#[test]
fn sixty_five_minutes_rotate_without_gap_or_duplicate() {
    let mut wearer = Wearer::new(700, 400, 20);
    wearer.talk(65 * 60_000);
    wearer.quiet(5_000);
    assert!(wearer.streams() >= 2, "there was a second stream");
    wearer.check();
}

#[test]
fn the_engine_is_replaced_while_it_is_replaced() {
    for fault in [Fault::Cut, Fault::Ends, Fault::Stalls, Fault::Busy, Fault::RefusesNext] {
        let mut wearer = Wearer::new(700, 900, 20);
        wearer.talk(55 * 60_000 - 1_000);
        for _ in 0..8 {
            wearer.talk(500);
            wearer.fails(fault);
        }
        wearer.talk(20_000);
        wearer.quiet(5_000);
        wearer.check();
    }
}
