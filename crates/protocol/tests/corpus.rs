//! Replays the corpus of every fuzz target.

use std::fs;
use std::path::Path;

use bifocal_protocol::fuzzing::TARGETS;

#[test]
fn the_corpus_of_every_target_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in TARGETS {
        let directory = fs::read_dir(corpus.join(name)).expect("every target has a corpus");
        let mut seeds = 0;
        for seed in directory {
            let path = seed.expect("can be listed").path();
            let bytes = fs::read(&path).expect("can be read");
            assert!(std::panic::catch_unwind(|| target(&bytes)).is_ok(), "{} fails", path.display());
            seeds += 1;
        }
        assert!(seeds >= 3, "{name} has {seeds} seeds");
    }
}

#[test]
fn there_is_no_corpus_without_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for directory in fs::read_dir(fuzz.join("corpus")).expect("is there") {
        let name = directory.expect("can be listed").file_name();
        // Some targets are those of other crates, which replay them.
        let target = fuzz.join("fuzz_targets").join(&name).with_extension("rs");
        assert!(target.exists(), "{}", name.display());
    }
}
