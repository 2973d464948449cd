//! What a model of glasses can do: the record that apps read, and the table of every known model.
//!
//! An absent piece of hardware is `false` and `null`, never left out. Only the G1 has a piece without a description: an
//! IMU of which nothing is known.

use serde::{Deserialize, Serialize};

/// The capability record of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// The model.
    pub model_name: String,
    /// Takes photos.
    pub has_camera: bool,
    /// The camera.
    pub camera: Option<Camera>,
    /// Shows text.
    pub has_display: bool,
    /// The display.
    pub display: Option<Display>,
    /// Hears.
    pub has_microphone: bool,
    /// The microphone.
    pub microphone: Option<Microphone>,
    /// Sounds.
    pub has_speaker: bool,
    /// The speaker.
    pub speaker: Option<Speaker>,
    /// Feels movement.
    #[serde(rename = "hasIMU")]
    pub has_imu: bool,
    /// The movement sensor.
    pub imu: Option<Imu>,
    /// Can be pressed or swiped.
    pub has_button: bool,
    /// The buttons.
    pub button: Option<Buttons>,
    /// Shines.
    pub has_light: bool,
    /// The lights.
    pub light: Option<Lights>,
    /// The battery.
    pub power: Option<Power>,
    /// Has Wi-Fi of its own.
    pub has_wifi: bool,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A camera.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Camera {
    /// Of a photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// High dynamic range.
    #[serde(rename = "hasHDR", skip_serializing_if = "Option::is_none")]
    pub has_hdr: Option<bool>,
    /// Focuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_focus: Option<bool>,
    /// Moving pictures.
    pub video: Video,
}

/// What a camera does with moving pictures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Video {
    /// Keeps them.
    pub can_record: bool,
    /// Sends them.
    pub can_stream: bool,
    /// `rtmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_stream_types: Option<Vec<String>>,
    /// Largest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_resolutions: Option<Vec<Resolution>>,
}

/// A display.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Display {
    /// One for each eye, or one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// More than one colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_color: Option<bool>,
    /// The only colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Shows pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_display_bitmap: Option<bool>,
    /// Of each eye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Of each eye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_of_view: Option<FieldOfView>,
    /// Lines of text that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_text_lines: Option<u32>,
    /// Its brightness can be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjust_brightness: Option<bool>,
}

/// Degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldOfView {
    /// Degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizontal: Option<u32>,
    /// Degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vertical: Option<u32>,
}

/// A microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Microphone {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Tells speech from noise by itself.
    #[serde(rename = "hasVAD", skip_serializing_if = "Option::is_none")]
    pub has_vad: Option<bool>,
}

/// A speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Speaker {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Only the wearer hears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
}

/// A movement sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Imu {
    /// Degrees of freedom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_count: Option<u32>,
    /// Feels acceleration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_accelerometer: Option<bool>,
    /// Feels north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_compass: Option<bool>,
    /// Feels turning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_gyroscope: Option<bool>,
}

/// The buttons.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Buttons {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<Button>>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Button {
    /// What is done to it.
    #[serde(rename = "type")]
    pub kind: ButtonKind,
    /// `press`, `double_press`, `long_press`.
    #[serde(default)]
    pub events: Vec<String>,
    /// A touch is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_capacitive: Option<bool>,
}

/// What is done to a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ButtonKind {
    /// Pressing.
    Press,
    /// Swiping along a line.
    Swipe1d,
    /// Swiping on a plane.
    Swipe2d,
}

/// The lights.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lights {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lights: Option<Vec<Light>>,
}

/// A light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Light {
    /// Its name.
    pub id: String,
    /// What it is there for.
    pub purpose: LightPurpose,
    /// More than one colour.
    pub is_full_color: bool,
    /// `white`, `rgb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// `front_facing`, `user_facing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

/// What a light is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LightPurpose {
    /// Tells others that the camera works.
    Privacy,
    /// Tells the wearer something.
    UserFeedback,
    /// Anything.
    General,
}

/// The battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Power {
    /// A battery that is carried apart.
    pub has_external_battery: bool,
}

/// Every model with a table, as its name is spelled on the wire.
pub const MODELS: [&str; 5] = ["Simulated Glasses", "Even Realities G1", "Mentra Live", "Mentra Mach1", "Vuzix Z100"];

