//! Calls to the store.

use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::settings::SystemSettings;
use bifocal_session::{Outcome, UserData};
use bifocal_store::StoreError;

use crate::shared::Shared;

pub(super) async fn load_user(shared: &Shared, user: &UserId) -> Outcome {
    match shared.store.load_user(user).await {
        Ok(record) => Outcome::User(UserData {
            installed: record.installed,
            running: record.running,
            settings: record.settings,
            timezone: record.timezone,
            app_settings: record.app_settings,
        }),
        Err(error) => failed(&error),
    }
}

pub(super) async fn save_running(shared: &Shared, user: &UserId, package: &PackageName, running: bool) -> Outcome {
    saved(shared.store.set_running(user, package, running).await)
}

pub(super) async fn save_settings(shared: &Shared, user: &UserId, settings: &SystemSettings) -> Outcome {
    saved(shared.store.save_settings(user, settings).await)
}

fn saved(result: Result<(), StoreError>) -> Outcome {
    result.map_or_else(|error| failed(&error), |()| Outcome::Saved)
}

fn failed(error: &StoreError) -> Outcome {
    Outcome::Failed { why: error.to_string() }
}
