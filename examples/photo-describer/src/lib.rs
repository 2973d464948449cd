//! Says what is in front of the wearer: a long press of a button, or "what is this", takes a photo, and any model with the interface
//! of OpenAI describes it.
//!
//! Environment: `OPENAI_BASE_URL` (`https://api.openai.com/v1`, or a server of your own), `OPENAI_API_KEY`, `MODEL`. Needs the permissions
//! CAMERA and MICROPHONE.

mod model;
#[cfg(test)]
mod tests;

use bifocal_sdk::prelude::*;
use bifocal_sdk::{Photo, PhotoOptions};

pub use model::Model;

/// The app.
pub struct Describer {
    /// Who looks at the photos.
    pub model: Model,
}

impl App for Describer {
    async fn on_session(&self, session: AppSession) -> Result {
        if session.capabilities().is_some_and(|glasses| !glasses.has_camera) {
            session.layouts().show_text_wall("These glasses have no camera").await?;
            return Ok(());
        }
        let mut presses = session.events().button_press().await?.latest();
        let mut words = session.events().transcription("en-US").await?;
        session.layouts().show_text_wall("Press long, or say: what is this").await?;
        loop {
            tokio::select! {
                press = presses.next() => match press {
                    Some(press) if press.press_type == "long" => {}
                    Some(_) => continue,
                    None => return Ok(()),
                },
                heard = words.next() => match heard {
                    Some(heard) if heard.is_final && heard.text.to_lowercase().contains("what is this") => {}
                    Some(_) => continue,
                    None => return Ok(()),
                },
            }
            let text = self.described(&session).await.unwrap_or_else(|error| format!("No photo: {error}"));
            session.layouts().show_text_wall(&text).await?;
            let audio = session.audio();
            session.spawn(async move {
                // Not all glasses can speak, and the display has said it already.
                let _ = audio.speak(text).await;
            });
        }
    }
}

impl Describer {
    async fn described(&self, session: &AppSession) -> Result<String> {
        session.layouts().show_text_wall("Hold still …").await?;
        let options = PhotoOptions { compress: "medium".to_owned(), ..PhotoOptions::default() };
        let Photo { data, mime_type, .. } = session.camera().photo(options).await?;
        session.layouts().show_text_wall("Looking …").await?;
        Ok(self.model.describe(&data, &mime_type).await?)
    }
}
