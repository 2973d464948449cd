//! What the media server counts, put into the page when it is asked for.

use bifocal_media::Numbers;
use metrics::Label;

use super::{METADATA, Metrics, gauge, names};
use metrics::Recorder;

const PHASES: [&str; 4] = ["waiting", "preparing", "live", "lost"];
const OUTPUTS: [&str; 3] = ["connecting", "active", "failed"];

impl Metrics {
    /// Takes over the numbers of the media server.
    pub(crate) fn streams(&self, numbers: &Numbers) {
        let set = |name, label, value, number: u64| gauge(&self.recorder, name, label, value).set(number as f64);
        for (phase, count) in PHASES.into_iter().zip(numbers.streams) {
            set(names::STREAMS, "phase", phase, count);
        }
        for (state, count) in OUTPUTS.into_iter().zip(numbers.outputs) {
            set(names::STREAM_OUTPUTS, "state", state, count);
        }
        set(names::STREAM_VIEWERS, "", "", numbers.viewers);
        set(names::STREAM_CONNECTIONS, "", "", numbers.connections);
        set(names::STREAM_MEMORY, "", "", numbers.held_bytes);
        let total = |name, number| self.counter(name, "", "").absolute(number);
        total(names::STREAM_INGEST_BYTES, numbers.ingest_bytes);
        total(names::STREAM_INGEST_FRAMES, numbers.ingest_frames);
        total(names::STREAM_SEGMENTS, numbers.segments);
        total(names::STREAM_SERVED_BYTES, numbers.served_bytes);
        total(names::STREAM_DROPPED, numbers.dropped_frames);
        let by_reason = |name: &'static str, reasons: &std::collections::BTreeMap<&'static str, u64>| {
            for (reason, count) in reasons {
                let labels = vec![Label::from_static_parts("reason", reason)];
                let key = metrics::Key::from_parts(name, labels);
                self.recorder.register_counter(&key, &METADATA).absolute(*count);
            }
        };
        by_reason(names::STREAM_REFUSALS, &numbers.refused);
        by_reason(names::STREAMS_ENDED, &numbers.ended);
    }
}
