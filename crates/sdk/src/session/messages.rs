//! Other wearers who use the same app. Messages stay within the app.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{
    AppBroadcastMessage, AppDirectMessage, AppMessageReceived, AppRoomJoin, AppRoomLeave, AppRoomUpdated,
    AppUserJoined, AppUserLeft, FromApp, RoomConfig, ToApp,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::{Awaited, Lane, Reply};
use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::random;
use crate::rest::{Call, base_of};
use crate::shared::Shared;

const DIRECT: Duration = Duration::from_secs(15);

/// Messages between the wearers of this app, over the cloud. For wearers of this very process, `session.sessions()` is nearer.
/// Every method gives [`Error::Ended`] and [`Error::Full`].
#[derive(Debug, Clone)]
pub struct Messages {
    pub(crate) shared: Arc<Shared>,
}

/// Somebody for whom the app runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppUser {
    /// The e-mail address.
    pub user_id: String,
    /// The app session of that user.
    #[serde(default)]
    pub session_id: String,
}

impl Messages {
    /// To every wearer of the app (`app_broadcast_message`).
    ///
    /// # Errors
    /// See [`Messages`].
    pub async fn broadcast(&self, payload: Value) -> Result<(), Error> {
        self.broadcast_in(payload, None).await
    }

    /// To everybody in a room. Only Bifocal knows this; other clouds tell every wearer.
    ///
    /// # Errors
    /// See [`Messages`].
    pub async fn broadcast_to_room(&self, room: &str, payload: Value) -> Result<(), Error> {
        self.broadcast_in(payload, Some(room.to_owned())).await
    }

    /// To one wearer; whether it was delivered (`app_direct_message`).
    ///
    /// # Errors
    /// See [`Messages`]; [`Error::Timeout`] after 15 s, which is what clouds without this feature give.
    pub async fn send_to(&self, user: &str, payload: Value) -> Result<bool, Error> {
        let id = random::id("msg_");
        let message = FromApp::AppDirectMessage(AppDirectMessage {
            target_user_id: user.to_owned(),
            payload,
            message_id: id.clone(),
            sender_user_id: Some(self.shared.user.clone()),
        });
        match self.shared.request(Awaited::Direct(id), &message, DIRECT).await? {
            Reply::Direct(response) => Ok(response.success),
            _ => Ok(false),
        }
    }

    /// Enters a room, and makes it if it is not there (`app_room_join`).
    ///
    /// # Errors
    /// See [`Messages`].
    pub async fn join_room(&self, room: &str, config: Option<RoomConfig>) -> Result<(), Error> {
        let join = AppRoomJoin { room_id: room.to_owned(), room_config: config };
        self.shared.send(Lane::Ordered, &FromApp::AppRoomJoin(join)).await
    }

    /// Leaves a room (`app_room_leave`).
    ///
    /// # Errors
    /// See [`Messages`].
    pub async fn leave_room(&self, room: &str) -> Result<(), Error> {
        self.shared.send(Lane::Ordered, &FromApp::AppRoomLeave(AppRoomLeave { room_id: room.to_owned() })).await
    }

    /// What others say (`app_message_received`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn received(&self) -> Result<EventStream<AppMessageReceived>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::AppMessageReceived(message)) => Some(message.clone()),
            _ => None,
        })
    }

    /// Who comes (`app_user_joined`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn joined(&self) -> Result<EventStream<AppUserJoined>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::AppUserJoined(joined)) => Some(joined.clone()),
            _ => None,
        })
    }

    /// Who leaves (`app_user_left`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn left(&self) -> Result<EventStream<AppUserLeft>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::AppUserLeft(left)) => Some(left.clone()),
            _ => None,
        })
    }

    /// What happens to rooms (`app_room_updated`).
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn room_updates(&self) -> Result<EventStream<AppRoomUpdated>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Message(ToApp::AppRoomUpdated(update)) => Some(update.clone()),
            _ => None,
        })
    }

    /// Everybody for whom the app runs, the wearer included (`POST /api/app-communication/discover-users`).
    ///
    /// # Errors
    /// [`Error::Rest`]; some clouds do not have this route.
    pub async fn users(&self) -> Result<Vec<AppUser>, Error> {
        const WHAT: &str = "POST /api/app-communication/discover-users";
        #[derive(Deserialize)]
        struct Found {
            users: Vec<AppUser>,
        }
        let shared = &self.shared;
        let call = Call {
            what: WHAT,
            method: Method::POST,
            base: &base_of(&shared.url),
            path: &["api", "app-communication", "discover-users"],
            bearer: &shared.identity.api_key,
            body: Some(json!({
                "packageName": shared.identity.package, "userId": shared.user, "includeUserProfiles": false,
            })),
        };
        let (_, answer) = shared.rest.call(call, &[]).await?;
        let found: Found = serde_json::from_value(answer).map_err(|_| Error::Rest {
            what: WHAT,
            status: None,
            why: "the answer has no list of users".to_owned(),
        })?;
        Ok(found.users)
    }

    /// How many they are.
    ///
    /// # Errors
    /// As [`users`](Self::users).
    pub async fn user_count(&self) -> Result<usize, Error> {
        Ok(self.users().await?.len())
    }

    /// Whether the app runs for this wearer.
    ///
    /// # Errors
    /// As [`users`](Self::users).
    pub async fn is_active(&self, user: &str) -> Result<bool, Error> {
        Ok(self.users().await?.iter().any(|known| known.user_id.eq_ignore_ascii_case(user)))
    }

    async fn broadcast_in(&self, payload: Value, room_id: Option<String>) -> Result<(), Error> {
        let message = FromApp::AppBroadcastMessage(AppBroadcastMessage {
            payload,
            message_id: random::id("msg_"),
            sender_user_id: Some(self.shared.user.clone()),
            room_id,
        });
        self.shared.send(Lane::Ordered, &message).await
    }
}
