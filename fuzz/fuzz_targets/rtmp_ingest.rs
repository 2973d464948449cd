//! Fuzz target `rtmp_ingest`: any bytes; nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bifocal_media::fuzzing::rtmp_ingest(data));
