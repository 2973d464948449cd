//! [`AppSession`]: one wearer who uses the app, and everything that can be done with their glasses.

mod audio;
mod camera;
mod dashboard;
mod device;
mod events;
mod layouts;
mod led;
mod location;
mod messages;
mod settings;
pub(crate) mod storage;

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{AckPermissions, FromApp, OwnershipRelease};
use bifocal_protocol::capabilities::Capabilities;
use bifocal_protocol::json::Object;
use serde_json::Value;

pub use audio::{Audio, AudioChunk, AudioOutput, Play, Played, Speech, VoiceSettings};
pub use bifocal_pictures::{Bitmap, Dither, Fit, PictureError, Rendering};
pub use camera::{Camera, ManagedStream, ManagedStreamOptions, Photo, PhotoOptions, PhotoReceipt, StreamOptions};
pub use dashboard::{Dashboard, DashboardSystem};
pub use device::{Device, WifiStatus};
pub use events::{Events, RawEvent, TranscriptionOptions};
pub use layouts::{Animation, Layouts, Show};
pub use led::{Led, LedColor};
pub use location::Location;
pub use messages::{AppUser, Messages};
pub use settings::Settings;
pub use storage::SimpleStorage;

use crate::core::{Input, Lane, Leave};
use crate::error::{Ending, Error};
use crate::hub::{EventStream, Parcel};
use crate::rest::base_of;
use crate::server::Sessions;
use crate::shared::Shared;

/// What happens to the connection of a session. The session itself goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The cloud has taken the app in (`tpa_connection_ack`).
    Connected {
        /// Not for the first time: everything that exists was declared again.
        again: bool,
    },
    /// The connection is gone.
    Lost {
        /// What happened.
        why: String,
        /// When the next attempt comes.
        retry_in: Duration,
    },
}

/// One wearer who uses the app.
///
/// A session begins when the wearer starts the app, and ends when they stop it, when their own session with the cloud ends, when
/// the connection does not come back within a minute, or by [`disconnect`](Self::disconnect). It is cheap to clone. Everything in
/// it goes on through lost connections: streams stay, what they want is declared again, messages wait, of pictures only the newest
/// one, and requests run against their deadlines. After the end every call gives [`Error::Ended`] at once.
#[derive(Debug, Clone)]
pub struct AppSession {
    pub(crate) shared: Arc<Shared>,
}

impl AppSession {
    /// The id of this session: the UUID of this start where the cloud gives one, or else `<user>-<package>`, which is the same each
    /// time.
    pub fn id(&self) -> String {
        self.shared.state().uuid.clone().unwrap_or_else(|| self.shared.identity.session_id.clone())
    }

    /// The id that the wire knows the session by: usually `<user>-<package>`.
    pub fn wire_id(&self) -> &str {
        &self.shared.identity.session_id
    }

    /// The wearer: an e-mail address, the same each time.
    pub fn user_id(&self) -> &str {
        &self.shared.user
    }

    /// The app.
    pub fn package_name(&self) -> &str {
        &self.shared.identity.package
    }

    /// The address of the cloud's WebSocket, as the webhook said.
    pub fn server_url(&self) -> &str {
        &self.shared.url
    }

    /// The address of the cloud's REST interface, `http` or `https`.
    pub fn rest_url(&self) -> String {
        base_of(&self.shared.url)
    }

    /// What the glasses send: words, buttons, places, everything.
    pub fn events(&self) -> Events {
        Events { shared: self.shared.clone() }
    }

    /// What the wearer sees.
    pub fn layouts(&self) -> Layouts {
        Layouts { shared: self.shared.clone() }
    }

    /// What the wearer hears, and what the glasses hear.
    pub fn audio(&self) -> Audio {
        Audio { shared: self.shared.clone() }
    }

    /// Photos and streams.
    pub fn camera(&self) -> Camera {
        Camera { shared: self.shared.clone() }
    }

