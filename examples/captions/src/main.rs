//! The app as a program of its own.

use bifocal_example_captions::Captions;
use bifocal_sdk::prelude::*;

#[tokio::main]
async fn main() -> Result {
    AppServer::from_env()?.serve(Captions).await?;
    Ok(())
}
