//! A wearer in a test: what they say and do, and what they see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bifocal_protocol::settings::AppSetting;
use bifocal_protocol::streams::{StreamKey, Subscription, language_matches};
use bytes::Bytes;
use serde_json::{Value, json};

use super::link::{Book, Life, Say, answer};
use super::{PACKAGE, PATIENCE, lock};
use crate::core::UploadError;
use crate::message::now;
use crate::server::Sessions;
use crate::session::AppSession;

/// A wearer for whom the app runs. What they do waits until the app listens to it.
pub struct FakeWearer {
    pub(super) life: Arc<Mutex<Life>>,
    pub(super) book: Arc<Book>,
    pub(super) sessions: Sessions,
}

impl std::fmt::Debug for FakeWearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeWearer")
    }
}

impl FakeWearer {
    /// Says something in American English, to the end.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn says(&self, text: &str) {
        self.speaks("en-US", text, true).await;
    }

    /// Says something in a language; it is final or may still change.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn speaks(&self, language: &str, text: &str, is_final: bool) {
        let heard = |subscription: &Subscription| match &subscription.key {
            StreamKey::Transcription { language: wanted, .. } => language_matches(wanted, language),
            _ => false,
        };
        let data = json!({
            "type": "transcription", "text": text, "isFinal": is_final, "transcribeLanguage": language,
            "startTime": 0, "endTime": 0, "provider": "test",
        });
        self.event("speech in this language", heard, data).await;
    }

    /// Somebody says something, and the cloud translates it.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn is_translated(&self, from: &str, original: &str, to: &str, text: &str) {
        let wants = |subscription: &Subscription| match &subscription.key {
            StreamKey::Translation { from: source, to: target } => {
                (matches!(&**source, "all" | "auto") || language_matches(source, from)) && language_matches(target, to)
            }
            _ => false,
        };
        let data = json!({
            "type": "translation", "text": text, "originalText": original, "isFinal": true, "startTime": 0, "endTime": 0,
            "transcribeLanguage": from, "translateLanguage": to, "didTranslate": true,
        });
        self.event("this translation", wants, data).await;
    }

    /// Presses a button, `short` or `long`.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn presses(&self, button: &str, how: &str) {
        self.sends("button_press", json!({ "type": "button_press", "buttonId": button, "pressType": how })).await;
    }

    /// Moves the head `up` or `down`.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn moves_head(&self, position: &str) {
        self.sends("head_position", json!({ "type": "head_position", "position": position })).await;
    }

    /// Is somewhere: told to the app if it listens, and the answer to its questions.
    pub async fn is_at(&self, lat: f64, lng: f64) {
        lock(&self.life).place = Some((lat, lng));
        let data = json!({ "type": "location_update", "lat": lat, "lng": lng });
        self.event_now(|subscription| &*subscription.raw == "location_update", &data);
    }

    /// Lets any event happen, by the name of its stream.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn sends(&self, stream: &str, data: Value) {
        self.event(stream, |subscription| &*subscription.raw == stream, data).await;
    }

    /// Makes sound: PCM, 16 bit, 16 kHz.
    ///
    /// # Panics
    /// When the app does not listen.
    pub async fn sounds(&self, pcm: impl Into<Bytes>) {
        let is_it = |subscription: &Subscription| &*subscription.raw == "audio_chunk";
        self.until("the app to listen to sound", |life| life.subscriptions.iter().any(is_it).then_some(())).await;
        self.say(Say::Binary(pcm.into()));
    }

    /// Sends a message of any type to the app.
    pub fn tells(&self, message: Value) {
        answer(&self.life, message);
    }

    /// The next photo shows this.
    pub fn holds(&self, photo: impl Into<Bytes>) {
        lock(&self.life).photos.push(Ok(photo.into()));
    }

    /// The next photo fails.
    pub fn cannot_take_a_photo(&self, code: &str) {
        let error = UploadError { code: Some(code.to_owned()), message: "as the test said".to_owned() };
        lock(&self.life).photos.push(Err(error));
    }

    /// The next stream, direct or managed, does not start; `why` begins with a code (`STREAM_CONFLICT: …`) where a cloud gives one.
    pub fn cannot_stream(&self, why: &str) {
        lock(&self.life).no_stream = Some(why.to_owned());
    }

    /// Sounds are not played any more: requests for them get no answer.
    pub fn is_out_of_earshot(&self) {
        lock(&self.life).mute = true;
    }

    /// Changes a setting of the app on the phone.
    pub fn sets(&self, key: &str, value: impl Into<Value>) {
        let settings = {
            let mut life = lock(&self.life);
            let settings = &mut life.setting.settings;
            settings.retain(|setting| setting.key.as_deref() != Some(key));
            settings.push(AppSetting {
                key: Some(key.to_owned()),
                value: Some(value.into()),
                rest: Default::default(),
            });
            settings.clone()
        };
        self.tells(json!({
            "type": "settings_update", "packageName": PACKAGE, "sessionId": PACKAGE, "settings": settings, "timestamp": now(),
        }));
    }

    /// Waits until the main view shows this text, or one that contains it.
    ///
    /// # Panics
    /// When it does not.
    pub async fn sees(&self, text: &str) {
        let shown = |life: &Life| shown(life).last().is_some_and(|last| last.contains(text)).then_some(());
        self.until(&format!("the display to show {text:?}"), shown).await;
    }

    /// Waits until the main view has shown this text at any time, or one that contains it.
    ///
    /// # Panics
    /// When it has not.
    pub async fn has_seen(&self, text: &str) {
        let was_shown = |life: &Life| shown(life).iter().any(|shown| shown.contains(text)).then_some(());
        self.until(&format!("the display to have shown {text:?}"), was_shown).await;
    }

    /// Every text that the main view has shown.
    pub fn saw(&self) -> Vec<String> {
        shown(&lock(&self.life))
    }

    /// Waits for a message of the app of this type; gives the first that fits.
    ///
    /// # Panics
    /// When none comes.
    pub async fn gets(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let is_it = |message: &&Value| message["type"] == kind && fits(message);
        self.until(&format!("a {kind}"), |life| life.heard.iter().find(is_it).cloned()).await
    }

    /// Every message of the app so far.
    pub fn got(&self) -> Vec<Value> {
        lock(&self.life).heard.clone()
    }

    /// What the app listens to, in its own words, once it is this many streams.
    ///
    /// # Panics
    /// When they never are.
    pub async fn subscriptions(&self, count: usize) -> Vec<String> {
        let names = |life: &Life| life.subscriptions.iter().map(|s| s.raw.to_string()).collect::<Vec<_>>();
        self.until(&format!("{count} subscriptions"), |life| Some(names(life)).filter(|names| names.len() == count))
            .await
    }

    /// What the app keeps for this wearer.
    pub fn storage(&self) -> BTreeMap<String, String> {
        self.book.storage(self.session().user_id(), |storage| storage.clone())
    }

    /// The app's session.
    ///
    /// # Panics
    /// When it is over.
    pub fn session(&self) -> AppSession {
        let uuid = lock(&self.life).uuid.clone();
        self.sessions.by_id(&uuid).unwrap_or_else(|| panic!("the session is over"))
    }

    /// Cuts the connection without a word. The app comes back by itself.
    pub fn cut(&self) {
        self.say(Say::HangUp);
    }

    /// Cuts every connection of this cloud, and lets nobody back for so long.
    pub async fn cut_for(&self, time: Duration) {
        self.book.cut(true);
        self.cut();
        tokio::time::sleep(time).await;
        self.book.cut(false);
    }

    /// Waits until the app has come back so often.
    ///
    /// # Panics
    /// When it has not.
    pub async fn is_back(&self, times: usize) {
        self.until("the app to come back", |life| (life.acks > times && life.say.is_some()).then_some(())).await;
    }

    /// Closes the connection with this code and reason.
    pub fn closes(&self, code: u16, reason: &'static str) {
        self.say(Say::Close(code, reason));
    }

    fn say(&self, say: Say) {
        if let Some(socket) = &lock(&self.life).say {
            // A socket that is gone hears nothing.
            let _ = socket.send(say);
        }
    }

    async fn event(&self, what: &str, wants: impl Fn(&Subscription) -> bool, data: Value) {
        self.until(&format!("the app to listen to {what}"), |life| life.subscriptions.iter().any(&wants).then_some(()))
            .await;
        self.event_now(wants, &data);
    }

    /// To every subscription that it is for, under its own name.
    fn event_now(&self, wants: impl Fn(&Subscription) -> bool, data: &Value) {
        let streams: Vec<Arc<str>> =
            lock(&self.life).subscriptions.iter().filter(|s| wants(s)).map(|s| s.raw.clone()).collect();
        for stream in streams {
            self.tells(json!({ "type": "data_stream", "streamType": &*stream, "data": data, "timestamp": now() }));
        }
    }

    pub(super) async fn until<T>(&self, what: &str, look: impl Fn(&Life) -> Option<T>) -> T {
        let found = async {
            loop {
                // Listens before it looks, so that nothing falls between.
                let changed = self.book.changed.notified();
                if let Some(found) = look(&lock(&self.life)) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!("waited for {what}; {}", self.account()),
        }
    }

    /// What there was instead.
    fn account(&self) -> String {
        let life = lock(&self.life);
        let streams: Vec<&str> = life.subscriptions.iter().map(|s| &*s.raw).collect();
        format!("the app listens to {streams:?} and has shown {:?}", shown(&life))
    }
}

/// Every text of the main view.
fn shown(life: &Life) -> Vec<String> {
    let main = life.heard.iter().filter(|message| message["type"] == "display_event" && message["view"] != "dashboard");
    main.map(|message| drawn(&message["layout"])).collect()
}

fn drawn(layout: &Value) -> String {
    let fields = ["title", "text", "topText", "bottomText", "leftText", "rightText"];
    let texts: Vec<&str> = fields.iter().filter_map(|field| layout[*field].as_str()).collect();
    match layout["layoutType"].as_str() {
        Some("bitmap_view" | "bitmap_animation") => "picture".to_owned(),
        _ => texts.join("\n"),
    }
}
