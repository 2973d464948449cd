//! What an app may be given: the permissions it declares, and the one table of which stream needs which.

use serde::{Deserialize, Serialize};

/// A permission as developers declare it. Source: the app record of the developer console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    /// Sound, and every word made of it.
    Microphone,
    /// Where the wearer is.
    Location,
    /// Where the wearer is while the app is not in the foreground.
    BackgroundLocation,
    /// The wearer's calendar.
    Calendar,
    /// Photos and streams.
    Camera,
    /// The older name of [`Permission::ReadNotifications`].
    Notifications,
    /// Notifications of the phone.
    ReadNotifications,
    /// Notifications on the phone.
    PostNotifications,
    /// Everything, unknown streams included.
    All,
}

impl Permission {
    /// Every permission, in the order of the console.
    pub const EVERY: [Permission; 9] = [
        Permission::Microphone,
        Permission::Location,
        Permission::BackgroundLocation,
        Permission::Calendar,
        Permission::Camera,
        Permission::Notifications,
        Permission::ReadNotifications,
        Permission::PostNotifications,
        Permission::All,
    ];

    /// The name on the wire, `MICROPHONE`.
    pub const fn name(self) -> &'static str {
        match self {
            Permission::Microphone => "MICROPHONE",
            Permission::Location => "LOCATION",
            Permission::BackgroundLocation => "BACKGROUND_LOCATION",
            Permission::Calendar => "CALENDAR",
            Permission::Camera => "CAMERA",
            Permission::Notifications => "NOTIFICATIONS",
            Permission::ReadNotifications => "READ_NOTIFICATIONS",
            Permission::PostNotifications => "POST_NOTIFICATIONS",
            Permission::All => "ALL",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::EVERY.into_iter().find(|p| p.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| {
            let names: Vec<_> = Self::EVERY.iter().map(|p| p.name()).collect();
            format!("unknown permission; known are {}", names.join(", "))
        })
    }
}

/// The permissions of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// None at all: what an unknown app has.
    pub const NONE: Permissions = Permissions(0);

    /// Whether the app may have what needs `permission`. `ALL` grants everything, `NOTIFICATIONS` reading them.
    pub const fn grants(self, permission: Permission) -> bool {
        let legacy =
            matches!(permission, Permission::ReadNotifications) && self.0 & Permission::Notifications.bit() != 0;
        self.0 & (permission.bit() | Permission::All.bit()) != 0 || legacy
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        Permissions(permissions.into_iter().fold(0, |bits, p| bits | p.bit()))
    }
}

/// What a stream asks of the app that wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Anybody may have it.
    Nothing,
    /// The app must have declared this permission.
    Permission(Permission),
}

impl Need {
    /// Whether an app with `permissions` may have it.
    pub const fn met_by(self, permissions: Permissions) -> bool {
        match self {
            Need::Nothing => true,
            Need::Permission(permission) => permissions.grants(permission),
        }
    }
}

/// The one table: what the stream with this base name needs. A name that is not in it needs `ALL`: default deny.
pub fn needed_for(base: &str) -> Need {
    match base {
        "audio_chunk" | "transcription" | "translation" | "VAD" | "local_transcription" => {
            Need::Permission(Permission::Microphone)
        }
        "location_update" | "location_stream" => Need::Permission(Permission::Location),
        "calendar_event" => Need::Permission(Permission::Calendar),
        "photo_request"
        | "photo_response"
        | "photo_taken"
        | "video"
        | "rtmp_stream_status"
        | "stream_status"
        | "managed_stream_status" => Need::Permission(Permission::Camera),
        "phone_notification" | "phone_notification_dismissed" => Need::Permission(Permission::ReadNotifications),
        "button_press"
        | "head_position"
        | "touch_event"
        | "glasses_battery_update"
        | "phone_battery_update"
        | "glasses_connection_state"
        | "vps_coordinates"
        | "start_app"
        | "stop_app"
        | "open_dashboard"
        | "dashboard_state"
        | "core_status_update"
        | "settings_update_request"
        | "custom_message"
        | "rgb_led_control_response"
        | "swipe_volume_status"
        | "switch_status"
        | "augmentos" => Need::Nothing,
        _ => Need::Permission(Permission::All),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_grants_everything_and_the_old_name_still_reads_notifications() {
        let all: Permissions = [Permission::All].into_iter().collect();
        assert!(Permission::EVERY.into_iter().all(|p| all.grants(p)));
        let legacy: Permissions = [Permission::Notifications].into_iter().collect();
        assert!(legacy.grants(Permission::ReadNotifications));
        assert!(!legacy.grants(Permission::PostNotifications));
        assert!(!Permissions::NONE.grants(Permission::Microphone));
    }

    #[test]
    fn unknown_streams_are_denied() {
        assert!(!needed_for("brain_waves").met_by(Permissions::NONE));
        assert!(needed_for("button_press").met_by(Permissions::NONE));
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for permission in Permission::EVERY {
            assert_eq!(serde_json::to_string(&permission).ok(), Some(format!("\"{}\"", permission.name())));
            assert_eq!(permission.name().parse(), Ok(permission));
        }
    }
}
