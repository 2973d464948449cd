//! Replays the corpus of the RTMP fuzz targets.

use std::fs;
use std::path::Path;

use bifocal_media::fuzzing::TARGETS;

#[test]
fn the_corpus_of_every_target_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in TARGETS {
        let mut seeds = 0;
        for seed in fs::read_dir(corpus.join(name)).expect("every target has a corpus") {
            let path = seed.expect("can be listed").path();
            let bytes = fs::read(&path).expect("can be read");
            assert!(std::panic::catch_unwind(|| target(&bytes)).is_ok(), "{} fails", path.display());
            seeds += 1;
        }
        assert!(seeds >= 3, "{name} has {seeds} seeds");
    }
}
