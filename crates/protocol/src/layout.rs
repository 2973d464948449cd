//! Layouts: what can be drawn on the glasses.

use serde::{Deserialize, Serialize};

use crate::json::milliseconds;

/// Which of the two buffers of the glasses a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum View {
    /// What the wearer sees with the head level.
    #[default]
    Main,
    /// What the wearer sees with the head up.
    Dashboard,
}

impl From<String> for View {
    /// Every name but `dashboard` means the main view, as it does to the phone.
    fn from(name: String) -> Self {
        if name == "dashboard" { View::Dashboard } else { View::Main }
    }
}

/// A picture made of text or bits. `layoutType` is mandatory: the phone crashes on a frame without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layoutType", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Layout {
    /// One block of text.
    TextWall {
        /// The text; the empty string clears.
        #[serde(default)]
        text: String,
    },
    /// Two blocks side by side or one above the other, as the glasses like.
    DoubleTextWall {
        /// First block.
        #[serde(default)]
        top_text: String,
        /// Second block.
        #[serde(default)]
        bottom_text: String,
    },
    /// A title and a text.
    ReferenceCard {
        /// The title.
        #[serde(default)]
        title: String,
        /// The text.
        #[serde(default)]
        text: String,
    },
    /// Two short texts; phones do not draw it, so it is sent as [`Layout::DoubleTextWall`].
    DashboardCard {
        /// Left text.
        #[serde(default)]
        left_text: String,
        /// Right text.
        #[serde(default)]
        right_text: String,
    },
    /// A one-bit picture.
    BitmapView {
        /// A BMP file in base64 (v3: any text the app gives).
        #[serde(default)]
        data: String,
    },
    /// Pictures in a row; phones do not draw it, so they are sent one by one as [`Layout::BitmapView`].
    BitmapAnimation {
        /// BMP files in base64.
        #[serde(default)]
        frames: Vec<String>,
        /// Milliseconds between frames.
        #[serde(default = "default_interval", deserialize_with = "interval")]
        interval: u64,
        /// Start again at the end.
        #[serde(default)]
        repeat: bool,
    },
    /// Nothing at all.
    ClearView {},
}

const fn default_interval() -> u64 {
    1650
}

/// From any JSON number; a negative one is no interval.
fn interval<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    milliseconds(deserializer).map(|ms| ms.unwrap_or_else(default_interval))
}

impl Layout {
    /// The layout in a form that phones draw, but for an animation of more than one picture: that has to be played.
    #[must_use]
    pub fn for_phone(self) -> Layout {
        match self {
            Layout::BitmapAnimation { mut frames, .. } if frames.len() == 1 => {
                Layout::BitmapView { data: frames.pop().unwrap_or_default() }
            }
            Layout::DashboardCard { left_text, right_text } => {
                Layout::DoubleTextWall { top_text: left_text, bottom_text: right_text }
            }
            other => other,
        }
    }

    /// An empty main view, as phones know it.
    pub fn clear() -> Layout {
        Layout::TextWall { text: String::new() }
    }

    /// Whether it draws nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Layout::ClearView {} => true,
            Layout::TextWall { text } => text.is_empty(),
            Layout::BitmapAnimation { frames, .. } => frames.is_empty(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_camel_case_and_missing_texts_are_empty() {
        let card: Layout = serde_json::from_str(r#"{"layoutType":"dashboard_card","leftText":"a"}"#).expect("reads");
        assert_eq!(card, Layout::DashboardCard { left_text: "a".into(), right_text: String::new() });
        let drawn = serde_json::to_string(&card.for_phone()).ok();
        assert_eq!(drawn.as_deref(), Some(r#"{"layoutType":"double_text_wall","topText":"a","bottomText":""}"#));
    }

    #[test]
    fn an_animation_of_one_picture_is_a_picture_and_of_none_is_nothing() {
        let read = |frames: &str| -> Layout {
            let text = format!(r#"{{"layoutType":"bitmap_animation","frames":{frames},"interval":-2.5}}"#);
            serde_json::from_str(&text).expect("reads")
        };
        assert_eq!(read(r#"["a"]"#).for_phone(), Layout::BitmapView { data: "a".into() });
        assert!(read("[]").is_empty());
        let Layout::BitmapAnimation { interval, repeat, .. } = read(r#"["a","b"]"#).for_phone() else { panic!("kept") };
        assert_eq!((interval, repeat), (1650, false));
    }

    #[test]
    fn a_layout_without_a_type_is_refused() {
        assert!(serde_json::from_str::<Layout>(r#"{"text":"x"}"#).is_err());
    }
}
