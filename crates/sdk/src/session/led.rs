//! The lights of the glasses (`rgb_led_control`). Nothing answers.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{FromApp, RgbLedControl};

use crate::core::Lane;
use crate::error::Error;
use crate::random;
use crate::shared::Shared;

/// The lights. Every method gives [`Error::Ended`] and [`Error::Full`].
#[derive(Debug, Clone)]
pub struct Led {
    pub(crate) shared: Arc<Shared>,
}

/// What the light can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are colours")]
pub enum LedColor {
    Red,
    Green,
    Blue,
    Orange,
    White,
}

impl LedColor {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            LedColor::Red => "red",
            LedColor::Green => "green",
            LedColor::Blue => "blue",
            LedColor::Orange => "orange",
            LedColor::White => "white",
        }
    }
}

impl Led {
    /// On for a second.
    ///
    /// # Errors
    /// See [`Led`].
    pub async fn on(&self, color: LedColor) -> Result<(), Error> {
        self.solid(color, Duration::from_secs(1)).await
    }

    /// On for so long.
    ///
    /// # Errors
    /// See [`Led`].
    pub async fn solid(&self, color: LedColor, duration: Duration) -> Result<(), Error> {
        self.blink(color, duration, Duration::ZERO, 1).await
    }

    /// On and off, so often.
    ///
    /// # Errors
    /// See [`Led`].
    pub async fn blink(&self, color: LedColor, on: Duration, off: Duration, count: u32) -> Result<(), Error> {
        let millis = |time: Duration| Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into());
        self.send(RgbLedControl {
            request_id: random::id("led_req_"),
            action: "on".to_owned(),
            color: Some(color.name().to_owned()),
            ontime: millis(on),
            offtime: millis(off),
            count: Some(count.into()),
        })
        .await
    }

    /// Off.
    ///
    /// # Errors
    /// See [`Led`].
    pub async fn off(&self) -> Result<(), Error> {
        self.send(RgbLedControl {
            request_id: random::id("led_req_"),
            action: "off".to_owned(),
            color: None,
            ontime: None,
            offtime: None,
            count: None,
        })
        .await
    }

    async fn send(&self, control: RgbLedControl) -> Result<(), Error> {
        self.shared.send(Lane::Ordered, &FromApp::RgbLedControl(control)).await
    }
}
