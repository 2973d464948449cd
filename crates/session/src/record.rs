//! The user's record as the session keeps it: on its way, or here, and what waits for it meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use bifocal_protocol::Text;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::ids::PackageName;

use crate::flow::start::Wish;
use crate::input::{AppHello, AskId, CallId, ConnId};
use crate::now::Millis;

/// Most things that wait for the user's record.
const MAX_PARKED: usize = 64;
/// Most bytes of what connections have said behind a hello that waits.
const MAX_PARKED_BYTES: usize = 256 << 10;
/// Most writes that are remembered until they have ended.
const MAX_SAVES: usize = 64;

/// The user's record: on its way, or here.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) installed: Vec<Arc<AppRecord>>,
    pub(crate) loaded: bool,
    pub(crate) in_flight: Option<CallId>,
    pub(crate) failures: u32,
    pub(crate) retry_at: Option<Millis>,
    pub(crate) parked: Vec<Parked>,
    /// Writes that have not ended yet.
    pub(crate) saves: Vec<CallId>,
    /// What was set since the record that is on its way was asked for.
    newer: Newer,
}

/// Settings that a record on its way may not know yet: it could have been read before they were written.
#[derive(Debug, Default)]
pub(crate) struct Newer {
    /// The system settings and the time zone.
    pub(crate) system: bool,
    /// The values for these apps.
    pub(crate) apps: BTreeSet<PackageName>,
}

/// What needs the record and came before it.
#[derive(Debug)]
pub(crate) enum Parked {
    Start {
        package: PackageName,
        wish: Wish,
        ask: Option<AskId>,
    },
    /// The user has stopped it: that it ran before means nothing any more.
    Stop {
        package: PackageName,
    },
    Hello {
        conn: ConnId,
        hello: Box<AppHello>,
    },
    /// What a connection said behind a hello that waits.
    Frame {
        conn: ConnId,
        text: Text,
    },
    Settings {
        conn: ConnId,
        with_success: bool,
    },
}

/// There is no room for it.
#[derive(Debug)]
pub(crate) struct TooMuch;

impl Load {
    /// The record of an app that the user may start.
    pub(crate) fn installed(&self, package: &PackageName) -> Option<&Arc<AppRecord>> {
        self.installed.iter().find(|app| app.package == *package)
    }

    /// Whether the record is on its way: what it does not know now, it may know in a moment.
    pub(crate) fn is_awaited(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The record is asked for: it will know what has been set so far.
    pub(crate) fn begins(&mut self, call: CallId) {
        self.in_flight = Some(call);
        self.retry_at = None;
        self.newer = Newer::default();
    }

    /// The system settings were set.
    pub(crate) fn system_is_set(&mut self) {
        self.newer.system = self.in_flight.is_some();
    }

    /// The values for an app were set.
    pub(crate) fn app_is_set(&mut self, package: &PackageName) {
        if self.in_flight.is_some() && (self.newer.apps.len() < MAX_PARKED || self.installed(package).is_some()) {
            self.newer.apps.insert(package.clone());
        }
    }

    /// The record is here: what it does not know.
    pub(crate) fn take_newer(&mut self) -> Newer {
        std::mem::take(&mut self.newer)
    }

    /// Whether there has been a record.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Keeps something until the record is here; gives it back when too much waits already.
    pub(crate) fn park(&mut self, parked: Parked) -> Result<(), Parked> {
        if self.parked.len() == MAX_PARKED {
            return Err(parked);
        }
        self.parked.push(parked);
        Ok(())
    }

    /// Keeps a frame of a connection whose hello waits, so that it is not lost.
    ///
    /// # Errors
    /// [`TooMuch`] when it cannot be kept; then nothing of the connection waits any more.
    pub(crate) fn park_frame(&mut self, conn: ConnId, text: &Text) -> Result<(), TooMuch> {
        let waits = |parked: &Parked| matches!(parked, Parked::Hello { conn: other, .. } if *other == conn);
        if !self.parked.iter().any(waits) {
            return Ok(());
        }
        let bytes = |parked: &Parked| if let Parked::Frame { text, .. } = parked { text.byte_len() } else { 0 };
        let fits = self.parked.iter().map(bytes).sum::<usize>() + text.byte_len() <= MAX_PARKED_BYTES;
        if fits && self.park(Parked::Frame { conn, text: text.clone() }).is_ok() {
            return Ok(());
        }
        self.forget(conn);
        Err(TooMuch)
    }

    /// A connection is gone: nothing of it waits any more.
    pub(crate) fn forget(&mut self, gone: ConnId) {
        self.parked.retain(|parked| match parked {
            Parked::Hello { conn, .. } | Parked::Frame { conn, .. } | Parked::Settings { conn, .. } => *conn != gone,
            Parked::Start { .. } | Parked::Stop { .. } => true,
        });
    }

    /// Takes back what waits for an app that is stopped: whoever asked for its start is returned.
    pub(crate) fn withdraw(&mut self, package: &PackageName) -> Vec<AskId> {
        let mut asks = Vec::new();
        self.parked.retain(|parked| match parked {
            Parked::Start { package: other, ask, .. } if other == package => {
                asks.extend(*ask);
                false
            }
            Parked::Stop { package: other } => other != package,
            _ => true,
        });
        if self.in_flight.is_some() && !self.loaded {
            // Without room it is what the record says.
            let _ = self.park(Parked::Stop { package: package.clone() });
        }
        asks
    }

    /// Something is written.
    pub(crate) fn saves(&mut self, call: CallId) {
        if self.saves.len() == MAX_SAVES {
            self.saves.remove(0);
        }
        self.saves.push(call);
    }

    /// A call has ended; whether it was a write.
    pub(crate) fn saved(&mut self, call: CallId) -> bool {
        let before = self.saves.len();
        self.saves.retain(|save| *save != call);
        self.saves.len() < before
    }

    pub(crate) fn retry_at(&self) -> Option<Millis> {
        self.retry_at
    }
}
