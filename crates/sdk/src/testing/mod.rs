//! A cloud in this process, to test an app: let a wearer say something, expect what they see.
//!
//! No socket and no port is involved, so a test may stop the clock: under `#[tokio::test(start_paused = true)]` (tokio's feature
//! `test-util`) minutes pass in no time, and nothing depends on how fast the machine is.
//!
//! ```
//! use bifocal_sdk::prelude::*;
//! use bifocal_sdk::testing::FakeCloud;
//!
//! struct Echo;
//!
//! impl App for Echo {
//!     async fn on_session(&self, session: AppSession) -> Result {
//!         let mut words = session.events().transcription("en-US").await?;
//!         while let Some(heard) = words.next().await {
//!             session.layouts().show_text_wall(heard.text).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let cloud = FakeCloud::new(Echo);
//! let ann = cloud.start("ann@example.org").await;
//! ann.says("hello").await;
//! ann.sees("hello").await;
//! # });
//! ```
//!
//! Methods that wait do so for 30 s at most and then panic, saying what they have seen instead: this is for tests.

mod backend;
mod link;
mod wearer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bifocal_protocol::settings::AppSetting;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

pub use wearer::FakeWearer;

use crate::app::{App, ToolCall, ToolReply};
use crate::error::Result;
use crate::rest::Rest;
use crate::server::{Host, Opening, Sessions};
use crate::shell::{Dial, Socket, in_memory};
use backend::Memory;
use link::Book;

/// How long a test waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes on their way in one direction.
const PIPE: usize = 64 << 10;
const PACKAGE: &str = "org.example.test";
const API_KEY: &str = "the key of the test";

/// A cloud with one app. Dropping it changes nothing for the sessions that run.
pub struct FakeCloud<A> {
    host: Arc<Host<A>>,
    book: Arc<Book>,
}

impl<A: App> FakeCloud<A> {
    /// A cloud with this app, `org.example.test`. To be called in a runtime.
    pub fn new(app: A) -> Self {
        let book = Arc::new(Book::default());
        let (accept, mut accepted) = mpsc::unbounded_channel();
        let host = Arc::new(Host {
            app,
            package: PACKAGE.to_owned(),
            api_key: API_KEY.to_owned(),
            json_ping: false,
            max_sessions: 100_000,
            sessions: Sessions::default(),
            rest: Rest::Memory(Arc::new(Memory(book.clone()))),
            dial: Arc::new(Doorbell { accept, book: book.clone() }),
        });
        let (all, sessions) = (book.clone(), host.sessions.clone());
        tokio::spawn(async move {
            while let Some(stream) = accepted.recv().await {
                tokio::spawn(link::serve(stream, all.clone(), sessions.clone()));
            }
        });
        Self { host, book }
    }

    /// The app itself.
    pub fn app(&self) -> &A {
        &self.host.app
    }

    /// The sessions that run.
    pub fn sessions(&self) -> &Sessions {
        &self.host.sessions
    }

    /// A wearer starts the app. Returns when the cloud has taken it in.
    ///
    /// # Panics
    /// When that takes longer than 30 s.
    pub async fn start(&self, user: &str) -> FakeWearer {
        self.start_with(user, Setting::default()).await
    }

    /// The same with settings and glasses of the test's choice.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with(&self, user: &str, setting: Setting) -> FakeWearer {
        let (life, uuid) = self.book.begin(user, setting);
        let session_id = format!("{user}-{PACKAGE}");
        let url = "ws://fake.invalid/app-ws".to_owned();
        let opening = Opening { session_id, user_id: user.to_owned(), url, uuid: Some(uuid) };
        self.host.open(opening).unwrap_or_else(|error| panic!("the session cannot be opened: {error}"));
        let wearer = FakeWearer { life, book: self.book.clone(), sessions: self.host.sessions.clone() };
        wearer.until("the app to connect", |life| (life.acks > 0).then_some(())).await;
        wearer
    }

    /// The wearer stops the app: the stop webhook.
    pub async fn stop(&self, user: &str) {
        self.host.stop(&format!("{user}-{PACKAGE}"), "user_disabled").await;
    }

    /// The wearer's assistant uses a tool of the app.
    ///
    /// # Errors
    /// Those of the app.
    pub async fn call_tool(&self, tool: &str, parameters: Map<String, Value>, user: &str) -> Result<ToolReply> {
        let session = self.host.sessions.for_user(user);
        let call = ToolCall { tool_id: tool.to_owned(), parameters, user_id: user.to_owned(), session };
        self.host.app.on_tool_call(call).await
    }

    /// The process of the app stops: every session says goodbye.
    pub async fn shut_down(&self) {
        self.host.shut_down().await;
    }
}

impl<A> std::fmt::Debug for FakeCloud<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeCloud")
    }
}

/// What a wearer brings along.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The app's settings.
    pub settings: Vec<AppSetting>,
    /// What the glasses can do.
    pub capabilities: Option<crate::wire::Capabilities>,
    /// IANA name.
    pub timezone: Option<String>,
}

/// Opens sockets into this process, unless the network is cut.
struct Doorbell {
    accept: mpsc::UnboundedSender<DuplexStream>,
    book: Arc<Book>,
}

impl Dial for Doorbell {
    fn dial(&self, _: &str) -> BoxFuture<'static, std::result::Result<Socket, String>> {
        let (ours, theirs) = duplex(PIPE);
        let is_cut = self.book.is_cut();
        let is_there = !is_cut && self.accept.send(theirs).is_ok();
        Box::pin(async move {
            match is_there {
                true => Ok(in_memory(ours).await),
                false => Err("the network is cut".to_owned()),
            }
        })
    }
}

/// Locks, whatever happened to the last holder.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
