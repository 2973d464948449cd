//! Cloud → app.

mod device;
mod display;
mod errors;
mod link;
mod media;
mod peers;

pub use device::*;
pub use display::*;
pub use errors::*;
pub use link::*;
pub use media::*;
pub use peers::*;

use crate::message::messages;

messages! {
    /// Everything the cloud may send to an app. "v3" marks what SDK v2 reports to the app as an unknown message.
    ToApp {
        /// The app is in.
        Ack(Ack) = "tpa_connection_ack",
        /// The app is in again (v3).
        ReconnectAck(Ack) = "reconnect_ack",
        /// The app is not in again (v3).
        ReconnectRejected(ReconnectRejected) = "reconnect_rejected",
        /// The app may be in again soon (v3).
        ReconnectDeferred(ReconnectDeferred) = "reconnect_deferred",
        /// The app is not in, or a request failed. The SDK raises an error event and closes nothing.
        Error(AppError) = "tpa_connection_error",
        /// The same under its other name.
        ConnectionError(AppError) = "connection_error",
        /// An event of a subscribed stream. The cloud splices it with [`crate::envelope`]; this form is for reading.
        Data(DataStream) = "data_stream",
        /// The session of this app is over.
        Stopped(AppStopped) = "app_stopped",
        /// Answer to the SDK v3 heartbeat; an error event in v2, so it is sent only to those who ask.
        Pong(Pong) = "pong",
        /// Subscriptions that were refused.
        PermissionError(PermissionError) = "permission_error",
        /// One subscription that was refused (v3).
        PermissionDenied(PermissionDenied) = "permission_denied",
        /// The app's own settings.
        SettingsUpdate(AppSettingsUpdate) = "settings_update",
        /// The system's settings.
        AugmentosSettingsUpdate(SystemSettingsUpdate) = "augmentos_settings_update",
        /// Other glasses, or none.
        CapabilitiesUpdate(CapabilitiesUpdate) = "capabilities_update",
        /// What is known about the glasses.
        DeviceStateUpdate(DeviceStateUpdate) = "device_state_update",
        /// What became of a request to draw; a message of this server, for apps that ask for it.
        DisplayReport(DisplayReport) = "display_report",
        /// The dashboard shows more or less.
        DashboardModeChanged(DashboardModeChanged) = "dashboard_mode_changed",
        /// Never sent: SDK v2 fails on it.
        DashboardAlwaysOnChanged(DashboardAlwaysOnChanged) = "dashboard_always_on_changed",
        /// The photo, or why there is none.
        PhotoResponse(PhotoResponse) = "photo_response",
        /// The sound was played, or not.
        AudioPlayResponse(AudioPlayResponse) = "audio_play_response",
        /// The output stream is open (v3).
        AudioStreamReady(AudioStreamReady) = "audio_stream_ready",
        /// The light shone, or not; every SDK ignores it.
        RgbLedControlResponse(RgbLedControlResponse) = "rgb_led_control_response",
        /// How the app's direct stream is doing (v2).
        RtmpStreamStatus(DirectStreamStatus) = "rtmp_stream_status",
        /// The same for v3.
        StreamStatus(DirectStreamStatus) = "stream_status",
        /// How the app's managed stream is doing; unasked it confuses v2, which then refuses to start one.
        ManagedStreamStatus(ManagedStreamStatus) = "managed_stream_status",
        /// Whether a stream runs.
        StreamStatusCheckResponse(StreamStatusCheckResponse) = "stream_status_check_response",
        /// Date and time for the dashboard.
        CustomMessage(CustomMessage) = "custom_message",
        /// From another user of this app.
        AppMessageReceived(AppMessageReceived) = "app_message_received",
        /// What became of a direct message.
        AppDirectMessageResponse(AppDirectMessageResponse) = "app_direct_message_response",
        /// Somebody came.
        AppUserJoined(AppUserJoined) = "app_user_joined",
        /// Somebody left.
        AppUserLeft(AppUserLeft) = "app_user_left",
        /// A room changed.
        AppRoomUpdated(AppRoomUpdated) = "app_room_updated",
        /// Upload logs (v3).
        RequestTelemetry(RequestTelemetry) = "request_telemetry",
        /// A name in the SDK's list that nothing sends.
        WebsocketError(WebsocketError) = "websocket_error",
    }
}
