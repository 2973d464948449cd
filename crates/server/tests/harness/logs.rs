//! An ERROR in the log fails the test during which it was written.

use std::fmt::{Debug, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static LISTEN: Once = Once::new();
static ERRORS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

/// Listens as long as it lives. Tests of one binary run side by side: an ERROR fails one of those that run.
pub struct NoErrors(());

impl NoErrors {
    pub fn from_now_on() -> Self {
        LISTEN.call_once(|| {
            tracing::subscriber::set_global_default(Listener::default()).expect("nobody else listens");
        });
        Self(())
    }
}

impl Drop for NoErrors {
    fn drop(&mut self) {
        let errors = std::mem::take(&mut *ERRORS.lock().expect("no test fails while it holds this"));
        if !std::thread::panicking() {
            assert!(errors.is_empty(), "the log has errors: {errors:#?}");
        }
    }
}

/// Formats every line, as a real subscriber would, and keeps the errors.
#[derive(Default)]
struct Listener {
    spans: AtomicU64,
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bifocal") || *metadata.level() == Level::ERROR
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line::default());
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        if *event.metadata().level() == Level::ERROR {
            let line = format!("{}:{}", event.metadata().target(), line.0);
            ERRORS.lock().expect("no test fails while it holds this").push(line);
        }
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
