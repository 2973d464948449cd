//! The glasses themselves: model, battery, Wi-Fi.

use std::sync::Arc;

use bifocal_protocol::apps::{CapabilitiesUpdate, FromApp, RequestWifiSetup, ToApp};
use bifocal_protocol::device::GlassesInfo;

use crate::core::Lane;
use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::shared::Shared;

/// What the cloud knows of the glasses.
#[derive(Debug, Clone)]
pub struct Device {
    pub(crate) shared: Arc<Shared>,
}

/// The Wi-Fi of the glasses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiStatus {
    /// Whether they are in a network.
    pub connected: bool,
    /// Its name.
    pub ssid: Option<String>,
}

impl Device {
    /// Everything that was reported, put together (`device_state_update`). A field that was never reported is `None`.
    pub fn state(&self) -> GlassesInfo {
        self.shared.state().device.clone()
    }

    /// Every report: the fields that changed, or all of them.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn state_changes(&self) -> Result<EventStream<GlassesInfo>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::DeviceStateUpdate(update)) => Some(update.state.clone()),
            _ => None,
        })
    }

    /// Other glasses, or none, and what they can do (`capabilities_update`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn capabilities_changes(&self) -> Result<EventStream<CapabilitiesUpdate>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::CapabilitiesUpdate(update)) => Some(update.clone()),
            _ => None,
        })
    }

    /// The Wi-Fi of the glasses; `None` while nothing is known of it. From the last `device_state_update` or
    /// `glasses_connection_state` that says something about it.
    pub fn wifi(&self) -> Option<WifiStatus> {
        self.shared.state().wifi.clone()
    }

    /// Whether the glasses are in a Wi-Fi network, as far as is known.
    pub fn is_wifi_connected(&self) -> bool {
        self.wifi().is_some_and(|wifi| wifi.connected)
    }

    /// Asks the wearer to connect the glasses to a Wi-Fi network; the phone shows why (`request_wifi_setup`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn request_wifi_setup(&self, reason: Option<&str>) -> Result<(), Error> {
        let request = RequestWifiSetup { reason: reason.map(str::to_owned) };
        self.shared.send(Lane::Ordered, &FromApp::RequestWifiSetup(request)).await
    }
}
