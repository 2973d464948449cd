//! Who is loaded: a cloud, or the control relay. Opening a phone or an app differs, everything after it is the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::bench::apps::AppServer;
use crate::bench::dial::{self, Opened, Request};
use crate::bench::error::BenchError;
use crate::bench::frame::{self, Opcode};
use crate::bench::link::{Link, Sent};
use crate::bench::message::{package, user};

/// How long a cloud may take from `start_app` to the webhook.
const WEBHOOK: Duration = Duration::from_secs(30);
const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x88];

/// Makes the core token of the user with a number.
pub type Mint = Arc<dyn Fn(usize) -> Result<String, String> + Send + Sync>;

/// How phones and apps get into a cloud.
#[derive(Clone)]
pub struct Access {
    /// Core tokens.
    pub mint: Mint,
    /// The API key of all apps.
    pub api_key: String,
    /// Where webhooks arrive.
    pub apps: Arc<AppServer>,
}

/// What is loaded.
#[derive(Clone)]
pub(crate) enum Target {
    Cloud { address: SocketAddr, access: Access },
    Relay { address: SocketAddr },
}

impl Target {
    /// For hops in errors.
    fn name(&self) -> &'static str {
        match self {
            Target::Cloud { .. } => "cloud",
            Target::Relay { .. } => "control",
        }
    }

    /// Connects the phone of a user and waits for its acknowledgement.
    pub(crate) async fn phone(&self, number: usize) -> Result<Opened, BenchError> {
        let hop = format!("phone {number} → {}", self.name());
        let mut opened = match self {
            Target::Cloud { address, access } => {
                let token = (access.mint)(number).map_err(|why| BenchError::hop(format!("{hop} (token)"), why))?;
                let request = Request { hop: &hop, to: *address, path: "/glasses-ws", token: Some(&token) };
                dial::open(&request).await?
            }
            Target::Relay { address } => {
                let path = format!("/phone/{number}");
                dial::open(&Request { hop: &hop, to: *address, path: &path, token: None }).await?
            }
        };
        opened.wait_for(&hop, "connection_ack").await?;
        Ok(opened)
    }

    /// Starts an app for a user, as a phone does it, and connects the app when the cloud asks it to.
    pub(crate) async fn start_app(&self, number: usize, app: usize, phone: &Link) -> Result<String, BenchError> {
        let Target::Cloud { access, .. } = self else { return Ok(String::new()) };
        let webhook = access.apps.expect(number, app);
        let wish = json!({ "type": "start_app", "packageName": package(app), "timestamp": 1_767_607_200_000_u64 });
        say(phone, &wish.to_string())
            .map_err(|why| BenchError::hop(format!("phone {number} → cloud (start_app)"), why))?;
        let failed = |why: String| BenchError::hop(format!("cloud → app {app} of user {number} (webhook)"), why);
        match tokio::time::timeout(WEBHOOK, webhook).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(_)) => Err(failed("somebody else waits for the same webhook".to_owned())),
            Err(_) => Err(failed(format!(
                "none came within {} s; is {} registered and installed for {}?",
                WEBHOOK.as_secs(),
                package(app),
                user(number)
            ))),
        }
    }

    /// Connects an app that was started, and subscribes.
    pub(crate) async fn app(
        &self,
        number: usize,
        app: usize,
        session: &str,
        subscribe: Option<&str>,
    ) -> Result<Opened, BenchError> {
        let hop = format!("app {app} of user {number} → {}", self.name());
        let (address, access) = match self {
            Target::Cloud { address, access } => (*address, access),
            Target::Relay { address } => {
                let path = format!("/app/{number}");
                let mut opened = dial::open(&Request { hop: &hop, to: *address, path: &path, token: None }).await?;
                opened.wait_for(&hop, "tpa_connection_ack").await?;
                return Ok(opened);
            }
        };
        let mut opened = dial::open(&Request { hop: &hop, to: address, path: "/app-ws", token: None }).await?;
        let hello = json!({
            "type": "tpa_connection_init", "sessionId": session, "packageName": package(app), "apiKey": access.api_key,
            "timestamp": "2026-01-05T10:00:00.000Z",
        });
        let failed = |why| BenchError::hop(format!("{hop} (tpa_connection_init)"), why);
        say(&opened.link, &hello.to_string()).map_err(failed)?;
        opened.wait_for(&hop, "tpa_connection_ack").await?;
        if let Some(stream) = subscribe {
            let wanted = json!({
                "type": "subscription_update", "packageName": package(app), "sessionId": session,
                "subscriptions": [stream], "timestamp": "2026-01-05T10:00:00.000Z",
            });
            say(&opened.link, &wanted.to_string()).map_err(failed)?;
        }
        Ok(opened)
    }
}

fn say(link: &Link, text: &str) -> Result<(), &'static str> {
    let mut bytes = Vec::with_capacity(text.len() + 14);
    frame::client(&mut bytes, Opcode::TEXT, MASK, text.as_bytes());
    if link.send(&bytes) == Sent::Lost { Err("the connection is gone") } else { Ok(()) }
}
