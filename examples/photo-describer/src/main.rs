//! Runs the app; `lib.rs` says how it is configured.

use bifocal_example_photo_describer::{Describer, Model};
use bifocal_sdk::prelude::*;

#[tokio::main]
async fn main() -> Result {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let url = variable("OPENAI_BASE_URL", "https://api.openai.com/v1");
    let model = Model::new(&url, &variable("OPENAI_API_KEY", ""), &variable("MODEL", "gpt-4o-mini"))?;
    AppServer::from_env()?.serve(Describer { model }).await?;
    Ok(())
}
