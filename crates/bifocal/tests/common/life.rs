//! One app over one SDK, with a cloud and a wearer of its own, and what can happen to it.

use std::time::Duration;

use bifocal_simulator::{Outcome, Phone, PhoneEvent, script};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::common::{Cloud, WEARER, wait_for};
use crate::node::{NodeApp, Stack};
use crate::proxy::Proxy;

const PACKAGE: &str = "org.example.my-rig";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// One app, its cloud, and its wearer.
pub(crate) struct Life {
    stack: Stack,
    proxy: Proxy,
    _cloud: Cloud,
    app: Option<NodeApp>,
    phone: Phone,
}

impl Life {
    pub(crate) async fn begin(stack: Stack) -> Life {
        let proxy = Proxy::start().await;
        // Longer than any SDK tries, after a cut that is longer than most do.
        let cloud = Cloud::start_with("app_grace_seconds = 13\n", &["--public-url", &proxy.url]);
        proxy.lead_to(&cloud.url);
        let app = NodeApp::start_stack(&stack, PACKAGE, KEY, 0);
        let url = format!("http://127.0.0.1:{}", app.port);
        cloud.admin_ok(&["app", "add", PACKAGE, "--url", &url, "--permission", "MICROPHONE", "--api-key", KEY]);
        cloud.admin_ok(&["app", "install", WEARER, PACKAGE]);
        let phone = cloud.phone().await;
        Life { stack, proxy, _cloud: cloud, app: Some(app), phone }
    }

    fn app(&mut self) -> &mut NodeApp {
        self.app.as_mut().expect("an app runs")
    }

    /// What the app has noticed since this was last asked.
    pub(crate) fn noticed(&mut self) -> Vec<Value> {
        self.app().command(&json!({"do": "mark"}));
        self.app().expect("mark");
        self.app().rest()
    }

    /// The wearer starts the app: webhook, socket, ack, subscription, first frame.
    pub(crate) async fn start(&mut self) {
        self.phone.start_app(PACKAGE).await.expect("started");
        self.play("expect \"rig ready\" within 10").await;
        // It has subscribed: SDK v3 draws before that.
        wait_for("the microphone to be on", || self.phone.state().mic.then_some(()));
        self.answers("hello").await;
    }

    /// A button and words arrive, and what the app draws about them is on the glasses.
    pub(crate) async fn press_and_say(&mut self) {
        self.play("press camera\nexpect \"pressed camera short\" within 10").await;
        let button = self.app().expect("button");
        assert_eq!((button["buttonId"].as_str(), button["pressType"].as_str()), (Some("camera"), Some("short")));
        self.answers("good morning").await;
        self.heard(&["good morning".to_owned()]);
    }

    /// The app's socket is cut for a second, in the middle of a stream of words.
    pub(crate) async fn cut_short(&mut self) {
        let cut = async {
            sleep(Duration::from_millis(200)).await;
            self.proxy.cut(Duration::from_secs(1)).await;
        };
        let words = numbered("short", 80);
        tokio::join!(cut, speak(&self.phone, &words, Duration::from_millis(5)));
        self.heard(&words);
    }

    /// The same for ten seconds, which is longer than most SDKs try.
    pub(crate) async fn cut_long(&mut self) {
        let words = numbered("long", 8);
        tokio::join!(self.proxy.cut(Duration::from_secs(10)), speak(&self.phone, &words, Duration::from_millis(500)));
        self.heard(&words);
    }

    /// The app's process is killed, and another one started on its port. What is said meanwhile is kept for it.
    pub(crate) async fn kill(&mut self) {
        let port = self.app().port;
        self.app = None;
        let words = numbered("missed", 4);
        speak(&self.phone, &words, Duration::ZERO).await;
        self.app = Some(NodeApp::start_stack(&self.stack, PACKAGE, KEY, port));
        self.heard(&words);
        self.answers("still here").await;
    }

    /// The glasses are away for some seconds, and find what they showed.
    pub(crate) async fn away(&mut self) {
        self.play("say remember me\nexpect \"REMEMBER ME\" within 10").await;
        let mut watch = self.phone.watch();
        self.phone.cut(Duration::from_secs(3)).await.expect("cut");
        let returned = async {
            let mut back = false;
            loop {
                match watch.next().await {
                    PhoneEvent::Connected { .. } => back = true,
                    PhoneEvent::Display { picture, .. } if back && format!("{picture:?}").contains("REMEMBER ME") => {
                        return;
                    }
                    _ => {}
                }
            }
        };
        timeout(Duration::from_secs(20), returned).await.expect("the glasses come back and show what they showed");
        self.answers("glad to be back").await;
    }

    /// The wearer stops the app and, as soon as nothing is left of it, starts it once more. Whatever follows the stop comes
    /// before the end of that start.
    pub(crate) async fn stop_and_start(&mut self) {
        self.phone.stop_app(PACKAGE).await.expect("stopped");
        wait_for("the microphone to be off", || (!self.phone.state().mic).then_some(()));
        self.start().await;
    }

    async fn play(&self, text: &str) {
        let script = script::parse(text).expect("a script");
        let outcome = script::run(&script, &self.phone, std::path::Path::new("."), |_| {}).await;
        assert_eq!(outcome, Outcome::Passed, "{outcome}");
    }

    /// The app hears this and draws it.
    async fn answers(&mut self, text: &str) {
        self.play(&format!("say {text}\nexpect \"{}\" within 10", text.to_uppercase())).await;
    }

    /// The app has heard these words, each in its turn. What it heard in the instant of a cut comes again when its socket did
    /// not get to say so.
    fn heard(&mut self, words: &[String]) {
        let mut heard: Vec<String> = Vec::new();
        while heard.len() < words.len() {
            let event = self.app().expect_within("transcription", Duration::from_secs(40));
            let text = event["text"].as_str().expect("text").to_owned();
            if event["isFinal"] == true && words.contains(&text) && !heard.contains(&text) {
                heard.push(text);
            }
        }
        assert_eq!(heard, words);
    }
}

fn numbered(word: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{word} {n}")).collect()
}

async fn speak(phone: &Phone, words: &[String], pause: Duration) {
    for word in words {
        phone.say(word).await.expect("said");
        sleep(pause).await;
    }
}
