//! Shows what is said around the wearer in the language of their choice, with the original above.
//!
//! Settings of the app: `from` (`en-US`, or `auto`) and `to` (`es-ES`). When the wearer changes one, the app asks for another stream.

use bifocal_sdk::prelude::*;

#[cfg(test)]
mod tests;

/// The app.
struct Translator;

impl App for Translator {
    async fn on_session(&self, session: AppSession) -> Result {
        let mut changes = session.settings().changes()?.latest();
        loop {
            let setting = |key, default: &str| session.settings().get(key).unwrap_or(default.to_owned());
            let (from, to) = (setting("from", "auto"), setting("to", "es-ES"));
            let mut words = match session.events().translation(&from, &to).await {
                Ok(words) => words.latest(),
                Err(Error::Invalid(why)) => {
                    session.layouts().show_reference_card("Please look at the settings", why).await?;
                    if changes.next().await.is_none() {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            session.layouts().show_text_wall(format!("{from} → {to}")).await?;
            loop {
                tokio::select! {
                    heard = words.next() => {
                        let Some(heard) = heard else { return Ok(()) };
                        let original = heard.original_text.unwrap_or_default();
                        session.layouts().show_double_text_wall(original, heard.text).await?;
                    }
                    changed = changes.next() => match changed {
                        Some(_) => break,
                        None => return Ok(()),
                    },
                }
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Translator).await?;
    Ok(())
}
