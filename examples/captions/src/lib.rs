//! Shows the wearer what is being said. A long press of any button clears the display.
//!
//! `bifocal demo` runs it inside of its own process, so it is a library with a small program beside it.

use bifocal_sdk::prelude::*;
use bifocal_sdk::{ServeError, SettingsChange};
use tokio::net::TcpListener;

#[cfg(test)]
mod tests;

/// The app. Its setting `language` says what to listen for: `en-US` otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Captions;

impl App for Captions {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut presses = session.events().button_press().await?;
        let mut changes = session.settings().changes()?.latest();
        loop {
            let language = session.settings().get("language").unwrap_or("en-US".to_owned());
            // Words that may still change are shown as they come; of those that come too fast only the newest matter.
            let mut words = session.events().transcription(&language).await?.latest();
            session.layouts().show_text_wall("Listening …").await?;
            loop {
                tokio::select! {
                    heard = words.next() => match heard {
                        Some(heard) => session.layouts().show_text_wall(heard.text).await?,
                        None => return Ok(()),
                    },
                    press = presses.next() => match press {
                        Some(press) if press.press_type == "long" => session.layouts().clear().await?,
                        Some(_) => {}
                        None => return Ok(()),
                    },
                    change = changes.next() => match change {
                        Some(SettingsChange { changes, .. }) if changes.contains_key("language") => break,
                        Some(_) => {}
                        None => return Ok(()),
                    },
                }
            }
        }
    }
}

/// Serves the app until `shutdown` resolves, then leaves every session and returns.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    package: String,
    api_key: String,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let server = AppServer::builder(package, api_key).listener(listener).start(Captions).await?;
    shutdown.await;
    server.stop().await
}
