//! Nothing that comes over a socket makes this crate panic, and no envelope is ever broken.

use std::fs;
use std::path::Path;

use bifocal_protocol::fuzzing::{check_envelope, decoders};
use bifocal_protocol::{Text, json};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

/// Every sample of every family, as text.
fn samples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let directories = fs::read_dir(root).expect("samples are there").map(|entry| entry.expect("can be listed").path());
    let mut files: Vec<_> = directories.flat_map(|directory| fs::read_dir(directory).expect("can be listed")).collect();
    files.sort_by_key(|file| file.as_ref().expect("can be listed").path());
    files.into_iter().map(|file| fs::read_to_string(file.expect("can be listed").path()).expect("is text")).collect()
}

/// One way to damage a message.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Truncate(Index),
    Insert(Index, Vec<u8>),
    Duplicate(Index, usize),
    Delete(Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let scraps = prop::sample::select(vec![
        &b"\\ud83d"[..],
        b"\\",
        b"\"",
        b"null",
        b"{}",
        b"[]",
        b"1e999",
        b"-0",
        b"\xff",
        b"\xf0\x9f",
        b",",
        b":",
        b"\0",
    ]);
    prop_oneof![
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), scraps).prop_map(|(at, scrap)| Damage::Insert(at, scrap.to_vec())),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), 1..40usize).prop_map(|(at, len)| Damage::Duplicate(at, len)),
        (any::<Index>(), 1..40usize).prop_map(|(at, len)| Damage::Delete(at, len)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let position = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Damage::Flip(at, bits) => {
                let at = position(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Damage::Truncate(at) => bytes.truncate(position(at)),
            Damage::Insert(at, more) => {
                let at = position(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Duplicate(at, len) => {
                let at = position(at);
                let again = bytes[at..].iter().copied().take(*len).collect::<Vec<_>>();
                bytes.splice(at..at, again);
            }
            Damage::Delete(at, len) => {
                let at = position(at);
                bytes.drain(at..bytes.len().min(at + len));
            }
        }
    }
}

fn text_and_bytes(bytes: &[u8]) {
    drop(Text::try_from(Bytes::copy_from_slice(bytes)));
    decoders(&String::from_utf8_lossy(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_samples_are_read_or_refused(
        which in any::<Index>(),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        let mut bytes = which.get(&samples()).clone().into_bytes();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        text_and_bytes(&bytes);
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        text_and_bytes(&bytes);
    }

    #[test]
    fn random_texts_are_read_or_refused(text in any::<String>()) {
        decoders(&text);
    }

    #[test]
    fn almost_json_is_read_or_refused(
        text in r#"[\[{]?("(type|VAD|\\u[dD][89a-fA-F][0-9a-f]{2})"|[:,\[\]{}]|-?[0-9]{1,20}|true|null){0,12}[\]}]?"#,
    ) {
        decoders(&text);
    }

    #[test]
    fn stream_names_are_read_or_refused(
        text in r"(transcription|translation|touch_event|all)(:[a-zA-Z-]{0,9}(-to-[a-zA-Z-]{0,6})?(\?[a-z=&%]*)?)?",
    ) {
        decoders(&text);
    }

    #[test]
    fn an_envelope_of_any_sample_is_valid_and_keeps_it(
        which in any::<Index>(),
        session in any::<String>(),
        stream in any::<String>(),
    ) {
        let samples = samples();
        let sample = which.get(&samples);
        prop_assert!(json::peek_type(sample).is_ok());
        check_envelope(&session, &stream, sample);
    }
}

/// The property above draws samples; this one leaves none out.
#[test]
fn every_sample_fits_an_envelope_and_every_decoder() {
    for sample in samples() {
        check_envelope("ann@example.org-org.example.demo", "transcription:en-US", &sample);
        decoders(&sample);
    }
}
