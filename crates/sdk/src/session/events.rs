//! Everything that the glasses, the phone and the cloud tell: one typed stream each.

use std::sync::Arc;

use bifocal_protocol::apps::{AppError, CustomMessage, PermissionDetail, PermissionError, ToApp};
use bifocal_protocol::events::{
    BatteryUpdate, ButtonPress, CalendarEvent, CoreStatusUpdate, GlassesConnectionState, HeadPosition, LocationUpdate,
    PhoneNotification, PhoneNotificationDismissed, PhotoTaken, TouchEvent, TranscriptionData, TranslationData, Vad,
    VpsCoordinates,
};
use bifocal_protocol::streams::{Subscription, SubscriptionEntry};
use bifocal_protocol::{Text, json};
use serde::de::DeserializeOwned;
use url::form_urlencoded::byte_serialize;

use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::session::AudioChunk;
use crate::shared::Shared;

/// The streams of a session. Each exists as long as it is held, and what exists is what the cloud is asked for.
///
/// Every method gives [`Error::Ended`] when the session is over and [`Error::Full`] beyond 256 streams. A stream that the app has
/// no permission for stays silent; [`permission_errors`](Self::permission_errors) tells.
#[derive(Debug, Clone)]
pub struct Events {
    pub(crate) shared: Arc<Shared>,
}

/// How to hear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TranscriptionOptions {
    /// Take every word for one of the language that was asked for (`no-language-identification=true`).
    pub disable_language_identification: bool,
    /// Other languages to expect (`hints=`).
    pub hints: Vec<String>,
}

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// `streamType`: the name that was asked for.
    pub stream: String,
    /// `data`: JSON.
    pub data: Text,
}

impl RawEvent {
    /// The data as a type of yours.
    ///
    /// # Errors
    /// Those of serde.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        json::decode(&self.data)
    }
}

