//! Many sessions at once: phones, each with its apps, and one reader for each socket.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use tokio::task::{AbortHandle, JoinSet};

use crate::bench::dial::Opened;
use crate::bench::error::BenchError;
use crate::bench::frame::{self, Opcode};
use crate::bench::link::{self, Link};
use crate::bench::message::{Kind, time_of_audio, time_of_text};
use crate::bench::schedule::{Clock, Dice, nanos};
use crate::bench::sink::{Sink, histogram};
use crate::bench::target::Target;

/// Which sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The number of the first user.
    pub(crate) first: usize,
    pub(crate) sessions: usize,
    pub(crate) apps: usize,
    /// What every app subscribes to.
    pub(crate) subscribe: Option<&'static str>,
    /// How many are being opened at any time.
    pub(crate) at_once: usize,
}

/// A phone with its apps.
pub(crate) struct Session {
    pub(crate) number: usize,
    pub(crate) phone: Half,
    pub(crate) apps: Vec<AppHalf>,
}

/// An app of a session.
pub(crate) struct AppHalf {
    /// Its session id, with which it may come back.
    pub(crate) session: String,
    pub(crate) half: Half,
}

/// A socket with its reader. Dropping it cuts the connection.
pub(crate) struct Half {
    pub(crate) link: Arc<Link>,
    reader: AbortHandle,
}

impl Drop for Half {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Sessions that are open.
pub(crate) struct Fleet {
    pub(crate) sink: Arc<Sink>,
    pub(crate) sessions: Vec<Session>,
    /// From the first packet of a phone to its acknowledgement, in nanoseconds.
    pub(crate) acks: Histogram<u64>,
}

impl Fleet {
    /// Opens all of them.
    pub(crate) async fn open(target: &Target, clock: Clock, plan: Plan) -> Result<Fleet, BenchError> {
        let sink = Arc::new(Sink::new(clock));
        let mut fleet = Fleet { sink, sessions: Vec::with_capacity(plan.sessions), acks: histogram() };
        fleet.grow(target, plan).await?;
        Ok(fleet)
    }

    /// Opens some more.
    pub(crate) async fn grow(&mut self, target: &Target, plan: Plan) -> Result<(), BenchError> {
        let open = |number| open_session(target.clone(), self.sink.clone(), number, plan);
        let mut opened = each(plan.first..plan.first + plan.sessions, plan.at_once, open).await?;
        opened.sort_by_key(|(session, _)| session.number);
        for (session, ack) in opened {
            self.acks.saturating_record(ack);
            self.sessions.push(session);
        }
        Ok(())
    }

    /// Every phone's socket.
    pub(crate) fn phones(&self) -> Vec<Arc<Link>> {
        self.sessions.iter().map(|session| session.phone.link.clone()).collect()
    }

    /// The socket of every session's first app.
    pub(crate) fn first_apps(&self) -> Vec<Arc<Link>> {
        self.sessions.iter().filter_map(|session| session.apps.first()).map(|app| app.half.link.clone()).collect()
    }
}

/// Runs something for each number, `at_once` at a time; the first error ends it.
pub(crate) async fn each<T, F>(
    numbers: impl IntoIterator<Item = usize>,
    at_once: usize,
    what: impl Fn(usize) -> F,
) -> Result<Vec<T>, BenchError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, BenchError>> + Send + 'static,
{
    let (mut running, mut done) = (JoinSet::new(), Vec::new());
    let mut collect = |joined: Option<Result<Result<T, BenchError>, tokio::task::JoinError>>| match joined {
        Some(Ok(result)) => result.map(|one| done.push(one)),
        Some(Err(error)) => Err(BenchError::hop("the driver itself", error)),
        None => Ok(()),
    };
    for number in numbers {
        if running.len() >= at_once.max(1) {
            collect(running.join_next().await)?;
        }
        running.spawn(what(number));
    }
    while !running.is_empty() {
        collect(running.join_next().await)?;
    }
    Ok(done)
}

/// Opens a phone, then its apps one after the other.
async fn open_session(
    target: Target,
    sink: Arc<Sink>,
    number: usize,
    plan: Plan,
) -> Result<(Session, u64), BenchError> {
    let began = Instant::now();
    let phone = target.phone(number).await?;
    let ack = nanos(began.elapsed());
    let phone = half(phone, sink.clone(), None);
    let mut apps = Vec::with_capacity(plan.apps);
    for app in 0..plan.apps {
        let session = target.start_app(number, app, &phone.link).await?;
        let opened = target.app(number, app, &session, plan.subscribe).await?;
        apps.push(AppHalf { session, half: half(opened, sink.clone(), Some(phone.link.clone())) });
    }
    Ok((Session { number, phone, apps }, ack))
}

/// Begins to read a socket. `partner` is the phone that sends the next message in a closed loop.
pub(crate) fn half(opened: Opened, sink: Arc<Sink>, partner: Option<Arc<Link>>) -> Half {
    let link = opened.link.clone();
    let reader = tokio::spawn(listen(opened, sink, partner)).abort_handle();
    Half { link, reader }
}

async fn listen(opened: Opened, sink: Arc<Sink>, partner: Option<Arc<Link>>) {
    let Opened { link, mut read, mut parser } = opened;
    let mut dice = Dice::new(0);
    loop {
        let got = link::read(&mut read, |bytes| {
            parser.feed(bytes, |frame| {
                let at = match frame.opcode {
                    Opcode::TEXT => time_of_text(frame.payload),
                    Opcode::BINARY => time_of_audio(frame.payload),
                    Opcode::PING => {
                        let mut pong = Vec::new();
                        frame::client(&mut pong, Opcode::PONG, dice.mask(), frame.payload);
                        link.send(&pong);
                        None
                    }
                    _ => None,
                };
                let Some(at) = at else { return };
                sink.arrived(at);
                if let Some(phone) = partner.as_ref().filter(|_| sink.is_closed_loop()) {
                    send_button(phone, &sink, dice.mask());
                }
            })
        });
        match got.await {
            Ok(Some(Ok(()))) => {}
            // What comes after it is of no interest: the connection counts as lost.
            Ok(Some(Err(_)) | None) | Err(_) => return sink.connection_lost(),
        }
    }
}

/// A message that is due now.
pub(crate) fn send_button(phone: &Link, sink: &Sink, mask: [u8; 4]) {
    let (mut payload, mut bytes) = (Vec::with_capacity(128), Vec::with_capacity(144));
    Kind::Button.write(&mut payload, sink.clock.nanos());
    frame::client(&mut bytes, Opcode::TEXT, mask, &payload);
    phone.send(&bytes);
}
