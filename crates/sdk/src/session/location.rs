//! Where the wearer is. Needs the permission LOCATION.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{FromApp, LocationPollRequest};
use bifocal_protocol::events::LocationUpdate;
use bifocal_protocol::location::LocationTier;
use bifocal_protocol::streams::SubscriptionEntry;

use crate::core::{Awaited, Reply};
use crate::error::Error;
use crate::hub::EventStream;
use crate::random;
use crate::session::Events;
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(15);

/// The place.
#[derive(Debug, Clone)]
pub struct Location {
    pub(crate) shared: Arc<Shared>,
}

impl Location {
    /// Every place the phone reports, at least as exact as asked for where the cloud takes wishes: both `location_update` and
    /// `{"stream":"location_stream","rate":…}` are declared, because some clouds know one and some the other.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn updates(&self, accuracy: LocationTier) -> Result<EventStream<LocationUpdate>, Error> {
        let wanted = vec![
            SubscriptionEntry::Name("location_update".to_owned()),
            SubscriptionEntry::Rated { stream: "location_stream".to_owned(), rate: Some(accuracy.name().to_owned()) },
        ];
        Events { shared: self.shared.clone() }.of(wanted, "location_update").await
    }

    /// Where the wearer is now: from a fresh report, or by asking the phone (`location_poll_request`).
    ///
    /// # Errors
    /// [`Error::Timeout`] after 15 s; [`Error::Ended`], [`Error::Full`].
    pub async fn latest(&self, accuracy: LocationTier) -> Result<LocationUpdate, Error> {
        let id = random::id("poll_");
        let poll = FromApp::LocationPollRequest(LocationPollRequest { correlation_id: id.clone(), accuracy });
        match self.shared.request(Awaited::Place(id), &poll, POLL).await? {
            Reply::Place(place) => Ok(place),
            _ => Err(self.shared.over()),
        }
    }
}