/// Plain streams: one line for each, method, name on the wire, type.
macro_rules! streams {
    ($($(#[$meta:meta])* $method:ident = $name:literal => $data:ty,)+) => {
        impl Events {
            $(
                $(#[$meta])*
                #[doc = concat!("\n\nOn the wire: `", $name, "`.\n\n# Errors\n[`Error::Ended`], [`Error::Full`].")]
                pub async fn $method(&self) -> Result<EventStream<$data>, Error> {
                    self.of(vec![SubscriptionEntry::Name($name.to_owned())], $name).await
                }
            )+
        }
    };
}

streams! {
    /// A button was pressed: which, and `short` or `long`.
    button_press = "button_press" => ButtonPress,
    /// The head went `up` or `down`.
    head_position = "head_position" => HeadPosition,
    /// The touch pad was touched, in any way.
    touch = "touch_event" => TouchEvent,
    /// A notification came on the phone. Needs READ_NOTIFICATIONS.
    phone_notifications = "phone_notification" => PhoneNotification,
    /// A notification was taken away. Needs READ_NOTIFICATIONS.
    phone_notifications_dismissed = "phone_notification_dismissed" => PhoneNotificationDismissed,
    /// The battery of the glasses: percent, −1 is unknown.
    glasses_battery = "glasses_battery_update" => BatteryUpdate,
    /// The battery of the phone: percent.
    phone_battery = "phone_battery_update" => BatteryUpdate,
    /// Somebody begins or stops to speak. Needs MICROPHONE.
    voice_activity = "VAD" => Vad,
    /// Where the wearer is, at whatever rate others have asked for; see also [`Location`](crate::Location). Needs LOCATION.
    location = "location_update" => LocationUpdate,
    /// Appointments of the wearer's calendar. Needs CALENDAR.
    calendar = "calendar_event" => CalendarEvent,
    /// Glasses came or went, or their Wi-Fi did.
    glasses_connection = "glasses_connection_state" => GlassesConnectionState,
    /// A place and a direction in a mapped room.
    vps_coordinates = "vps_coordinates" => VpsCoordinates,
    /// The wearer took a photo: base64. Needs CAMERA.
    photo_taken = "photo_taken" => PhotoTaken,
    /// The whole status of the phone's program.
    core_status = "core_status_update" => CoreStatusUpdate,
}

impl Events {
    /// Words that were heard in a language: `en-US`, `en`, or `auto`. Interim results come under the same `utterance_id` until one
    /// is final; [`latest`](EventStream::latest) is right for showing them. Needs MICROPHONE.
    ///
    /// On the wire: `transcription:<language>`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no language; [`Error::Ended`], [`Error::Full`].
    pub async fn transcription(&self, language: &str) -> Result<EventStream<TranscriptionData>, Error> {
        self.transcription_with(language, &TranscriptionOptions::default()).await
    }

    /// The same with options.
    ///
    /// On the wire: `transcription:<language>?no-language-identification=true&hints=<languages>`.
    ///
    /// # Errors
    /// As [`transcription`](Self::transcription).
    pub async fn transcription_with(
        &self,
        language: &str,
        options: &TranscriptionOptions,
    ) -> Result<EventStream<TranscriptionData>, Error> {
        let mut query = Vec::new();
        if options.disable_language_identification {
            query.push("no-language-identification=true".to_owned());
        }
        if !options.hints.is_empty() {
            query.push(format!("hints={}", byte_serialize(options.hints.join(",").as_bytes()).collect::<String>()));
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        self.named(format!("transcription:{language}{query}")).await
    }

    /// Words in another language than they were said in: from a language, `all` or `auto`, to a language. Needs MICROPHONE.
    ///
    /// On the wire: `translation:<from>-to-<to>`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no language, or twice the same; [`Error::Ended`], [`Error::Full`].
    pub async fn translation(&self, from: &str, to: &str) -> Result<EventStream<TranslationData>, Error> {
        self.named(format!("translation:{from}-to-{to}")).await
    }

    /// The touch pad was touched in this way: `single_tap`, `double_tap`, `triple_tap`, `long_press`, `forward_swipe`,
    /// `backward_swipe`, `up_swipe`, `down_swipe`.
    ///
    /// On the wire: `touch_event:<gesture>`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what cannot be a gesture; [`Error::Ended`], [`Error::Full`].
    pub async fn touch_gesture(&self, gesture: &str) -> Result<EventStream<TouchEvent>, Error> {
        self.named(format!("touch_event:{gesture}")).await
    }

    /// Sound from the microphone, as it comes. Needs MICROPHONE.
    ///
    /// On the wire: `audio_chunk`, binary frames.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn audio_chunks(&self) -> Result<EventStream<AudioChunk>, Error> {
        let wanted = vec![SubscriptionEntry::Name("audio_chunk".to_owned())];
        self.opened(wanted, |parcel| match parcel {
            Parcel::Sound(sound) => Some(AudioChunk::new((*sound).clone())),
            _ => None,
        })
        .await
    }

    /// Any stream, by its name on the wire, as it comes: for what this SDK has no type for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no name of a stream; [`Error::Ended`], [`Error::Full`].
    pub async fn raw(&self, stream: &str) -> Result<EventStream<RawEvent>, Error> {
        let entry = parsed(stream.to_owned())?;
        let name = stream.to_owned();
        self.opened(vec![entry], move |parcel| match parcel {
            Parcel::Data { stream, data } if *stream == name => {
                Some(RawEvent { stream: (*stream).to_owned(), data: (*data).clone() })
            }
            _ => None,
        })
        .await
    }

    /// Messages of the cloud for this app that belong to no stream, by their action; `update_datetime` carries the wearer's clock.
    ///
    /// On the wire: `custom_message`.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn custom_messages(&self, action: &str) -> Result<EventStream<CustomMessage>, Error> {
        let action = action.to_owned();
        let wanted = vec![SubscriptionEntry::Name("custom_message".to_owned())];
        self.opened(wanted, move |parcel| match parcel {
            Parcel::Message(ToApp::CustomMessage(message)) if message.action == action => Some(message.clone()),
            _ => None,
        })
        .await
    }

    /// Streams that the cloud refused, all of one message together.
    ///
    /// On the wire: `permission_error`.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub async fn permission_errors(&self) -> Result<EventStream<PermissionError>, Error> {
        self.opened(vec![], |parcel| match parcel {
            Parcel::Message(ToApp::PermissionError(error)) => Some(error.clone()),
            _ => None,
        })
        .await
    }

    /// Streams that the cloud refused for want of a permission, one by one.
    ///
    /// On the wire: the `details` of `permission_error`, or `permission_denied`.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub async fn permissions_denied(&self) -> Result<EventStream<PermissionDetail>, Error> {
        EventStream::open(&self.shared, vec![], |parcel| match parcel {
            Parcel::Denied(detail) => Some((*detail).clone()),
            _ => None,
        })
    }

    /// What the cloud complains about: `tpa_connection_error`. Nothing has to be done; requests get their own errors.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub async fn errors(&self) -> Result<EventStream<AppError>, Error> {
        self.opened(vec![], |parcel| match parcel {
            Parcel::Message(ToApp::Error(error) | ToApp::ConnectionError(error)) => Some(error.clone()),
            _ => None,
        })
        .await
    }

    /// Messages that this SDK does not know, or cannot read: why not.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub async fn oddities(&self) -> Result<EventStream<String>, Error> {
        self.opened(vec![], |parcel| match parcel {
            Parcel::Odd(why) => Some((*why).to_owned()),
            _ => None,
        })
        .await
    }

    /// Every stream that the cloud is asked for at this moment, by its name on the wire.
    pub fn subscribed(&self) -> Vec<String> {
        let name = |entry| match entry {
            SubscriptionEntry::Name(name) => name,
            SubscriptionEntry::Rated { stream, .. } => stream,
            SubscriptionEntry::Other(other) => other.to_string(),
        };
        self.shared.hub.wanted().into_iter().map(name).collect()
    }

    async fn named<T: DeserializeOwned + Send + 'static>(&self, name: String) -> Result<EventStream<T>, Error> {
        self.of(vec![parsed(name.clone())?], &name).await
    }

    pub(crate) async fn of<T: DeserializeOwned + Send + 'static>(
        &self,
        wanted: Vec<SubscriptionEntry>,
        name: &str,
    ) -> Result<EventStream<T>, Error> {
        let name = name.to_owned();
        self.opened(wanted, move |parcel| match parcel {
            Parcel::Data { stream, data } if *stream == name => decoded(&name, data),
            _ => None,
        })
        .await
    }

    pub(crate) async fn opened<T: Send + 'static>(
        &self,
        wanted: Vec<SubscriptionEntry>,
        read: impl Fn(&Parcel<'_>) -> Option<T> + Send + Sync + 'static,
    ) -> Result<EventStream<T>, Error> {
        let declares = !wanted.is_empty();
        let stream = EventStream::open(&self.shared, wanted, read)?;
        if declares {
            self.shared.declared().await?;
        }
        Ok(stream)
    }
}

/// The data of an event. What cannot be read is not for the log: it may be speech.
fn decoded<T: DeserializeOwned>(name: &str, data: &Text) -> Option<T> {
    let read = json::decode(data);
    if read.is_err() {
        tracing::debug!(stream = name, "an event has another form than expected");
    }
    read.ok()
}

/// The entry, if it is one by the grammar of streams.
pub(crate) fn parsed(name: String) -> Result<SubscriptionEntry, Error> {
    let entry = SubscriptionEntry::Name(name);
    Subscription::parse(&entry).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(entry)
}
