//! Who has the camera, and whether it can be had at all.
//!
//! | it is had by | a photo | a direct stream | a managed stream |
//! |---|---|---|---|
//! | nobody | is taken | starts | starts |
//! | a photo | waits, at most 4 of them | `CAMERA_BUSY` | `CAMERA_BUSY` |
//! | a direct stream | `CAMERA_BUSY` | `STREAM_CONFLICT`; of the same app to the same place: it is told how that is | `STREAM_CONFLICT` |
//! | a managed stream | `CAMERA_BUSY` | `STREAM_CONFLICT` | joins it |
//! | a stream that ends | `CAMERA_BUSY` | `STREAM_CONFLICT` | `STREAM_CONFLICT` |

use bifocal_protocol::apps::AppErrorCode;

/// Who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    /// A photo is being taken.
    Photo,
    /// Photos wait, as many as may.
    Queue,
    /// Another stream runs, or ends.
    Stream { managed: bool, ends: bool },
}

impl Busy {
    /// For programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Busy::Photo | Busy::Queue => "CAMERA_BUSY",
            Busy::Stream { .. } => "STREAM_CONFLICT",
        }
    }

    /// For people: who has it, and what to do.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Busy::Photo => "The camera takes a photo; try again in a moment",
            Busy::Queue => "Too many photos wait for the camera; ask for one after the other",
            Busy::Stream { ends: true, .. } => "The last stream of this camera is still ending; try again in a moment",
            Busy::Stream { managed: true, .. } => {
                "A managed stream has the camera; it ends when its last viewer leaves"
            }
            Busy::Stream { managed: false, .. } => "A direct stream has the camera; it ends when its app stops it",
        }
    }
}

/// Why the camera cannot be had, whoever has it. The checks are made in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotReady {
    Permission,
    Sensing,
    Phone,
    Glasses,
    Camera(String),
    Video(String),
    Wifi,
}

impl NotReady {
    /// For programs, as photos fail. SDK v3 knows one code of its own.
    pub(crate) fn photo_code(&self, v3: bool) -> &'static str {
        match self {
            NotReady::Permission if v3 => bifocal_protocol::media::PhotoError::NO_PERMISSION,
            NotReady::Permission | NotReady::Sensing => "PERMISSION_DENIED",
            NotReady::Phone => "PHONE_DISCONNECTED",
            NotReady::Glasses => "PHONE_GLASSES_NOT_CONNECTED",
            NotReady::Camera(_) | NotReady::Video(_) => "CAMERA_INIT_FAILED",
            NotReady::Wifi => "WIFI_NOT_CONNECTED",
        }
    }

    /// For programs, as streams fail.
    pub(crate) fn stream_code(&self) -> &'static str {
        match self {
            NotReady::Glasses => "GLASSES_DISCONNECTED",
            NotReady::Camera(_) | NotReady::Video(_) => "CAMERA_NOT_AVAILABLE",
            other => other.photo_code(false),
        }
    }

    /// The code of the error beside it.
    pub(crate) fn app_code(&self) -> AppErrorCode {
        match self {
            NotReady::Permission | NotReady::Sensing => AppErrorCode::PermissionDenied,
            NotReady::Wifi => AppErrorCode::WifiNotConnected,
            _ => AppErrorCode::InternalError,
        }
    }

    /// For people: what is missing, and what to do.
    pub(crate) fn why(&self) -> String {
        match self {
            NotReady::Permission => "To use the camera, declare the CAMERA permission of the app".to_owned(),
            NotReady::Sensing => "The wearer has switched sensing off".to_owned(),
            NotReady::Phone => "The phone is not connected".to_owned(),
            NotReady::Glasses => "The phone is not connected to the glasses".to_owned(),
            NotReady::Camera(model) => format!("The connected glasses ({model}) have no camera"),
            NotReady::Video(model) => format!("The camera of the connected glasses ({model}) cannot stream"),
            NotReady::Wifi => {
                "Cannot process request - smart glasses must be connected to WiFi for this operation".to_owned()
            }
        }
    }
}
