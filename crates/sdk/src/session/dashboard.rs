//! What stands on the dashboard, the view that the wearer sees with the head up.

use std::sync::Arc;

use bifocal_protocol::apps::{
    DashboardContent, DashboardContentUpdate, DashboardModeChange, DashboardSystemUpdate, FromApp, ToApp,
};
use bifocal_protocol::dashboard::{DashboardMode, DashboardSection};

use crate::core::Lane;
use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::shared::Shared;

/// The dashboard. Every method gives [`Error::Ended`] and [`Error::Full`].
#[derive(Debug, Clone)]
pub struct Dashboard {
    pub(crate) shared: Arc<Shared>,
}

impl Dashboard {
    /// The app's text on the dashboards of these modes; an empty one takes it away (`dashboard_content_update`).
    ///
    /// # Errors
    /// See [`Dashboard`].
    pub async fn write(&self, text: impl Into<String>, modes: &[DashboardMode]) -> Result<(), Error> {
        let content = DashboardContent::Text(text.into());
        let update = DashboardContentUpdate { content, modes: modes.to_vec() };
        self.shared.send(Lane::Ordered, &FromApp::DashboardContentUpdate(update)).await
    }

    /// The app's text on the main dashboard.
    ///
    /// # Errors
    /// See [`Dashboard`].
    pub async fn write_to_main(&self, text: impl Into<String>) -> Result<(), Error> {
        self.write(text, &[DashboardMode::Main]).await
    }

    /// The app's text on the expanded dashboard.
    ///
    /// # Errors
    /// See [`Dashboard`].
    pub async fn write_to_expanded(&self, text: impl Into<String>) -> Result<(), Error> {
        self.write(text, &[DashboardMode::Expanded]).await
    }

    /// How much of the dashboard is shown, as the cloud said last.
    pub fn mode(&self) -> DashboardMode {
        self.shared.state().dashboard
    }

    /// How much of the dashboard is shown, whenever it changes (`dashboard_mode_changed`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn mode_changes(&self) -> Result<EventStream<DashboardMode>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::DashboardModeChanged(changed)) => Some(changed.mode),
            _ => None,
        })
    }

    /// The parts that only the system dashboard app has; a cloud ignores them from others.
    pub fn system(&self) -> DashboardSystem {
        DashboardSystem { shared: self.shared.clone() }
    }
}

/// The corners and the mode of the dashboard, for the system dashboard app.
#[derive(Debug, Clone)]
pub struct DashboardSystem {
    shared: Arc<Shared>,
}

impl DashboardSystem {
    /// The text of a corner (`dashboard_system_update`).
    ///
    /// # Errors
    /// See [`Dashboard`].
    pub async fn set(&self, section: DashboardSection, text: impl Into<String>) -> Result<(), Error> {
        let update = DashboardSystemUpdate { section, content: text.into() };
        self.shared.send(Lane::Ordered, &FromApp::DashboardSystemUpdate(update)).await
    }

    /// How much of the dashboard is shown (`dashboard_mode_change`).
    ///
    /// # Errors
    /// See [`Dashboard`].
    pub async fn set_view_mode(&self, mode: DashboardMode) -> Result<(), Error> {
        let change = FromApp::DashboardModeChange(DashboardModeChange { mode });
        self.shared.send(Lane::Ordered, &change).await
    }
}
