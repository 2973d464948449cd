//! Rows that end or disturb a session, after everything else: the socket of Bob's app is lost, his app is stopped and started, then
//! Ann's, then the server.

use std::sync::PoisonError;

use bifocal_sdk::{AppSession, Link, Result};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::inbox::WAIT;
use super::module::{check, equal};
use super::stage::{APP, Call, Stage, watch};

/// As many bad frames within a minute cost a connection.
const BAD: usize = 61;

pub(super) async fn rows(x: &Stage) {
    lost_and_back(x).await;
    let again = joined(x).await;
    left_alone(x, again).await;
    let server = x.module("AppServer");
    server
        .fired("onStop", async {
            let mark = x.calls.mark();
            x.ann.play(&format!("stop {APP}")).await?;
            let hers = |call: &Call| matches!(call, Call::Stop { user, .. } if *user == x.names.ann);
            match x.calls.next("on_stop", mark, hers).await? {
                Call::Stop { reason, .. } => equal(reason, "user_disabled"),
                _ => Ok(()),
            }
        })
        .await;
    server
        .settled("stop", async {
            let running = x.server.lock().unwrap_or_else(PoisonError::into_inner).take();
            running.ok_or("it does not run")?.stop().await?;
            check(x.http.get(format!("{}/health", x.url)).send().await.is_err(), "it still answers")
        })
        .await;
}

async fn lost_and_back(x: &Stage) {
    let events = x.module("session.events");
    let Ok(mut links) = x.peer.connection() else { return };
    events
        .fired("onDisconnected", async {
            for _ in 0..BAD {
                let Value::Object(bad) = json!({"type": "display_event", "layout": {}}) else { return Ok(()) };
                x.peer.send_message(bad).await?;
            }
            let link = timeout(WAIT, links.next()).await?;
            check(matches!(link, Some(Link::Lost { .. })), format!("it is {link:?}"))
        })
        .await;
    events
        .fired("onConnected", async {
            let link = timeout(WAIT, links.next()).await?;
            check(link == Some(Link::Connected { again: true }), format!("it is {link:?}"))?;
            x.synced(&x.peer).await
        })
        .await;
}

/// Bob leaves and comes; gives his new session.
async fn joined(x: &Stage) -> Option<AppSession> {
    let (session, messages) = (x.module("AppSession"), x.session.messages());
    let stop = async { x.bob.play(&format!("stop {APP}")).await };
    let heard = x.hears(&x.session, async { messages.left() }, stop, |e| e.user_id == x.names.bob);
    session.fired("onAppUserLeft", heard).await;
    let mark = x.calls.mark();
    let start = async { x.bob.play(&format!("start {APP}")).await };
    let heard = x.hears(&x.session, async { messages.joined() }, start, |e| e.user_id == x.names.bob);
    session.fired("onAppUserJoined", heard).await;
    let mut again = None;
    session
        .settled("connect", async {
            let is_session = |call: &Call| matches!(call, Call::Session(_));
            if let Call::Session(new) = x.calls.next("a session", mark, is_session).await? {
                watch(&new, &x.wire).await;
                x.synced(&new).await?;
                again = Some(new);
            }
            Ok(())
        })
        .await;
    again
}

async fn left_alone(x: &Stage, again: Option<AppSession>) {
    let session = x.module("AppSession");
    let there = || -> Result<&AppSession> { again.as_ref().ok_or_else(|| "there is no session".into()) };
    session
        .sent("releaseOwnership", async {
            there()?.release_ownership("switching_clouds").await?;
            x.synced(there()?).await
        })
        .await;
    session
        .settled("disconnect", async {
            there()?.disconnect().await;
            there()?.ended().await;
            let dormant = async {
                while x.bob.phase(APP).await? != "dormant" {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Ok(())
            };
            timeout(WAIT, dormant).await?
        })
        .await;
}
