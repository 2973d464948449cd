//! What the phone knows about the wearer.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// `location_update`. Phones send it on the socket only as the answer to `request_single_location`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationUpdate {
    /// Degrees north.
    pub lat: Number,
    /// Degrees east.
    pub lng: Number,
    /// Metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Number>,
    /// The poll that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// When, in whatever form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
}

/// `vps_coordinates`: a place and a direction in a mapped room.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VpsCoordinates {
    /// The glasses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// The request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<Number>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<Number>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<Number>,
    /// Of the quaternion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qx: Option<Number>,
    /// Of the quaternion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qy: Option<Number>,
    /// Of the quaternion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qz: Option<Number>,
    /// Of the quaternion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qw: Option<Number>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Number>,
}

/// `calendar_event`. The cloud writes the same message for an event that comes over REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarEvent {
    /// Together with the start: which.
    pub event_id: String,
    /// What.
    #[serde(default)]
    pub title: String,
    /// When it begins, ISO 8601.
    #[serde(default)]
    pub dt_start: String,
    /// When it ends.
    #[serde(default)]
    pub dt_end: String,
    /// IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// When the phone said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamp: Option<String>,
}

impl CalendarEvent {
    /// When it begins; `None` when that cannot be read.
    pub fn start(&self) -> Option<crate::Timestamp> {
        serde_json::from_value(self.dt_start.as_str().into()).ok()
    }
}

/// `phone_notification`. The cloud writes the same message for a notification that comes over REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNotification {
    /// Which.
    pub notification_id: String,
    /// The name of the phone's app.
    #[serde(default)]
    pub app: String,
    /// Its first line.
    #[serde(default)]
    pub title: String,
    /// The rest.
    #[serde(default)]
    pub content: String,
    /// `low`, `normal`, `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// When, in whatever form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
    /// The phone's app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
}

/// `phone_notification_dismissed`. The first three texts are empty when it comes over REST, which does not have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNotificationDismissed {
    /// Which.
    pub notification_id: String,
    /// The name of the phone's app.
    #[serde(default)]
    pub app: String,
    /// Its first line.
    #[serde(default)]
    pub title: String,
    /// The rest.
    #[serde(default)]
    pub content: String,
    /// Android's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_key: Option<String>,
    /// When, in whatever form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
    /// The phone's app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use crate::glasses::FromPhone;
    use crate::{Decoded, Message};

    /// The digits are the phone's; an integer does not grow a fraction and a fraction does not lose its last digit.
    #[test]
    fn numbers_come_out_as_they_went_in() {
        let text = r#"{"type":"location_update","lat":31.245270191439438,"lng":11,"accuracy":0.1}"#;
        let Ok(Decoded::Known(message)) = FromPhone::decode(text) else { panic!("is a location") };
        assert_eq!(message.encode().as_str(), text);
    }
}
