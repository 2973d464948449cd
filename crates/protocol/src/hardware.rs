//! What an app needs of the glasses, and whether they have it.

use serde::{Deserialize, Serialize};

use crate::capabilities::Capabilities;

/// A piece of hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Hardware {
    /// Takes photos.
    Camera,
    /// Shows text.
    Display,
    /// Hears.
    Microphone,
    /// Sounds.
    Speaker,
    /// Feels movement.
    Imu,
    /// Can be pressed.
    Button,
    /// Shines.
    Light,
    /// Has Wi-Fi of its own.
    Wifi,
}

/// How much an app needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// It does not run without.
    #[default]
    Required,
    /// It runs without, and can do less.
    Optional,
}

/// One thing that an app needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// What.
    #[serde(rename = "type")]
    pub kind: Hardware,
    /// How much.
    #[serde(default)]
    pub level: Level,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Hardware {
    /// Every piece.
    pub const EVERY: [Hardware; 8] = [
        Hardware::Camera,
        Hardware::Display,
        Hardware::Microphone,
        Hardware::Speaker,
        Hardware::Imu,
        Hardware::Button,
        Hardware::Light,
        Hardware::Wifi,
    ];

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Hardware::Camera => "camera",
            Hardware::Display => "display",
            Hardware::Microphone => "microphone",
            Hardware::Speaker => "speaker",
            Hardware::Imu => "imu",
            Hardware::Button => "button",
            Hardware::Light => "light",
            Hardware::Wifi => "wifi",
        }
    }

    /// Whether glasses have it.
    pub const fn is_in(self, capabilities: &Capabilities) -> bool {
        match self {
            Hardware::Camera => capabilities.has_camera,
            Hardware::Display => capabilities.has_display,
            Hardware::Microphone => capabilities.has_microphone,
            Hardware::Speaker => capabilities.has_speaker,
            Hardware::Imu => capabilities.has_imu,
            Hardware::Button => capabilities.has_button,
            Hardware::Light => capabilities.has_light,
            Hardware::Wifi => capabilities.has_wifi,
        }
    }
}

impl std::str::FromStr for Hardware {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::EVERY.into_iter().find(|hardware| hardware.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| format!("one of {}", Self::EVERY.map(Hardware::name).join(", ")))
    }
}

/// What the glasses lack of what an app requires. Of glasses that are not known nothing is said.
pub fn missing(requirements: &[Requirement], level: Level, capabilities: Option<&Capabilities>) -> Vec<Hardware> {
    let Some(capabilities) = capabilities else { return vec![] };
    let lacks = |need: &&Requirement| need.level == level && !need.kind.is_in(capabilities);
    requirements.iter().filter(lacks).map(|need| need.kind).collect()
}

/// For the wearer: why an app does not run on these glasses.
pub fn explanation(missing: &[Hardware]) -> String {
    let names: Vec<&str> = missing.iter().map(|hardware| hardware.name()).collect();
    match &names[..] {
        [one] => format!("it requires a {one}, which the connected glasses do not have"),
        _ => format!("it requires hardware that the connected glasses do not have: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capabilities::capabilities_for;

    fn needs(kind: Hardware, level: Level) -> Requirement {
        Requirement { kind, level, description: None }
    }

    #[test]
    fn what_is_required_and_lacking_is_missing() {
        let needs = [
            needs(Hardware::Camera, Level::Required),
            needs(Hardware::Light, Level::Optional),
            needs(Hardware::Imu, Level::Required),
        ];
        let g1 = capabilities_for("Even Realities G1");
        assert_eq!(missing(&needs, Level::Required, g1.as_ref()), [Hardware::Camera]);
        assert_eq!(missing(&needs, Level::Optional, g1.as_ref()), [Hardware::Light]);
        assert!(missing(&needs, Level::Required, None).is_empty());
        assert!(missing(&needs, Level::Required, capabilities_for("Mentra Live").as_ref()).is_empty());
        assert!(explanation(&[Hardware::Camera]).contains("a camera"));
        assert!(explanation(&[Hardware::Camera, Hardware::Wifi]).contains("camera, wifi"));
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for hardware in Hardware::EVERY {
            let json = serde_json::to_string(&hardware).expect("serialises");
            assert_eq!(json.trim_matches('"').to_lowercase().parse(), Ok(hardware));
        }
    }
}
