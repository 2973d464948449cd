//! Phone → cloud. Times in these messages are of every form and are not read.
//!
//! Nearly all of it is relayed to apps as it is, so a field is mandatory here only where the cloud itself cannot do
//! without it.

mod audio;
mod camera;
mod device;
mod inputs;
mod link;
mod phone;

pub use audio::*;
pub use camera::*;
pub use device::*;
pub use inputs::*;
pub use link::*;
pub use phone::*;

use crate::message::messages;

messages! {
    /// Everything a phone may send as text.
    FromPhone {
        /// Asks for another ack; the real phone never sends it.
        ConnectionInit(ConnectionInit) = "connection_init",
        /// Heartbeat of later phones; answered with `pong`.
        Ping(Ping) = "ping",
        /// Sound will come over UDP (later phones).
        UdpRegister(UdpRegister) = "udp_register",
        /// No more sound over UDP.
        UdpUnregister(UdpRegister) = "udp_unregister",
        /// Sound will come over LiveKit; legacy, relayed.
        LivekitInit(LivekitInit) = "livekit_init",
        /// Start an app.
        StartApp(PackageRequest) = "start_app",
        /// Stop an app.
        StopApp(PackageRequest) = "stop_app",
        /// Asks for the system settings.
        RequestSettings(RequestSettings) = "request_settings",
        /// Asks for the system settings, with words around them.
        SettingsUpdateRequest(SettingsUpdateRequest) = "settings_update_request",
        /// Everything about the phone and the glasses at once (simulator, legacy).
        CoreStatusUpdate(CoreStatusUpdate) = "core_status_update",
        /// Glasses came or went (simulator, legacy).
        GlassesConnectionState(GlassesConnectionState) = "glasses_connection_state",
        /// The battery of the glasses.
        GlassesBatteryUpdate(BatteryUpdate) = "glasses_battery_update",
        /// The battery of the phone.
        PhoneBatteryUpdate(BatteryUpdate) = "phone_battery_update",
        /// Somebody speaks, or no more. Simulators write it in lower case.
        Vad(Vad) = "VAD" | "vad",
        /// Words recognised on the phone.
        LocalTranscription(LocalTranscription) = "local_transcription",
        /// A sound was played, or not.
        AudioPlayResponse(AudioPlayResponse) = "audio_play_response",
        /// Configuration of a speech engine; legacy, relayed.
        Config(AsrConfig) = "config",
        /// A button of the glasses.
        ButtonPress(ButtonPress) = "button_press",
        /// The head moved.
        HeadPosition(HeadPosition) = "head_position",
        /// A touch of the glasses.
        TouchEvent(TouchEvent) = "touch_event",
        /// Swiping changes the volume now, or no more.
        SwipeVolumeStatus(SwipeVolumeStatus) = "swipe_volume_status",
        /// A switch of the glasses.
        SwitchStatus(SwitchStatus) = "switch_status",
        /// The light shone, or not.
        RgbLedControlResponse(RgbLedControlResponse) = "rgb_led_control_response",
        /// The dashboard opened or closed.
        DashboardState(DashboardState) = "dashboard_state",
        /// The dashboard was asked for.
        OpenDashboard(OpenDashboard) = "open_dashboard",
        /// Where the wearer is.
        LocationUpdate(LocationUpdate) = "location_update",
        /// Where the wearer is, seen by the camera.
        VpsCoordinates(VpsCoordinates) = "vps_coordinates",
        /// An appointment.
        CalendarEvent(CalendarEvent) = "calendar_event",
        /// A notification appeared on the phone.
        PhoneNotification(PhoneNotification) = "phone_notification",
        /// It was dismissed.
        PhoneNotificationDismissed(PhoneNotificationDismissed) = "phone_notification_dismissed",
        /// What became of a photo request.
        PhotoResponse(PhotoResponse) = "photo_response",
        /// The wearer took a photo.
        PhotoTaken(PhotoTaken) = "photo_taken",
        /// How a stream is doing.
        RtmpStreamStatus(StreamReport) = "rtmp_stream_status",
        /// The same from later phones.
        StreamStatus(StreamReport) = "stream_status",
        /// The glasses still stream.
        KeepAliveAck(KeepAliveAck) = "keep_alive_ack",
        /// Where a video can be watched; legacy, relayed.
        VideoStreamResponse(VideoStreamResponse) = "video_stream_response",
    }
}