    /// The lights of the glasses.
    pub fn led(&self) -> Led {
        Led { shared: self.shared.clone() }
    }

    /// Where the wearer is.
    pub fn location(&self) -> Location {
        Location { shared: self.shared.clone() }
    }

    /// What stands on the dashboard.
    pub fn dashboard(&self) -> Dashboard {
        Dashboard { shared: self.shared.clone() }
    }

    /// What the app keeps for this wearer, in the cloud.
    pub fn simple_storage(&self) -> SimpleStorage {
        SimpleStorage { shared: self.shared.clone() }
    }

    /// The settings of the app and of the system.
    pub fn settings(&self) -> Settings {
        Settings { shared: self.shared.clone() }
    }

    /// Other wearers who use the app.
    pub fn messages(&self) -> Messages {
        Messages { shared: self.shared.clone() }
    }

    /// The glasses themselves: model, battery, Wi-Fi.
    pub fn device(&self) -> Device {
        Device { shared: self.shared.clone() }
    }

    /// What the glasses can do; `None` while it is not known. [`Device::capabilities_changes`] tells when it changes.
    pub fn capabilities(&self) -> Option<Capabilities> {
        self.shared.state().capabilities.clone()
    }

    /// What the app may use, where the cloud says it.
    pub fn permissions(&self) -> Option<AckPermissions> {
        self.shared.state().permissions
    }

    /// The wearer's time zone, an IANA name, where the cloud says it.
    pub fn timezone(&self) -> Option<String> {
        self.shared.state().timezone.clone()
    }

    /// The logger of the session: a span with package, session and a tag of the wearer. Everything that `on_session` and the
    /// session's own tasks log is in it already; elsewhere use `session.logger().in_scope(…)`.
    pub fn logger(&self) -> &tracing::Span {
        &self.shared.span
    }

    /// Every live session of this app in this process.
    pub fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// What happens to the connection.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub fn connection(&self) -> Result<EventStream<Link>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Link(link) => Some((*link).clone()),
            _ => None,
        })
    }

    /// Whether the session has not ended.
    pub fn is_live(&self) -> bool {
        self.shared.ended.borrow().is_none()
    }

    /// Waits until the session is over; says why.
    pub async fn ended(&self) -> Ending {
        self.shared.until_ended().await
    }

    /// Runs something beside `on_session`, in a task that ends with the session. A panic in it ends the session.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        Shared::spawn(&self.shared, work);
    }

    /// Ends the session: it closes the socket with 1000. A cloud may start the app again at the wearer's wish.
    pub async fn disconnect(&self) {
        // It may be over already.
        let _ = self.shared.tell(Input::Leave(Leave::Disconnect)).await;
    }

    /// Tells the cloud not to fetch this session back when its socket closes (`ownership_release`): another server has it now.
    ///
    /// # Errors
    /// Those of a send: [`Error::Ended`], [`Error::Full`].
    pub async fn release_ownership(&self, reason: &str) -> Result<(), Error> {
        let release = OwnershipRelease { reason: Some(reason.to_owned()) };
        self.shared.send(Lane::Ordered, &FromApp::OwnershipRelease(release)).await
    }

    /// Sends any message, for what this SDK has no method for. `packageName`, `sessionId` and `timestamp` are added.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has no `type`; those of a send.
    pub async fn send_message(&self, mut message: Object) -> Result<(), Error> {
        if !message.get("type").is_some_and(Value::is_string) {
            return Err(Error::Invalid("a message has a `type`".to_owned()));
        }
        message.insert("packageName".to_owned(), self.package_name().into());
        message.insert("sessionId".to_owned(), self.wire_id().into());
        message.insert("timestamp".to_owned(), crate::message::now().to_string().into());
        let text = Value::Object(message).to_string().into();
        self.shared.call(|ticket| Input::Send { ticket, lane: Lane::Ordered, text }).await.map(|_| ())
    }
}