/// The record of a model; `None` for one that is not known, which is no reason to refuse it anything.
///
/// Case and surrounding space of `model` do not matter. `K900` is how the Mentra Live calls itself for a moment after
/// its firmware has started; the Mentra Mach1 is a Vuzix Z100 under another name.
pub fn capabilities_for(model: &str) -> Option<Capabilities> {
    let model = model.trim();
    let model = if model.eq_ignore_ascii_case("K900") { "Mentra Live" } else { model };
    let known = MODELS.into_iter().find(|name| name.eq_ignore_ascii_case(model))?;
    let record = match known {
        "Even Realities G1" => even_realities_g1(),
        "Mentra Live" => mentra_live(),
        "Simulated Glasses" => simulated_glasses(),
        _ => vuzix_z100(),
    };
    Some(Capabilities { model_name: known.to_owned(), power: Some(Power { has_external_battery: false }), ..record })
}

fn even_realities_g1() -> Capabilities {
    Capabilities {
        has_display: true,
        display: Some(Display {
            count: Some(2),
            can_display_bitmap: Some(true),
            resolution: Some(Resolution { width: 640, height: 200 }),
            field_of_view: Some(FieldOfView { horizontal: Some(25), vertical: None }),
            max_text_lines: Some(5),
            ..green_display()
        }),
        has_microphone: true,
        microphone: Some(Microphone { count: Some(1), has_vad: Some(false) }),
        has_imu: true,
        ..Capabilities::default()
    }
}

fn mentra_live() -> Capabilities {
    let sizes = [(1920, 1080), (1280, 720), (640, 480)].map(|(width, height)| Resolution { width, height });
    let light = |id: &str, purpose, is_full_color, color: &str, position: &str| Light {
        id: id.to_owned(),
        purpose,
        is_full_color,
        color: Some(color.to_owned()),
        position: Some(position.to_owned()),
    };
    Capabilities {
        has_camera: true,
        camera: Some(Camera {
            resolution: Some(sizes[0]),
            has_hdr: Some(false),
            has_focus: Some(true),
            video: Video {
                can_record: true,
                can_stream: true,
                supported_stream_types: Some(vec!["rtmp".to_owned()]),
                supported_resolutions: Some(sizes.to_vec()),
            },
        }),
        has_microphone: true,
        microphone: Some(Microphone { count: Some(1), has_vad: Some(true) }),
        has_speaker: true,
        speaker: Some(Speaker { count: Some(1), is_private: Some(false) }),
        has_imu: true,
        imu: Some(Imu {
            axis_count: Some(6),
            has_accelerometer: Some(true),
            has_compass: Some(false),
            has_gyroscope: Some(true),
        }),
        has_button: true,
        button: Some(one_button(&["press", "double_press", "long_press"])),
        has_light: true,
        light: Some(Lights {
            count: Some(2),
            lights: Some(vec![
                light("privacy", LightPurpose::Privacy, false, "white", "front_facing"),
                light("user_feedback", LightPurpose::UserFeedback, true, "rgb", "user_facing"),
            ]),
        }),
        has_wifi: true,
        ..Capabilities::default()
    }
}

fn vuzix_z100() -> Capabilities {
    Capabilities { has_display: true, display: Some(green_display()), ..Capabilities::default() }
}

fn simulated_glasses() -> Capabilities {
    Capabilities {
        has_microphone: true,
        microphone: Some(Microphone { count: Some(1), has_vad: Some(false) }),
        has_speaker: true,
        speaker: Some(Speaker { count: Some(1), is_private: Some(false) }),
        has_button: true,
        button: Some(one_button(&["press"])),
        ..vuzix_z100()
    }
}

fn green_display() -> Display {
    Display {
        count: Some(1),
        is_color: Some(false),
        color: Some("green".to_owned()),
        can_display_bitmap: Some(false),
        resolution: Some(Resolution { width: 640, height: 480 }),
        field_of_view: Some(FieldOfView { horizontal: Some(30), vertical: None }),
        max_text_lines: Some(7),
        adjust_brightness: Some(true),
    }
}

fn one_button(events: &[&str]) -> Buttons {
    let events = events.iter().map(|&event| event.to_owned()).collect();
    Buttons {
        count: Some(1),
        buttons: Some(vec![Button { kind: ButtonKind::Press, events, is_capacitive: Some(false) }]),
    }
}
