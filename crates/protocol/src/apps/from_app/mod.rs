//! App → cloud.
//!
//! `packageName`, `sessionId` and `timestamp` stand in nearly every message and are not repeated in these structs: the
//! sender is known by its socket, and what SDKs write into `sessionId` is unreliable (`""`, `unknown-session-id`, the id
//! with the package twice). Only [`claimed_package`] looks at the name, to refuse an app that speaks for another.

mod audio;
mod camera;
mod device;
mod display;
mod link;
mod peers;

use serde::Deserialize;

pub use audio::*;
pub use camera::*;
pub use device::*;
pub use display::*;
pub use link::*;
pub use peers::*;

use crate::json;
use crate::message::messages;

messages! {
    /// Everything an app may send.
    FromApp {
        /// First message of an app that authenticates by message.
        Init(Init) = "tpa_connection_init",
        /// SDK v3, when its socket came back.
        Reconnect(Reconnect) = "reconnect",
        /// SDK v3 heartbeat.
        Ping(Ping) = "ping",
        /// This socket will close and the app is not to be restarted here.
        OwnershipRelease(OwnershipRelease) = "ownership_release",
        /// The complete list of streams that the app wants.
        SubscriptionUpdate(SubscriptionUpdate) = "subscription_update",
        /// How to hear (SDK v3).
        TranscriptionConfig(TranscriptionConfig) = "transcription_config",
        /// Logs for an incident; declared in the SDK, which uploads them over REST instead.
        TelemetryResponse(TelemetryResponse) = "telemetry_response",
        /// Draw this.
        Display(DisplayRequest) = "display_event",
        /// A text for the dashboard.
        DashboardContentUpdate(DashboardContentUpdate) = "dashboard_content_update",
        /// Show more or less of the dashboard; for the system dashboard app.
        DashboardModeChange(DashboardModeChange) = "dashboard_mode_change",
        /// A corner of the dashboard; for the system dashboard app.
        DashboardSystemUpdate(DashboardSystemUpdate) = "dashboard_system_update",
        /// Take a photo.
        PhotoRequest(PhotoRequest) = "photo_request",
        /// Zoom.
        CameraFovSet(CameraFovSet) = "camera_fov_set",
        /// Stream the camera to an RTMP URL (SDK v2).
        RtmpStreamRequest(RtmpStreamRequest) = "rtmp_stream_request",
        /// End it.
        RtmpStreamStop(StreamStop) = "rtmp_stream_stop",
        /// Stream the camera to a URL (SDK v3).
        StreamRequest(StreamRequest) = "stream_request",
        /// End it.
        StreamStop(StreamStop) = "stream_stop",
        /// Stream the camera through the cloud.
        ManagedStreamRequest(ManagedStreamRequest) = "managed_stream_request",
        /// End it for this app.
        ManagedStreamStop(ManagedStreamStop) = "managed_stream_stop",
        /// Ask whether a stream runs.
        StreamStatusCheck(StreamStatusCheck) = "stream_status_check",
        /// Play a sound.
        AudioPlayRequest(AudioPlayRequest) = "audio_play_request",
        /// Be quiet.
        AudioStopRequest(AudioStopRequest) = "audio_stop_request",
        /// Open an output stream, whose sound comes in binary frames (SDK v3).
        AudioStreamStart(AudioStreamStart) = "audio_stream_start",
        /// Close it.
        AudioStreamEnd(AudioStreamEnd) = "audio_stream_end",
        /// Shine.
        RgbLedControl(RgbLedControl) = "rgb_led_control",
        /// Ask once where the wearer is.
        LocationPollRequest(LocationPollRequest) = "location_poll_request",
        /// Ask the wearer to connect the glasses to Wi-Fi.
        RequestWifiSetup(RequestWifiSetup) = "request_wifi_setup",
        /// To every user of this app.
        AppBroadcastMessage(AppBroadcastMessage) = "app_broadcast_message",
        /// To one user of this app.
        AppDirectMessage(AppDirectMessage) = "app_direct_message",
        /// Enter a room.
        AppRoomJoin(AppRoomJoin) = "app_room_join",
        /// Leave it.
        AppRoomLeave(AppRoomLeave) = "app_room_leave",
        /// Who else uses this app; declared in the SDK, which asks over REST instead.
        AppUserDiscovery(AppUserDiscovery) = "app_user_discovery",
    }
}

/// The package name that a message claims to come from, if it names one.
pub fn claimed_package(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claim {
        #[serde(default, rename = "packageName")]
        package_name: Option<serde_json::Value>,
    }
    let claim: Claim = json::decode(text).ok()?;
    claim.package_name?.as_str().map(str::to_owned)
}
