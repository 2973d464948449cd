//! Wearers talk to each other: what one says is shown to all who use this server, with a name in front.

use std::sync::atomic::{AtomicU64, Ordering};

use bifocal_sdk::Sessions;
use bifocal_sdk::prelude::*;

#[cfg(test)]
mod tests;

/// The app.
#[derive(Default)]
struct Chat {
    /// How many sentences were passed on.
    said: AtomicU64,
}

impl App for Chat {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut words = session.events().transcription("en-US").await?;
        let count = session.sessions().len();
        session.layouts().show_text_wall(format!("{count} here. Say something.")).await?;
        while let Some(heard) = words.next().await {
            if heard.is_final {
                self.said.fetch_add(1, Ordering::Relaxed);
                broadcast(session.sessions(), &format!("{}: {}", name(session.user_id()), heard.text)).await;
            }
        }
        Ok(())
    }

    async fn on_tool_call(&self, call: ToolCall) -> Result<ToolReply> {
        match call.tool_id.as_str() {
            "count" => Ok(ToolReply::Text(format!("{} sentences so far", self.said.load(Ordering::Relaxed)))),
            _ => Ok(ToolReply::Nothing),
        }
    }
}

/// Shows a text to everybody. Who is just leaving does not see it.
async fn broadcast(sessions: &Sessions, text: &str) {
    for session in sessions.all() {
        let _ = session.layouts().show_text_wall(text).await;
    }
}

/// What people call somebody with this address.
fn name(user_id: &str) -> &str {
    user_id.split('@').next().unwrap_or(user_id)
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Chat::default()).await?;
    Ok(())
}
