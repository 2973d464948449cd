//! The two ways against each other, and the whole of W-29.

use proptest::prelude::*;

use super::*;
use crate::lc3::{Encoder, FRAME_SAMPLES};
use crate::udp::{build, user_hash};

const NOBODY: Bytes = Bytes::new();

fn packet(intake: &mut Intake, number: u16, body: &[u8], now: u64) -> Heard {
    let bytes = build(user_hash("ann@example.org"), number, body);
    intake.packet(Packet::read(&bytes).expect("a packet"), now)
}

fn sound(intake: &mut Intake, number: u16, body: &[u8], now: u64) -> Vec<u8> {
    match packet(intake, number, body, now) {
        Heard::Sound(pcm) => pcm.to_vec(),
        Heard::Ping => panic!("no ping"),
    }
}

fn over_udp() -> Intake {
    let mut intake = Intake::default();
    intake.announce(Transport::Udp);
    intake
}

#[test]
fn one_way_counts_at_a_time_and_the_announced_one_takes_over() {
    let frame = || Bytes::from_static(&[1, 1]);
    let mut intake = Intake::default();
    assert_eq!(intake.socket(frame(), 0), frame());
    assert_eq!(sound(&mut intake, 1, &[2, 2], 0), [], "nobody has announced it");

    assert_eq!(packet(&mut intake, 0, b"PING", 10), Heard::Ping);
    assert_eq!(intake.socket(frame(), 15), frame(), "until the first packet comes");
    assert_eq!(sound(&mut intake, 1, &[2, 2], 20), [2, 2]);
    assert_eq!((intake.socket(frame(), 30), intake.transport()), (NOBODY, Transport::Udp));

    intake.announce(Transport::Socket);
    assert_eq!(sound(&mut intake, 2, &[3, 3], 40), [3, 3], "until the first frame comes");
    assert_eq!(intake.socket(frame(), 50), frame());
    assert_eq!(sound(&mut intake, 3, &[4, 4], 60), []);
    assert_eq!(intake.counts().discarded, 3);
}

#[test]
fn a_phone_falls_back_without_a_word_when_udp_is_silent() {
    let mut intake = over_udp();
    sound(&mut intake, 1, &[2, 2], 0);
    assert_eq!(intake.socket(Bytes::from_static(&[1, 1]), 999), NOBODY);
    assert_eq!(intake.socket(Bytes::from_static(&[1, 1]), 1_000).len(), 2);
    assert_eq!(sound(&mut intake, 2, &[2, 2], 1_010), [], "it asks first");
    assert_eq!(packet(&mut intake, 0, b"PING", 1_020), Heard::Ping);
    assert_eq!(sound(&mut intake, 3, &[2, 2], 1_030), [2, 2]);
}

/// W-29: an odd packet shifts nothing, what is out of order comes in order, what is missing is counted and takes its time.
#[test]
fn w_29_odd_reordered_and_lost_packets_leave_the_stream_in_step() {
    let mut intake = over_udp();
    let twenty = |value: u8| vec![value; 640];
    assert_eq!(sound(&mut intake, 1, &twenty(1), 0).len(), 640);
    assert_eq!(sound(&mut intake, 2, &[&twenty(2)[..], &[9]].concat(), 20).len(), 640, "the odd byte goes nowhere");
    assert_eq!(sound(&mut intake, 4, &twenty(4), 40), []);
    let both = sound(&mut intake, 3, &twenty(3), 50);
    assert_eq!((both.len(), both[0], both[1_279]), (1_280, 3, 4));
    assert_eq!(sound(&mut intake, 7, &twenty(7), 60), []);
    assert_eq!(intake.expires(), Some(560));
    let late = intake.expire(560);
    assert_eq!((late.len(), late[0], late[1_280]), (1_920, 0, 7), "two packets of silence, then it goes on");
    assert_eq!(sound(&mut intake, 4, &twenty(4), 570), []);
    let counts = intake.counts();
    assert_eq!((counts.lost, counts.duplicates, counts.undecodable), (2, 1, 0));
}

#[test]
fn a_gap_in_lc3_is_filled_from_what_was_heard_before() {
    let mut intake = over_udp();
    intake.configure(Format::Lc3(FrameSize::B40));
    let mut encoder = Encoder::new(FrameSize::B40);
    let wave = |n: usize| ((n as f32 / 6.0).sin() * 9_000.0) as i16;
    let mut frames = (0..40).map(|frame| encoder.encode(&std::array::from_fn(|n| wave(frame * FRAME_SAMPLES + n))));
    let mut two = || [frames.next().expect("more"), frames.next().expect("more")].concat();
    for number in 1..=5 {
        assert_eq!(sound(&mut intake, number, &two(), 0).len(), 640);
    }
    let _lost = two();
    assert_eq!(sound(&mut intake, 7, &two(), 0), []);
    let filled = intake.expire(500);
    assert_eq!(filled.len(), 1_280);
    let loud = pcm::samples(&filled[..640]).filter(|sample| sample.abs() > 1_000).count();
    assert!(loud > 100, "{loud} of 320 samples are loud");
}

#[test]
fn a_frame_that_is_not_made_of_whole_lc3_frames_is_counted() {
    let mut intake = Intake::default();
    intake.configure(Format::Lc3(FrameSize::B60));
    assert_eq!(intake.socket(Bytes::from(vec![0; 130]), 0).len(), 640);
    assert_eq!(intake.counts().undecodable, 1);
}

#[test]
fn with_a_key_only_what_was_made_with_it_is_heard() {
    let key = Key::new([5; 32]);
    let mut intake = Intake::new(Some(key.clone()));
    assert_eq!(packet(&mut intake, 0, b"PING", 0), Heard::Ping);
    assert_eq!(packet(&mut intake, 0, &key.seal(&[0; 24], b"PING"), 0), Heard::Ping);
    assert_eq!(sound(&mut intake, 1, &[1, 1], 0), []);
    assert_eq!(sound(&mut intake, 1, &key.seal(&[1; 24], &[1, 1]), 0), [1, 1]);
    assert_eq!(intake.counts().undecodable, 1);
}

proptest! {
    /// Whatever comes by whatever way in whatever format: samples are whole, and nothing panics.
    #[test]
    fn samples_are_always_whole(steps in proptest::collection::vec(
        (0u8..6, any::<u16>(), proptest::collection::vec(any::<u8>(), 0..130), 0u64..700), 0..60,
    )) {
        let (mut intake, mut now) = (Intake::default(), 0);
        for (step, number, bytes, later) in steps {
            now += later;
            let pcm = match step {
                0 => { intake.announce(Transport::Udp); NOBODY }
                1 => { intake.announce(Transport::Socket); NOBODY }
                2 => { intake.configure(Format::Lc3(FrameSize::B20)); NOBODY }
                3 => intake.socket(bytes.into(), now),
                4 => Bytes::from(sound(&mut intake, number.max(1), &bytes, now)),
                _ => intake.expire(now),
            };
            prop_assert_eq!(pcm.len() % 2, 0);
        }
    }
}
