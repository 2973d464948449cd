//! `bifocal user …` and `bifocal token`.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bifocal_protocol::ids::UserId;
use bifocal_server::Tokens;

use crate::cli::User;
use crate::commands::{print, with_store};
use crate::config::Settings;
use crate::data;

/// Runs one of the user commands.
pub(crate) async fn user(settings: &Settings, user: User) -> Result<ExitCode> {
    let User::Add { email } = user;
    with_store(settings, async |store| Ok(store.add_user(&email).await?)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a core token.
pub(crate) async fn token(settings: &Settings, email: &UserId) -> Result<ExitCode> {
    with_store(settings, async |store| Ok(store.ensure_user(email).await?)).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let tokens = Tokens::new(&data::jwt_secret(settings)?);
    let token = tokens.mint(email, i64::try_from(now).unwrap_or(0))?;
    print(&format!("{token}\n"));
    Ok(ExitCode::SUCCESS)
}
