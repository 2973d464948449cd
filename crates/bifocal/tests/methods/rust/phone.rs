//! Lines of JSON to and from the test: the rows ask, the test tells the phone, and everything that happens to a phone comes back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bifocal_sdk::Result;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};

use super::inbox::Inbox;

/// Where lines go to and come from.
#[derive(Clone)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    say: UnboundedSender<Value>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    last: AtomicU64,
    go: Notify,
    ann: Inbox<Value>,
    bob: Inbox<Value>,
}

/// The simulated phone of a wearer, `ann` or `bob`.
pub(super) struct Phone {
    name: &'static str,
    wire: Wire,
}

impl Wire {
    pub(super) fn new(say: UnboundedSender<Value>) -> Self {
        let (waiting, last, go) = (Mutex::default(), AtomicU64::new(1), Notify::new());
        Self(Arc::new(Inner { say, waiting, last, go, ann: Inbox::default(), bob: Inbox::default() }))
    }

    pub(super) fn print(&self, line: Value) {
        // A test that is over reads nothing.
        let _ = self.0.say.send(line);
    }

    /// Returns when the test says that everything is in place.
    pub(super) async fn ready(&self) {
        self.0.go.notified().await;
    }

    pub(super) fn phone(&self, name: &'static str) -> Phone {
        Phone { name, wire: self.clone() }
    }

    /// Asks the test to do something.
    async fn want(&self, mut wish: Value) -> Result<Value> {
        let id = self.0.last.fetch_add(1, Ordering::Relaxed);
        let (settle, settled) = oneshot::channel();
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, settle);
        wish["event"] = "want".into();
        wish["id"] = id.into();
        self.print(wish);
        let line = settled.await?;
        match line["error"].as_str() {
            Some(error) => Err(error.into()),
            None => Ok(line["answer"].clone()),
        }
    }

    fn heard(&self, name: &str) -> &Inbox<Value> {
        match name {
            "bob" => &self.0.bob,
            _ => &self.0.ann,
        }
    }
}

/// Takes what the test tells.
pub(super) async fn listen(wire: Wire, mut told: UnboundedReceiver<Value>) {
    while let Some(line) = told.recv().await {
        if line["go"] == true {
            wire.0.go.notify_one();
        } else if let Some(id) = line["done"].as_u64() {
            let settle = wire.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            // A row that was given up waits no more.
            let _ = settle.map(|settle| settle.send(line));
        } else if let Some(name) = line["phone"].as_str() {
            wire.heard(name).push(line.clone());
        }
    }
}

impl Phone {
    /// Plays lines of the simulator's script language.
    pub(super) async fn play(&self, script: &str) -> Result {
        self.wire.want(json!({"phone": self.name, "script": script})).await.map(drop)
    }

    pub(super) async fn says(&self, text: &str) -> Result {
        self.play(&format!("say {text}")).await
    }

    /// Sends a message as it is.
    pub(super) async fn tells(&self, message: Value) -> Result {
        self.wire.want(json!({"phone": self.name, "message": message})).await.map(drop)
    }

    /// Says words as sound: the numbers that the server's engine of the test knows.
    pub(super) async fn speaks(&self, words: &[u16]) -> Result {
        self.wire.want(json!({"phone": self.name, "words": words})).await?;
        self.falls_silent().await
    }

    /// Sends so many bytes of sound.
    pub(super) async fn sounds(&self, bytes: u64) -> Result {
        self.wire.want(json!({"phone": self.name, "sound": bytes})).await?;
        self.falls_silent().await
    }

    /// What the phone recognises itself counts again.
    async fn falls_silent(&self) -> Result {
        self.tells(json!({"type": "VAD", "status": false})).await
    }

    /// Calls the cloud's REST interface with the wearer's token.
    pub(super) async fn rest(&self, method: &str, path: &str, body: Value) -> Result<Value> {
        let call = json!({"method": method, "path": path, "body": body});
        let answer = self.wire.want(json!({"phone": self.name, "rest": call})).await?;
        let text = answer["text"].as_str().unwrap_or_default();
        match answer["status"].as_u64() {
            Some(200..300) => Ok(serde_json::from_str(text).unwrap_or_default()),
            _ => Err(format!("{method} {path} was answered with {answer}").into()),
        }
    }

    /// The phase of an app in this wearer's session, as the operator sees it.
    pub(super) async fn phase(&self, package: &str) -> Result<String> {
        let list = self.wire.want(json!({"admin": ["session", "list", "--json"]})).await?;
        let sessions: Value = serde_json::from_str(list.as_str().unwrap_or_default())?;
        let is_ours = |session: &&Value| session["user"].as_str().is_some_and(|user| user.starts_with(self.name));
        let apps = sessions.as_array().into_iter().flatten().find(is_ours).map(|session| &session["apps"]);
        let app = apps.and_then(Value::as_array).into_iter().flatten().find(|app| app["package"] == package);
        Ok(app.and_then(|app| app["phase"].as_str()).unwrap_or("none").to_owned())
    }

    /// What happens from now on comes behind this.
    pub(super) fn mark(&self) -> usize {
        self.wire.heard(self.name).mark()
    }

    /// The first thing of this kind that has happened to the phone since `mark`.
    pub(super) async fn sees(&self, mark: usize, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let what = format!("the phone's {kind}");
        self.wire.heard(self.name).next(&what, mark, |line| line["kind"] == kind && fits(line)).await
    }

    /// The same for a message of the cloud; gives the message.
    pub(super) async fn hears(&self, mark: usize, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut line = self.sees(mark, kind, |line| line["message"].is_object() && fits(&line["message"])).await?;
        Ok(line["message"].take())
    }
}
