//! Cloud → phone. Text frames only: the phone reads a binary frame as text.

mod apps;
mod audio;
mod camera;
mod device;
mod link;

pub use apps::*;
pub use audio::*;
pub use camera::*;
pub use device::*;
pub use link::*;

use crate::message::messages;

messages! {
    /// Everything the cloud may send to a phone. "Later" marks what the phones of today take for unknown and ignore.
    ToPhone {
        /// The session is there.
        Ack(ConnectionAck) = "connection_ack",
        /// Something is wrong; see [`GlassesErrorCode`].
        Error(ConnectionError) = "connection_error",
        /// The same for the token alone; phones log both.
        AuthError(AuthError) = "auth_error",
        /// Answer to `ping`.
        Pong(PhonePong) = "pong",
        /// An audio room to join; phones ask over REST instead.
        LivekitInfo(LivekitInfo) = "livekit_info",
        /// A probe came through over UDP (later).
        UdpPingAck(UdpPingAck) = "udp_ping_ack",
        /// A name in the phone's list that nothing sends.
        WebsocketError(WebsocketError) = "websocket_error",
        /// Draw this.
        Display(DisplayEvent) = "display_event",
        /// Which apps run has changed.
        AppStateChange(AppStateChange) = "app_state_change",
        /// An app runs now.
        AppStarted(AppNotice) = "app_started",
        /// An app runs no more.
        AppStopped(AppNotice) = "app_stopped",
        /// Listen, or stop listening.
        MicrophoneStateChange(MicrophoneStateChange) = "microphone_state_change",
        /// Play a sound (later).
        AudioPlayRequest(AudioPlayRequest) = "audio_play_request",
        /// Be quiet (later).
        AudioStopRequest(AudioStopRequest) = "audio_stop_request",
        /// Answer to `request_settings` and `settings_update_request`.
        SettingsUpdate(SettingsUpdate) = "settings_update",
        /// There is no answer to `settings_update_request`.
        AugmentosSettingsUpdateError(SettingsUpdateError) = "augmentos_settings_update_error",
        /// Take a photo.
        PhotoRequest(PhotoRequest) = "photo_request",
        /// Zoom (later).
        CameraFovSet(CameraFovSet) = "camera_fov_set",
        /// Stream the camera.
        StartRtmpStream(StartRtmpStream) = "start_rtmp_stream",
        /// Stop streaming.
        StopRtmpStream(StopStream) = "stop_rtmp_stream",
        /// Do you still stream? Without it the glasses stop after 60 s.
        KeepRtmpStreamAlive(KeepStreamAlive) = "keep_rtmp_stream_alive",
        /// Stream the camera (later).
        StartStream(StartStream) = "start_stream",
        /// Stop streaming (later).
        StopStream(StopStream) = "stop_stream",
        /// Do you still stream? (later)
        KeepStreamAlive(KeepStreamAlive) = "keep_stream_alive",
        /// Keep the last seconds of video from now on.
        StartBufferRecording(StartBufferRecording) = "start_buffer_recording",
        /// Keep them no more.
        StopBufferRecording(StopBufferRecording) = "stop_buffer_recording",
        /// Save the last seconds of video.
        SaveBufferVideo(SaveBufferVideo) = "save_buffer_video",
        /// Record a video.
        StartVideoRecording(StartVideoRecording) = "start_video_recording",
        /// Stop recording.
        StopVideoRecording(StopVideoRecording) = "stop_video_recording",
        /// Shine.
        RgbLedControl(RgbLedControl) = "rgb_led_control",
        /// Ask the wearer to connect the glasses to Wi-Fi.
        ShowWifiSetup(ShowWifiSetup) = "show_wifi_setup",
        /// Tell where the wearer is this exactly from now on.
        SetLocationTier(SetLocationTier) = "set_location_tier",
        /// Tell once where the wearer is.
        RequestSingleLocation(RequestSingleLocation) = "request_single_location",
        /// Show more or less of the dashboard; phones ignore it.
        DashboardModeChange(DashboardModeChange) = "dashboard_mode_change",
        /// Keep a status line on the display; phones ignore it.
        DashboardAlwaysOnChange(DashboardAlwaysOnChange) = "dashboard_always_on_change",
    }
}
